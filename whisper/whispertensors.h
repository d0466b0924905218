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
#define WHISPER_MAX_TENSORS 16384

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

/* The sizes of an encoder that a header can tell. */
typedef enum {
  WHISPER_SIZE_MELS,
  WHISPER_SIZE_WIDTH,
  WHISPER_SIZE_FFN,
  WHISPER_SIZE_HEADS,
  WHISPER_SIZE_LAYERS,
  WHISPER_SIZE_POSITIONS,
  WHISPER_N_SIZES
} WhisperSize;

/* What a header says of a size; the tensors decide, and both must agree. */
typedef struct {
  gchar *path;        /* of the file with the header; NULL: nothing is said */
  const gchar *field; /* "n_audio_state", "d_model" */
  guint64 value;
} WhisperClaim;

typedef struct {
  GPtrArray *files;    /* WhisperFile, mapped as long as this lives */
  GHashTable *by_name; /* gchar * → WhisperTensor */
  WhisperClaim claims[WHISPER_N_SIZES];
} WhisperTensors;

WhisperTensors *whisper_tensors_new (void);
void whisper_tensors_free (WhisperTensors *tensors);

/* Takes @file. */
void whisper_tensors_add_file (WhisperTensors *tensors, WhisperFile *file);

/* Takes @tensor; FALSE if there is one of that name already, or far more
 * tensors than any Whisper has. */
gboolean whisper_tensors_add (
    WhisperTensors *tensors, WhisperTensor *tensor, GError **error);

/* @field lives for ever. */
void whisper_tensors_claim (WhisperTensors *tensors, WhisperSize size,
    const gchar *path, const gchar *field, guint64 value);

/* The keys of all files (transfer full): see whisper_model_get_key(). */
gchar *whisper_tensors_key (WhisperTensors *tensors);

void whisper_tensor_free (WhisperTensor *tensor);

/* "[512, 80, 3]" (transfer full). */
gchar *whisper_dims_to_string (const guint64 *dims, guint n_dims);

G_END_DECLS
#endif /* WHISPER_TENSORS_H */
