/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperwindows.c: many windows of one program at once: the same bits as one
 * by one, each counted (windowmemory.c: and memory for as many as CPUs).
 */
#include <gst/check/gstcheck.h>
#include <math.h>

#include "npubackend.h"
#include "whisperencoder.h"
#include "whispermodel.h"

#define MODEL "synthetic:test"
#define MELS 80
#define CALLERS 8
#define ROUNDS 3

/* Two shapes of windows, which share no memory. */
static const guint positions[] = { 70, 47 };

typedef struct {
  NpuBackend *backend;
  WhisperModel *model;
  WhisperProgram *program;
  gsize width;
} Fixture;

static void
fixture_init (Fixture *f, NpuPrecision precision)
{
  f->backend = npu_cpu_backend_new (NULL, NULL);
  f->model = whisper_model_open (MODEL, NULL);
  fail_unless (f->backend != NULL && f->model != NULL);
  f->program = whisper_program_new (f->backend, f->model, precision, NULL);
  fail_unless (f->program != NULL);
  f->width = whisper_program_get_shape (f->program)->width;
}

static void
fixture_clear (Fixture *f)
{
  whisper_program_free (f->program);
  whisper_model_unref (f->model);
  f->backend->ops->free (f->backend);
}

/* Each seed is another window. */
static gfloat *
make_mel (gsize n_frames, guint seed)
{
  gfloat *mel = g_new (gfloat, n_frames * MELS);

  for (gsize i = 0; i < n_frames * MELS; i++)
    mel[i] = (gfloat) (-4 + 3 * sin ((gdouble) i / (100 + seed)));
  return mel;
}

/* A checksum of the states, not used across versions. */
static guint
encode (const Fixture *f, WhisperEncoder *encoder, guint seed)
{
  gsize n = whisper_encoder_get_positions (encoder);
  gfloat *mel = make_mel (2 * n, seed);
  gfloat *states = g_new (gfloat, n * f->width);
  GBytes *bytes;
  guint hash;

  fail_unless (whisper_encoder_run (encoder, mel, 2 * n, states, NULL));
  bytes = g_bytes_new_static (states, n * f->width * sizeof (gfloat));
  hash = g_bytes_hash (bytes);
  g_bytes_unref (bytes);
  g_free (states);
  g_free (mel);
  return hash;
}

typedef struct {
  const Fixture *f;
  guint number;
  guint hashes[ROUNDS];
} Caller;

static gpointer
caller_main (gpointer data)
{
  Caller *caller = data;
  WhisperEncoder *encoder = whisper_encoder_new (
      caller->f->program, positions[caller->number % 2], 0, NULL);

  for (guint round = 0; round < ROUNDS; round++)
    caller->hashes[round] =
        encode (caller->f, encoder, caller->number * ROUNDS + round);
  whisper_encoder_free (encoder);
  return NULL;
}

GST_START_TEST (test_many_callers)
{
  Caller together[CALLERS], alone[CALLERS];
  GThread *threads[CALLERS];
  NpuUse use;
  Fixture f;

  fixture_init (&f, __i__);
  for (guint i = 0; i < CALLERS; i++) {
    together[i] = alone[i] = (Caller){ &f, i, { 0 } };
    threads[i] = g_thread_new ("caller", caller_main, &together[i]);
  }
  for (guint i = 0; i < CALLERS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < CALLERS; i++) {
    caller_main (&alone[i]);
    for (guint round = 0; round < ROUNDS; round++)
      fail_unless_equals_int (
          together[i].hashes[round], alone[i].hashes[round]);
  }
  use = f.backend->ops->get_use (f.backend);
  fail_unless_equals_uint64 (use.windows, 2 * CALLERS * ROUNDS);
  fail_unless_equals_int (use.waiting, 0);
  fixture_clear (&f);
}
GST_END_TEST;

/* Nothing of what a window leaves is found by those that are opened or go on
 * later, alike or not. */
GST_START_TEST (test_opening_and_closing)
{
  WhisperEncoder *one, *other;
  guint expected;
  Fixture f;

  fixture_init (&f, NPU_PRECISION_AUTO);
  one = whisper_encoder_new (f.program, 70, 1, NULL);
  expected = encode (&f, one, 1);
  other = whisper_encoder_new (f.program, 70, 1, NULL);
  encode (&f, other, 2);
  whisper_encoder_free (one);
  fail_unless_equals_int (encode (&f, other, 1), expected);
  one = whisper_encoder_new (f.program, 47, 1, NULL);
  encode (&f, one, 3);
  fail_unless_equals_int (encode (&f, other, 1), expected);
  whisper_encoder_free (other);
  other = whisper_encoder_new (f.program, 70, 2, NULL);
  fail_unless_equals_int (encode (&f, other, 1), expected);
  whisper_encoder_free (one);
  whisper_encoder_free (other);
  fixture_clear (&f);
}
GST_END_TEST;

static Suite *
whisperwindows_suite (void)
{
  Suite *suite = suite_create ("whisperwindows");
  TCase *tcase = tcase_create ("windows");

  tcase_add_loop_test (
      tcase, test_many_callers, NPU_PRECISION_F32, NPU_PRECISION_INT8 + 1);
  tcase_add_test (tcase, test_opening_and_closing);
  suite_add_tcase (suite, tcase);
  return suite;
}

GST_CHECK_MAIN (whisperwindows);
