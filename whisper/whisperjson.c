/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperjson.c: the JSON of weight files, with their errors.
 */
#include "whisperjson.h"

#include "whispererror.h"

JsonNode *
whisper_json_parse (const gchar *text, gsize length, const gchar *path,
    const gchar *what, GError **error)
{
  gchar *fault = NULL;
  JsonNode *root;

  if (length > WHISPER_JSON_MAX_BYTES) {
    whisper_error_corrupt (error, path,
        "%s: its length of %" G_GSIZE_FORMAT " bytes is more than any Whisper "
        "model needs (at most %d)",
        what, length, WHISPER_JSON_MAX_BYTES);
    return NULL;
  }
  root = npu_json_parse (text, length, &fault);
  if (!root)
    whisper_error_corrupt (error, path, "%s: %s", what, fault);
  g_free (fault);
  return root;
}
