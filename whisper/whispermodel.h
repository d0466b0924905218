/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispermodel.h: the weights of a Whisper encoder, checked.
 *
 * A model is read from a file or made up (synthetic); in both cases every
 * tensor that the encoder needs is there, has the shape that the others imply,
 * and holds finite numbers only, or there is no model.  Immutable and
 * thread-safe once opened.  A file stays mapped as long as the model lives.
 */
#ifndef WHISPER_MODEL_H
#define WHISPER_MODEL_H

#include "npubackend.h"

G_BEGIN_DECLS

typedef struct _WhisperModel WhisperModel;

#define WHISPER_MODEL_ERROR (whisper_model_error_quark ())
GQuark whisper_model_error_quark (void);

typedef enum {
  WHISPER_MODEL_ERROR_NOT_FOUND,   /* no such file */
  WHISPER_MODEL_ERROR_UNREADABLE,  /* permission, directory, I/O */
  WHISPER_MODEL_ERROR_CORRUPT,     /* not a weight file, truncated, forged */
  WHISPER_MODEL_ERROR_NOT_WHISPER, /* sound, but other weights */
  WHISPER_MODEL_ERROR_SHAPE        /* Whisper's names with impossible shapes */
} WhisperModelError;

/* Opens what @name names: the path of a safetensors or ggml file, of the index
 * of a sharded model, or of a folder with one of these and perhaps config.json;
 * or "synthetic[:size]" with a size of whisper_model_size_names().  Returns NULL with an error that names the file
 * and the field at fault. */
WhisperModel *whisper_model_open (const gchar *name, GError **error);

/* The search used when no model is named: the file in NPU_WHISPER_MODEL, else
 * the user's data folder, else Hugging Face's cache; the first that is there.
 * A file found there that cannot be used is an error, not a reason to go on,
 * only for NPU_WHISPER_MODEL; the other places are passed over with a reason.
 * If none has weights: synthetic base weights, and *@found is FALSE. */
WhisperModel *whisper_model_open_default (gboolean *found, GError **error);

WhisperModel *whisper_model_ref (WhisperModel *model);
void whisper_model_unref (WhisperModel *model);

/* "base", "large-v3", … by the sizes; "synthetic-base" for made-up weights;
 * "custom-512x6" for sizes that OpenAI never published. */
const gchar *whisper_model_get_name (WhisperModel *model);
/* The path, or "synthetic:base". */
const gchar *whisper_model_get_location (WhisperModel *model);
/* The same string for the same bytes (path, size, modification time), so that
 * packed weights can be shared. */
const gchar *whisper_model_get_key (WhisperModel *model);
gboolean whisper_model_is_synthetic (WhisperModel *model);
const NpuEncoderShape *whisper_model_get_shape (WhisperModel *model);
/* Valid while @model is. */
void whisper_model_get_weights (WhisperModel *model, NpuWeights *weights);

/* "tiny", "base", … "large-v3-turbo": ended by NULL. */
const gchar *const *whisper_model_size_names (void);

G_END_DECLS
#endif /* WHISPER_MODEL_H */
