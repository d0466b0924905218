/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperformat.h: which kind of weight file it is.
 */
#ifndef WHISPER_FORMAT_H
#define WHISPER_FORMAT_H

#include "whispertensors.h"

G_BEGIN_DECLS

/* Maps the weight file at @path and adds its tensors; the format is told by
 * its first bytes. */
gboolean whisper_format_read (
    const gchar *path, WhisperTensors *tensors, GError **error);

G_END_DECLS
#endif /* WHISPER_FORMAT_H */
