/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispermodel-private.h: how a model is put together by its sources.
 */
#ifndef WHISPER_MODEL_PRIVATE_H
#define WHISPER_MODEL_PRIVATE_H

#include "whispermodel.h"

G_BEGIN_DECLS

struct _WhisperModel {
  gatomicrefcount ref_count;
  gchar *name, *location, *key; /* as the getters return them */
  gboolean synthetic;
  NpuEncoderShape shape;
  NpuWeightView *views; /* by whisper_layout_index() */
  gpointer source;      /* owns what the views point at */
  GDestroyNotify free_source;
};

/* A model without weights yet; the strings and the rest are the caller's to
 * fill in. */
WhisperModel *whisper_model_new (const NpuEncoderShape *shape);

/* "base", …, "custom-64x2" (transfer full). */
gchar *whisper_size_name (const NpuEncoderShape *shape);

/* The shape of one of whisper_model_size_names(). */
gboolean whisper_size_shape (const gchar *name, NpuEncoderShape *shape);

G_END_DECLS
#endif /* WHISPER_MODEL_PRIVATE_H */
