/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperindex.h: reads a model that Hugging Face's tools cut into shards.
 */
#ifndef WHISPER_INDEX_H
#define WHISPER_INDEX_H

#include "whispertensors.h"

G_BEGIN_DECLS

#define WHISPER_INDEX_SUFFIX ".index.json"
#define WHISPER_MAX_SHARDS 64

/* Adds the tensors of every shard that @file, an index, names; they lie in the
 * same folder. */
gboolean whisper_index_read (
    const WhisperFile *file, WhisperTensors *tensors, GError **error);

G_END_DECLS
#endif /* WHISPER_INDEX_H */
