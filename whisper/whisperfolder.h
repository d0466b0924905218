/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfolder.h: reads a folder as Hugging Face's hub has it.
 */
#ifndef WHISPER_FOLDER_H
#define WHISPER_FOLDER_H

#include "whispertensors.h"

G_BEGIN_DECLS

/* Whether @path is a folder that has weights to read. */
gboolean whisper_folder_has_weights (const gchar *path);

/* Adds the tensors of model.safetensors, else of the shards of
 * model.safetensors.index.json, else of the only safetensors file in the
 * folder @path, and the claims of config.json, if it has one. */
gboolean whisper_folder_read (
    const gchar *path, WhisperTensors *tensors, GError **error);

G_END_DECLS
#endif /* WHISPER_FOLDER_H */
