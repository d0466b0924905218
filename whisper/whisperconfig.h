/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperconfig.h: reads Hugging Face's config.json.
 */
#ifndef WHISPER_CONFIG_H
#define WHISPER_CONFIG_H

#include "whispertensors.h"

G_BEGIN_DECLS

#define WHISPER_CONFIG_NAME "config.json"

/* Refuses what is not Whisper's configuration, and notes the sizes that it
 * claims. */
gboolean whisper_config_read (
    const gchar *path, WhisperTensors *tensors, GError **error);

G_END_DECLS
#endif /* WHISPER_CONFIG_H */
