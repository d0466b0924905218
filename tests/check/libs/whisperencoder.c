/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperencoder.c: the encoder in every precision on every instruction set of
 * the machine: near to the plain C kernels in float32, and the same bits from
 * run to run, from thread count to thread count, and from window to window.
 */
#include <gst/check/gstcheck.h>
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "npubackend.h"
#include "whisperencoder.h"
#include "whispermodel.h"

#define MODEL "synthetic:test"
#define MELS 80
#define MAX_POSITIONS 257
#define ROUNDED_POSITIONS 49

/* Lengths around the blocks of rows, queries and keys. */
static const guint lengths[] = { 1, 2, 47, 49, 129, MAX_POSITIONS };

static const guint thread_counts[] = { 1, 2, 3, 8 };

/* Relative RMS; synthetic weights are harder on int8 than a trained model's. */
static const gdouble gates[] = { [NPU_PRECISION_F32] = 1e-4,
  [NPU_PRECISION_BF16] = 0.015,
  [NPU_PRECISION_INT8] = 0.075 };

typedef struct {
  NpuBackend *backend;
  WhisperProgram *program;
  WhisperModel *model;
  gsize width;
} Fixture;

static gboolean
fixture_init (Fixture *f, const gchar *isa, NpuPrecision precision)
{
  f->backend = npu_cpu_backend_new (isa, NULL);
  if (f->backend == NULL)
    return FALSE;
  f->model = whisper_model_open (MODEL, NULL);
  fail_unless (f->model != NULL);
  f->program = whisper_program_new (f->backend, f->model, precision, NULL);
  fail_unless (f->program != NULL);
  f->width = whisper_program_get_shape (f->program)->width;
  return TRUE;
}

static void
fixture_clear (Fixture *f)
{
  whisper_program_free (f->program);
  whisper_model_unref (f->model);
  f->backend->ops->free (f->backend);
}

static void
fill_mel (gfloat *mel, gsize n_frames, guint seed)
{
  guint32 state = seed;

  for (gsize i = 0; i < n_frames * MELS; i++) {
    state = state * 1664525u + 1013904223u;
    mel[i] = (gfloat) (-4.0 + 3.0 * sin ((gdouble) i / 150)
                       + (gdouble) state / G_MAXUINT32);
  }
}

static void
encode (const Fixture *f, WhisperEncoder *encoder, guint seed, gfloat *states)
{
  gsize frames = 2 * (gsize) whisper_encoder_get_positions (encoder);
  gfloat *mel = g_new (gfloat, frames * MELS);

  fill_mel (mel, frames, seed);
  fail_unless (whisper_encoder_run (encoder, mel, frames, states, NULL));
  g_free (mel);
}

static gfloat *
encode_once (const Fixture *f, guint positions, guint threads)
{
  WhisperEncoder *encoder =
      whisper_encoder_new (f->program, positions, threads, NULL);
  gfloat *states = g_new (gfloat, positions * f->width);

  encode (f, encoder, 1, states);
  whisper_encoder_free (encoder);
  return states;
}

static gdouble
relative_rms (const gfloat *x, const gfloat *reference, gsize n)
{
  gdouble error = 0, square = 0;

  for (gsize i = 0; i < n; i++) {
    gdouble difference = (gdouble) x[i] - reference[i];

    error += difference * difference;
    square += (gdouble) reference[i] * reference[i];
  }
  return sqrt (error / square);
}

static void
check_length (const Fixture *f, const Fixture *c, const gchar *name,
    gdouble gate, guint positions)
{
  gsize n = positions * f->width;
  gfloat *expected = encode_once (c, positions, 1);
  gfloat *states = encode_once (f, positions, 1);
  gdouble error = relative_rms (states, expected, n);

  fail_unless (error <= gate, "%s, %u positions: relative RMS %g", name,
      positions, error);
  for (guint i = 0; i < G_N_ELEMENTS (thread_counts); i++) {
    gfloat *again = encode_once (f, positions, thread_counts[i]);

    fail_unless (memcmp (states, again, n * sizeof (gfloat)) == 0,
        "%s, %u positions: %u threads give other bits", name, positions,
        thread_counts[i]);
    g_free (again);
  }
  g_free (states);
  g_free (expected);
}

/* What a window leaves behind must not reach the next one. */
static void
check_windows (const Fixture *f, const gchar *name)
{
  WhisperEncoder *encoder =
      whisper_encoder_new (f->program, MAX_POSITIONS, 2, NULL);
  gsize n = MAX_POSITIONS * f->width;
  gfloat *first = g_new (gfloat, n), *other = g_new (gfloat, n);

  encode (f, encoder, 1, first);
  encode (f, encoder, 2, other);
  fail_if (memcmp (first, other, n * sizeof (gfloat)) == 0, "%s", name);
  encode (f, encoder, 1, other);
  fail_unless (memcmp (first, other, n * sizeof (gfloat)) == 0,
      "%s: a window depends on the one before", name);
  g_free (first);
  g_free (other);
  whisper_encoder_free (encoder);
}

/* Packs and encodes while the caller rounds by @mode. */
static gfloat *
encode_rounding (const gchar *isa, NpuPrecision precision, const gfloat *mel,
    gint mode, gsize *size)
{
  WhisperEncoder *encoder;
  gfloat *states = NULL;
  Fixture f;

  fesetround (mode);
  if (fixture_init (&f, isa, precision)) {
    *size = ROUNDED_POSITIONS * f.width * sizeof (gfloat);
    states = g_malloc (*size);
    encoder = whisper_encoder_new (f.program, ROUNDED_POSITIONS, 1, NULL);
    fail_unless (whisper_encoder_run (
        encoder, mel, 2 * ROUNDED_POSITIONS, states, NULL));
    whisper_encoder_free (encoder);
    fixture_clear (&f);
  }
  fesetround (FE_TONEAREST);
  return states;
}

/* An application may round as it likes: neither packing nor encoding does. */
GST_START_TEST (test_rounding_mode)
{
  gfloat *mel = g_new (gfloat, 2 * ROUNDED_POSITIONS * MELS);

  fill_mel (mel, 2 * ROUNDED_POSITIONS, 1);
  for (const gchar *const *isa = npu_kernels_isas (); *isa != NULL; isa++) {
    gsize size = 0;
    gfloat *nearest = encode_rounding (*isa, __i__, mel, FE_TONEAREST, &size);
    gfloat *other = encode_rounding (*isa, __i__, mel, FE_TOWARDZERO, &size);

    fail_unless (nearest == NULL || memcmp (nearest, other, size) == 0,
        "%s %s: the caller's rounding shows", *isa, npu_precision_name (__i__));
    g_free (nearest);
    g_free (other);
  }
  g_free (mel);
}
GST_END_TEST;

GST_START_TEST (test_precision)
{
  NpuPrecision precision = __i__;
  Fixture c;

  fail_unless (fixture_init (&c, "c", NPU_PRECISION_F32));
  for (const gchar *const *isa = npu_kernels_isas (); *isa != NULL; isa++) {
    Fixture f;
    gchar *name;

    if (!fixture_init (&f, *isa, precision))
      continue;
    name = g_strdup_printf ("%s %s", *isa, npu_precision_name (precision));
    for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
      check_length (&f, &c, name, gates[precision], lengths[i]);
    check_windows (&f, name);
    g_free (name);
    fixture_clear (&f);
  }
  fixture_clear (&c);
}
GST_END_TEST;

/* "auto" is a precision of its own nowhere. */
GST_START_TEST (test_auto)
{
  Fixture f;
  NpuPrecision precision;

  fail_unless (fixture_init (&f, NULL, NPU_PRECISION_AUTO));
  precision = whisper_program_get_precision (f.program);
  fail_unless (
      precision == NPU_PRECISION_F32 || precision == NPU_PRECISION_BF16);
  fail_unless_equals_int (
      precision, npu_backend_resolve_precision (f.backend, NPU_PRECISION_AUTO));
  fixture_clear (&f);
}
GST_END_TEST;

static Suite *
whisperencoder_suite (void)
{
  Suite *s = suite_create ("whisperencoder");
  TCase *tc = tcase_create ("precisions");

  tcase_add_loop_test (
      tc, test_precision, NPU_PRECISION_F32, NPU_PRECISION_INT8 + 1);
  tcase_add_loop_test (
      tc, test_rounding_mode, NPU_PRECISION_F32, NPU_PRECISION_INT8 + 1);
  tcase_add_test (tc, test_auto);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (whisperencoder);
