/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispererror.h: how everything that reads weights says what is wrong.
 */
#ifndef WHISPER_ERROR_H
#define WHISPER_ERROR_H

#include "whispermodel.h"

G_BEGIN_DECLS

/* Sets "<path>: <text>; <what the user can do>", the last part by @code.
 * @path may be in any encoding.  Returns FALSE, so that a check can end with
 * it. */
gboolean whisper_error_set (GError **error, WhisperModelError code,
    const gchar *path, const gchar *format, ...) G_GNUC_PRINTF (4, 5);

/* The same with WHISPER_MODEL_ERROR_CORRUPT, the code of most. */
gboolean whisper_error_corrupt (GError **error, const gchar *path,
    const gchar *format, ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
#endif /* WHISPER_ERROR_H */
