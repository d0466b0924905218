/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispererror.c: one form for every message about a weight file: the file,
 * the field at fault, and what to do about it.
 */
#include "whispererror.h"

G_DEFINE_QUARK (whisper - model - error - quark, whisper_model_error)

static const gchar *
advice (WhisperModelError code)
{
  switch (code) {
    case WHISPER_MODEL_ERROR_NOT_FOUND:
      return "check the path, or fetch weights with scripts/get-model.sh";
    case WHISPER_MODEL_ERROR_UNREADABLE:
      return "name a weight file that this user may read";
    case WHISPER_MODEL_ERROR_CORRUPT:
      return "the file is damaged or not a weight file: fetch it again";
    case WHISPER_MODEL_ERROR_NOT_WHISPER:
      return "use the weights of a Whisper model, such as openai/whisper-base";
    case WHISPER_MODEL_ERROR_SHAPE:
      return "this is no Whisper encoder that can be run: use other weights";
  }
  return "use other weights";
}

G_GNUC_PRINTF (4, 0)
static void
set_error (GError **error, WhisperModelError code, const gchar *path,
    const gchar *format, va_list args)
{
  gchar *shown = g_filename_display_name (path);
  gchar *text = g_strdup_vprintf (format, args);

  g_set_error (error, WHISPER_MODEL_ERROR, code, "%s: %s; %s", shown, text,
      advice (code));
  g_free (text);
  g_free (shown);
}

gboolean
whisper_error_set (GError **error, WhisperModelError code, const gchar *path,
    const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  set_error (error, code, path, format, args);
  va_end (args);
  return FALSE;
}

gboolean
whisper_error_corrupt (
    GError **error, const gchar *path, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  set_error (error, WHISPER_MODEL_ERROR_CORRUPT, path, format, args);
  va_end (args);
  return FALSE;
}
