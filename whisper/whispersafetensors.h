/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispersafetensors.h: reads Hugging Face's safetensors files.
 */
#ifndef WHISPER_SAFETENSORS_H
#define WHISPER_SAFETENSORS_H

#include "whispertensors.h"

G_BEGIN_DECLS

/* Adds every tensor of @file, which @tensors must hold already.  The whole
 * header is checked, entries that no encoder needs included. */
gboolean whisper_safetensors_read (
    const WhisperFile *file, WhisperTensors *tensors, GError **error);

G_END_DECLS
#endif /* WHISPER_SAFETENSORS_H */
