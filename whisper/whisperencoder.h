/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperencoder.h: log-mel window → hidden states, over any backend.
 */
#ifndef WHISPER_ENCODER_H
#define WHISPER_ENCODER_H

#include "npubackend.h"
#include "whispermodel.h"

G_BEGIN_DECLS

typedef struct _WhisperEncoder WhisperEncoder;

/* Weights of @model packed for @backend: make it once, share it (the context's
 * cache does).  @backend must outlive it.  Slow.  Thread-safe afterwards. */
typedef struct _WhisperProgram WhisperProgram;

WhisperProgram *whisper_program_new (NpuBackend *backend, WhisperModel *model,
    NpuPrecision precision, GError **error);
void whisper_program_free (WhisperProgram *program);
const NpuEncoderShape *whisper_program_get_shape (WhisperProgram *program);
NpuPrecision whisper_program_get_precision (WhisperProgram *program);
gsize whisper_program_get_packed_bytes (WhisperProgram *program);

/* Activations for one window of @positions (0: all the model has) on at most
 * @threads threads (0: as many as the process may use).  @program must
 * outlive it.  One thread at a time. */
WhisperEncoder *whisper_encoder_new (
    WhisperProgram *program, guint positions, guint threads, GError **error);
void whisper_encoder_free (WhisperEncoder *encoder);

guint whisper_encoder_get_positions (WhisperEncoder *encoder);

/* One window.  @mel: [2 * positions][n_mels], frame-major, un-normalised, of
 * which the first @valid_frames are there; the rest counts as silence.
 * @states: [positions][width]. */
gboolean whisper_encoder_run (WhisperEncoder *encoder, const gfloat *mel,
    gsize valid_frames, gfloat *states, GError **error);

/* One window that comes whole and normalised: @mel is [2 * positions][n_mels]. */
gboolean whisper_encoder_run_normalized (
    WhisperEncoder *encoder, const gfloat *mel, gfloat *states, GError **error);

/* whisper_encoder_run() in two steps, so that a caller can prepare the next window. */
void whisper_encoder_submit (WhisperEncoder *encoder, const gfloat *mel,
    gsize valid_frames, gfloat *states);
gboolean whisper_encoder_wait (WhisperEncoder *encoder, GError **error);

/* Of the last window: monotonic clock, nanoseconds, each no earlier than the
 * one before. */
typedef struct {
  guint64 granted;  /* the device took the window in */
  guint64 uploaded; /* … and had its input */
  guint64 computed; /* … and had its states */
} WhisperTimes;

const WhisperTimes *whisper_encoder_get_times (WhisperEncoder *encoder);

/* Nanoseconds of the last window per NpuOp [NPU_N_OPS], summed over layers. */
const guint64 *whisper_encoder_get_op_times (WhisperEncoder *encoder);

G_END_DECLS
#endif /* WHISPER_ENCODER_H */
