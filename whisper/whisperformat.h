/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperformat.h: which kind of weight file it is.
 */
#ifndef WHISPER_FORMAT_H
#define WHISPER_FORMAT_H

#include "whispertensors.h"

G_BEGIN_DECLS

/* Reads @file, which @tensors must hold already, by its first bytes. */
gboolean whisper_format_read (
    const WhisperFile *file, WhisperTensors *tensors, GError **error);

G_END_DECLS
#endif /* WHISPER_FORMAT_H */
