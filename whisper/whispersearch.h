/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispersearch.h: where weights are looked for when no model is named.
 *
 * In this order:
 *   1. NPU_WHISPER_MODEL, anything that whisper_model_open() takes;
 *   2. the user's data folder, $XDG_DATA_HOME/gst-npu/models: *.safetensors,
 *      *.bin (ggml), and folders as Hugging Face's hub has them;
 *   3. Hugging Face's cache: $HF_HUB_CACHE, else $HF_HOME/hub, else
 *      $XDG_CACHE_HOME/huggingface/hub; OpenAI's repositories, the snapshot
 *      that refs/main names before others.
 * Within a place the base model comes first, then the others by name.  A
 * process that runs with more rights than its user (setuid) looks at no
 * variable, and in the home that the user database tells.
 */
#ifndef WHISPER_SEARCH_H
#define WHISPER_SEARCH_H

#include "whispermodel.h"

G_BEGIN_DECLS

typedef enum {
  WHISPER_PLACE_VARIABLE,
  WHISPER_PLACE_DATA,
  WHISPER_PLACE_HUGGING_FACE
} WhisperPlace;

typedef struct {
  WhisperPlace place;
  gchar *path;   /* of a weight file, or of a place without */
  gchar *reason; /* why it is passed over; NULL: it is not */
} WhisperCandidate;

/* "NPU_WHISPER_MODEL", "data folder", "Hugging Face cache" */
const gchar *whisper_place_name (WhisperPlace place);

/* Everything to try, in order, as WhisperCandidate; nothing is opened yet.
 * A place with nothing in it is there once, with its reason. */
GPtrArray *whisper_search_list (void);

/* Opens a candidate; if that fails, says why in its reason. */
WhisperModel *whisper_candidate_open (
    WhisperCandidate *candidate, GError **error);

/* Opens the first candidate that can be used.  NULL without @error: there is
 * none.  NULL with @error: NPU_WHISPER_MODEL is set and cannot be used. */
WhisperModel *whisper_search_open (GPtrArray *candidates, GError **error);

G_END_DECLS
#endif /* WHISPER_SEARCH_H */
