/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispertensors.h: the named tensors of a model, as its files store them.
 *
 * What every reader of a file format produces, and what whisperlayout.h finds
 * an encoder in.  A tensor in here lies inside its file, and its size agrees
 * with its shape and type; nothing is known about its meaning yet.
 */
#ifndef WHISPER_TENSORS_H
#define WHISPER_TENSORS_H

#include "npukernels.h"
#include "whisperfile.h"

G_BEGIN_DECLS

#define WHISPER_TENSOR_MAX_DIMS 8

typedef struct {
  gchar *name;
  const WhisperFile *file; /* where it lies, for messages */
  const gchar *type_name;  /* as the format spells it: "F16", "I64" */
  gboolean usable;         /* whether @dtype says how to read it */
  NpuDtype dtype;
  guint n_dims;
  guint64 dims[WHISPER_TENSOR_MAX_DIMS]; /* outermost first */
  gconstpointer data;                    /* at any alignment */
  gsize size;                            /* bytes */
} WhisperTensor;

typedef struct {
  GPtrArray *files;    /* WhisperFile, mapped as long as this lives */
  GHashTable *by_name; /* gchar * → WhisperTensor */
} WhisperTensors;

WhisperTensors *whisper_tensors_new (void);
void whisper_tensors_free (WhisperTensors *tensors);

/* Takes @file. */
void whisper_tensors_add_file (WhisperTensors *tensors, WhisperFile *file);

/* Takes @tensor; FALSE if there is one of that name already. */
gboolean whisper_tensors_add (
    WhisperTensors *tensors, WhisperTensor *tensor, GError **error);

void whisper_tensor_free (WhisperTensor *tensor);

/* "[512, 80, 3]" (transfer full). */
gchar *whisper_dims_to_string (const guint64 *dims, guint n_dims);

G_END_DECLS
#endif /* WHISPER_TENSORS_H */
