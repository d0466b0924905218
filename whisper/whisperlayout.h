/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperlayout.h: which of a file's tensors are a Whisper encoder's weights.
 */
#ifndef WHISPER_LAYOUT_H
#define WHISPER_LAYOUT_H

#include "npubackend.h"
#include "whispertensors.h"

G_BEGIN_DECLS

#define WHISPER_MAX_LAYERS 128
#define WHISPER_MAX_WIDTH 4096
#define WHISPER_MAX_FFN 16384
#define WHISPER_MAX_POSITIONS 1500

/* Weights are kept in one array: those that a model has once, then layer by
 * layer. */
gsize whisper_layout_index (NpuWeightId id, guint layer);
gsize whisper_layout_length (guint layers);

/* The rows and columns that @id must have in a model of @shape. */
void whisper_layout_expected (
    const NpuEncoderShape *shape, NpuWeightId id, gsize *rows, gsize *cols);

/* Finds the encoder in @tensors, under the names of Hugging Face or OpenAI and
 * with any of the usual prefixes, checks every weight (there, type, shape,
 * finite) and returns the array of views into @tensors, NULL on error.  @path
 * is for messages. */
NpuWeightView *whisper_layout_find (WhisperTensors *tensors, const gchar *path,
    NpuEncoderShape *shape, GError **error);

G_END_DECLS
#endif /* WHISPER_LAYOUT_H */
