/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperencoder.c: Whisper's encoder, written once over npubackend.h.
 *
 *   x  = gelu (conv2 (gelu (conv1 (mel)))) + positions
 *   x += Wo attention (LN (x)) + bo              per layer
 *   x += W2 gelu (W1 LN (x) + b1) + b2           per layer
 *   states = LN (x)
 */
#include "whisperencoder.h"

#include <string.h>
#include <time.h>

#include "whispermel.h"

struct _WhisperProgram {
  NpuProgram *packed;
};

struct _WhisperEncoder {
  NpuWindow *window;
  WhisperTimes times;
};

/* Tells the backend of programs that come and go. */
static void
count_program (NpuBackend *backend, gint n, gsize bytes)
{
  g_atomic_int_add (&backend->n_programs, n);
  g_atomic_pointer_add (&backend->packed_bytes, n * (gssize) bytes);
}

WhisperProgram *
whisper_program_new (NpuBackend *backend, WhisperModel *model,
    NpuPrecision precision, GError **error)
{
  WhisperProgram *program;
  NpuProgram *packed;
  NpuWeights weights;

  whisper_model_get_weights (model, &weights);
  packed = backend->ops->program_new (backend, &weights, precision, error);
  if (packed == NULL)
    return NULL;

  count_program (backend, 1, packed->packed_bytes);
  program = g_new0 (WhisperProgram, 1);
  program->packed = packed;
  return program;
}

void
whisper_program_free (WhisperProgram *program)
{
  NpuBackend *backend = program->packed->backend;

  count_program (backend, -1, program->packed->packed_bytes);
  backend->ops->program_free (program->packed);
  g_free (program);
}

const NpuEncoderShape *
whisper_program_get_shape (WhisperProgram *program)
{
  return &program->packed->shape;
}

NpuPrecision
whisper_program_get_precision (WhisperProgram *program)
{
  return program->packed->precision;
}

gsize
whisper_program_get_packed_bytes (WhisperProgram *program)
{
  return program->packed->packed_bytes;
}

WhisperEncoder *
whisper_encoder_new (
    WhisperProgram *program, guint positions, guint threads, GError **error)
{
  NpuProgram *packed = program->packed;
  WhisperEncoder *encoder;
  NpuWindow *window;

  if (positions == 0)
    positions = packed->shape.positions;
  g_return_val_if_fail (positions <= packed->shape.positions, NULL);

  window = packed->backend->ops->window_new (packed, positions, threads, error);
  if (window == NULL)
    return NULL;

  encoder = g_new0 (WhisperEncoder, 1);
  encoder->window = window;
  return encoder;
}

void
whisper_encoder_free (WhisperEncoder *encoder)
{
  encoder->window->program->backend->ops->window_free (encoder->window);
  g_free (encoder);
}

guint
whisper_encoder_get_positions (WhisperEncoder *encoder)
{
  return encoder->window->positions;
}

/* Whisper normalises a window after it was padded with silence, so the padding
 * takes part in the maximum. */
static void
fill_input (
    NpuWindow *window, gfloat *input, const gfloat *mel, gsize valid_frames)
{
  gsize n_mels = window->program->shape.n_mels;
  gsize valid = valid_frames * n_mels;
  gsize total = 2 * (gsize) window->positions * n_mels;

  memcpy (input, mel, valid * sizeof (gfloat));
  for (gsize i = valid; i < total; i++)
    input[i] = NPU_MEL_SILENCE;
  whisper_mel_normalize (input, total, input);
}

static guint64
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (guint64) now.tv_sec * 1000000000u + (guint64) now.tv_nsec;
}

/* Where the input of @encoder's next window goes. */
static gfloat *
begin_window (WhisperEncoder *encoder)
{
  NpuWindow *window = encoder->window;
  gfloat *input = window->program->backend->ops->begin_window (window);

  encoder->times.granted = now_ns ();
  return input;
}

/* What follows on the input. */
static void
submit_layers (WhisperEncoder *encoder, gfloat *states)
{
  NpuWindow *window = encoder->window;
  const NpuBackendOps *ops = window->program->backend->ops;

  encoder->times.uploaded = now_ns ();
  ops->conv_stem (window);
  for (guint layer = 0; layer < window->program->shape.layers; layer++) {
    ops->ln_qkv (window, layer);
    ops->attention (window, layer);
    ops->out_residual (window, layer);
    ops->ln_fc1_gelu (window, layer);
    ops->fc2_residual (window, layer);
  }
  ops->final_norm (window, states);
  ops->submit (window);
}

void
whisper_encoder_submit (WhisperEncoder *encoder, const gfloat *mel,
    gsize valid_frames, gfloat *states)
{
  NpuWindow *window = encoder->window;
  gfloat *input;

  g_return_if_fail (valid_frames <= 2 * (gsize) window->positions);

  input = begin_window (encoder);
  fill_input (window, input, mel, valid_frames);
  submit_layers (encoder, states);
}

gboolean
whisper_encoder_wait (WhisperEncoder *encoder, GError **error)
{
  NpuWindow *window = encoder->window;
  gboolean ok = window->program->backend->ops->wait (window, error);
  guint64 busy = now_ns () - encoder->times.uploaded;

  encoder->times.computed =
      encoder->times.uploaded + busy - MIN (window->download_ns, busy);
  return ok;
}

gboolean
whisper_encoder_run (WhisperEncoder *encoder, const gfloat *mel,
    gsize valid_frames, gfloat *states, GError **error)
{
  whisper_encoder_submit (encoder, mel, valid_frames, states);
  return whisper_encoder_wait (encoder, error);
}

gboolean
whisper_encoder_run_normalized (
    WhisperEncoder *encoder, const gfloat *mel, gfloat *states, GError **error)
{
  NpuWindow *window = encoder->window;
  gsize n_frames = 2 * (gsize) window->positions;
  gfloat *input = begin_window (encoder);

  memcpy (
      input, mel, n_frames * window->program->shape.n_mels * sizeof (gfloat));
  submit_layers (encoder, states);
  return whisper_encoder_wait (encoder, error);
}

const WhisperTimes *
whisper_encoder_get_times (WhisperEncoder *encoder)
{
  return &encoder->times;
}

const guint64 *
whisper_encoder_get_op_times (WhisperEncoder *encoder)
{
  return encoder->window->op_ns;
}
