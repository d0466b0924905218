/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperggml.h: reads whisper.cpp's ggml files.
 */
#ifndef WHISPER_GGML_H
#define WHISPER_GGML_H

#include "whispertensors.h"

G_BEGIN_DECLS

gboolean whisper_ggml_detect (const WhisperFile *file);

/* Adds every tensor of @file, which @tensors must hold already, and what the
 * file's header claims. */
gboolean whisper_ggml_read (
    const WhisperFile *file, WhisperTensors *tensors, GError **error);

G_END_DECLS
#endif /* WHISPER_GGML_H */
