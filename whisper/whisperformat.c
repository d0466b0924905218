/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperformat.c: tells weight formats apart by their first bytes, and names
 * the files that people take for weights.
 */
#include "whisperformat.h"

#include <string.h>

#include "whispererror.h"
#include "whisperggml.h"
#include "whisperindex.h"
#include "whispersafetensors.h"

static const struct {
  const gchar *start;
  gsize length;
  const gchar *text;
} strangers[] = {
  { "version https://git-lfs", 23,
      "a Git LFS pointer, not the weights (\"git lfs pull\" gets them)" },
  { "PK\003\004", 4, "a PyTorch checkpoint; convert it to safetensors first" },
  { "\200\002", 2,
      "a pickled PyTorch checkpoint; convert it to safetensors "
      "first" },
  { "GGUF", 4,
      "a GGUF file, but Whisper weights are kept in ggml or safetensors "
      "files" },
  { "\211HDF", 4, "an HDF5 file; convert it to safetensors first" },
  { "<!", 2, "a web page, not weights (the download went wrong)" },
  { "<html", 5, "a web page, not weights (the download went wrong)" },
  { "{", 1, "a JSON text, not weights" },
};

static gboolean
refuse_stranger (const WhisperFile *file, GError **error)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (strangers); i++) {
    if (file->size >= strangers[i].length
        && memcmp (file->data, strangers[i].start, strangers[i].length) == 0)
      return whisper_error_corrupt (error, file->path, "%s", strangers[i].text);
  }
  return TRUE;
}

/* A safetensors file begins with the length of its header and then a brace,
 * so none of its kind is taken for a stranger. */
static gboolean
looks_like_safetensors (const WhisperFile *file)
{
  return file->size > 8 && file->data[8] == '{';
}

gboolean
whisper_format_read (const gchar *path, WhisperTensors *tensors, GError **error)
{
  WhisperFile *file = whisper_file_open (path, error);

  if (!file)
    return FALSE;
  whisper_tensors_add_file (tensors, file);
  if (g_str_has_suffix (path, WHISPER_INDEX_SUFFIX))
    return whisper_index_read (file, tensors, error);
  if (whisper_ggml_detect (file))
    return whisper_ggml_read (file, tensors, error);
  if (!looks_like_safetensors (file) && !refuse_stranger (file, error))
    return FALSE;
  return whisper_safetensors_read (file, tensors, error);
}
