/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispermel.c: framing, tail and normalisation, without a pipeline.
 *
 * Framing is checked with a backend that does not transform: it copies each
 * frame's samples out, so that they can be compared exactly.
 */
#include <gst/check/gstcheck.h>
#include <string.h>

#include "../refmel.h"
#include "whispermel.h"

/* Samples copied per frame: every 4th of 400, plus the last. */
#define COPIED 101

static gboolean
copy_samples (NpuBackend *backend, const NpuMelPlan *plan,
    const gfloat *samples, gsize n_frames, gfloat *out, GError **error)
{
  for (gsize t = 0; t < n_frames; t++)
    for (guint i = 0; i < COPIED; i++)
      out[t * COPIED + i] = samples[t * 160 + MIN (4 * i, 399)];
  return TRUE;
}

static NpuBackendOps copy_ops = { .name = "copy", .mel = copy_samples };
static NpuBackend copy_backend = { .ops = &copy_ops };

/* Distinct, so that a sample in the wrong place shows. */
static gfloat *
new_ramp (gsize n)
{
  gfloat *x = g_new (gfloat, MAX (n, 1));

  for (gsize i = 0; i < n; i++)
    x[i] = (i + 1) / 1048576.0f;
  return x;
}

static void
check_frame (const gfloat *frame, const gfloat *x, gsize n, gsize t)
{
  for (guint i = 0; i < COPIED; i++) {
    gint64 position = 160 * (gint64) t - 200 + MIN (4 * i, 399);
    gfloat expected = refmel_sample (x, n, position);

    fail_unless (frame[i] == expected,
        "%zu samples, frame %zu, sample %d: "
        "%g instead of %g",
        n, t, (gint) position, frame[i], expected);
  }
}

/* Pulls what is there, in steps of at most @step frames. */
static void
pull_ready (WhisperMel *mel, gsize step, const gfloat *x, gsize n, gsize *t)
{
  gsize ready;

  while (
      (ready = whisper_mel_available (mel) + whisper_mel_available_tail (mel))
      > 0) {
    gsize n_frames = MIN (ready, step);
    gfloat *out = g_new (gfloat, n_frames * COPIED);

    fail_unless (whisper_mel_pull (mel, n_frames, out, NULL));
    for (gsize i = 0; i < n_frames; i++)
      check_frame (out + i * COPIED, x, n, (*t)++);
    g_free (out);
  }
}

static void
check_stream (WhisperMel *mel, gsize n, gsize cut, gsize step)
{
  gfloat *x = new_ramp (n);
  gsize t = 0;

  for (gsize i = 0; i < n; i += MIN (cut, n - i)) {
    whisper_mel_push (mel, x + i, MIN (cut, n - i));
    fail_unless_equals_uint64 (
        whisper_mel_get_samples (mel), i + MIN (cut, n - i));
    fail_unless_equals_int (whisper_mel_available_tail (mel), 0);
    pull_ready (mel, step, x, n, &t);
  }
  fail_unless (t <= refmel_content_frames (n));
  whisper_mel_drain (mel);
  fail_unless_equals_int (
      whisper_mel_available (mel), refmel_content_frames (n) - t);
  fail_unless_equals_int (whisper_mel_available_tail (mel),
      refmel_all_frames (n) - refmel_content_frames (n));
  pull_ready (mel, step, x, n, &t);
  fail_unless_equals_int (t, refmel_all_frames (n));
  g_free (x);
}

GST_START_TEST (test_frames_see_the_right_samples)
{
  static const gsize lengths[] = { 0, 1, 2, 40, 41, 120, 159, 160, 161, 199,
    200, 201, 202, 319, 320, 321, 360, 361, 399, 400, 401, 1599, 1600, 5000 };
  static const gsize cuts[] = { 1, 7, 160, 199, 200, 201, 997, 5000 };
  WhisperMel *mel = whisper_mel_new (&copy_backend, COPIED);

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    for (guint j = 0; j < G_N_ELEMENTS (cuts); j++) {
      check_stream (mel, lengths[i], cuts[j], j % 2 ? 1 : G_MAXSIZE);
      whisper_mel_reset (mel);
    }
  }
  whisper_mel_free (mel);
}
GST_END_TEST;

GST_START_TEST (test_reset_in_the_middle)
{
  WhisperMel *mel = whisper_mel_new (&copy_backend, COPIED);
  gfloat *x = new_ramp (1000);
  gfloat out[COPIED];

  whisper_mel_push (mel, x, 1000);
  fail_unless_equals_int (whisper_mel_available (mel), 6);
  fail_unless (whisper_mel_pull (mel, 1, out, NULL));
  whisper_mel_reset (mel);
  fail_unless_equals_int (whisper_mel_available (mel), 0);
  fail_unless_equals_uint64 (whisper_mel_get_samples (mel), 0);
  check_stream (mel, 2000, 333, 2);
  whisper_mel_free (mel);
  g_free (x);
}
GST_END_TEST;

/* An hour in 1 s steps, and the same frames as without the hour before. */
GST_START_TEST (test_long_stream_stays_exact)
{
  WhisperMel *mel = whisper_mel_new (&copy_backend, COPIED);
  gfloat *x = new_ramp (16000);
  gfloat *out = g_new (gfloat, 101 * COPIED);
  gfloat *steady = g_new (gfloat, 100 * COPIED);

  for (guint second = 0; second < 3600; second++) {
    gsize n;

    whisper_mel_push (mel, x, 16000);
    n = whisper_mel_available (mel);
    fail_unless (n <= 101);
    fail_unless (whisper_mel_pull (mel, n, out, NULL));
    /* 99 frames at first, then frames 99, 100 … of the ramp's repetition. */
    if (second == 1)
      memcpy (steady, out, 100 * COPIED * sizeof (gfloat));
    else if (second > 1)
      fail_unless (memcmp (steady, out, 100 * COPIED * sizeof (gfloat)) == 0);
  }
  whisper_mel_drain (mel);
  fail_unless_equals_int (whisper_mel_available (mel), 1);
  fail_unless_equals_int (whisper_mel_available_tail (mel), 2);
  whisper_mel_free (mel);
  g_free (steady);
  g_free (out);
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_what_is_no_number_is_silence)
{
  static const gfloat bad[] = { NAN, -NAN, INFINITY, -INFINITY, 1e30f, 0.5f };
  WhisperMel *mel = whisper_mel_new (&copy_backend, COPIED);
  gfloat out[COPIED];

  for (guint i = 0; i < 67; i++)
    whisper_mel_push (mel, bad, G_N_ELEMENTS (bad));
  fail_unless (whisper_mel_pull (mel, 1, out, NULL));
  for (guint i = 0; i < COPIED; i++)
    fail_unless (out[i] == 0.0f || out[i] == 0.5f);
  whisper_mel_free (mel);
}
GST_END_TEST;

GST_START_TEST (test_agrees_with_the_reference)
{
  GError *error = NULL;
  NpuBackend *backend = npu_cpu_backend_new (NULL, &error);
  guint seed = 1;
  gsize n = 16000;
  gfloat *x = g_new (gfloat, n);

  g_assert_no_error (error);
  for (gsize i = 0; i < n; i++) {
    seed = seed * 1664525 + 1013904223;
    x[i] = 0.3 * sin (i * (0.01 + i * 6e-5))
           + 0.01 * ((seed >> 8) / 8388608.0 - 1.0);
  }
  for (guint bands = 80; bands <= 128; bands += 48) {
    gsize n_frames = refmel_all_frames (n);
    double *expected = refmel_frames (x, n, n_frames, bands);
    gfloat *out = g_new (gfloat, n_frames * bands);
    WhisperMel *mel = whisper_mel_new (backend, bands);

    whisper_mel_push (mel, x, n);
    whisper_mel_drain (mel);
    fail_unless (whisper_mel_pull (mel, n_frames, out, &error));
    fail_unless (refmel_max_error (out, expected, n_frames * bands) <= 1e-4);
    whisper_mel_free (mel);
    g_free (out);
    g_free (expected);
  }
  backend->ops->free (backend);
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_normalize)
{
  static const gfloat in[] = { -10.0f, 2.0f, 1.0f, -6.5f, NAN };
  static const gfloat expected[] = { -0.5f, 1.5f, 1.25f, -0.5f, -0.5f };
  gfloat out[G_N_ELEMENTS (in)];
  gfloat silence[2] = { -10.0f, -10.0f };

  whisper_mel_normalize (in, G_N_ELEMENTS (in), out);
  for (guint i = 0; i < G_N_ELEMENTS (in); i++)
    fail_unless (out[i] == expected[i]);
  whisper_mel_normalize (silence, 2, silence);
  fail_unless (silence[0] == -1.5f && silence[1] == -1.5f);
}
GST_END_TEST;

static Suite *
whispermel_suite (void)
{
  Suite *suite = suite_create ("whispermel");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_frames_see_the_right_samples);
  tcase_add_test (tcase, test_reset_in_the_middle);
  tcase_add_test (tcase, test_long_stream_stays_exact);
  tcase_add_test (tcase, test_what_is_no_number_is_silence);
  tcase_add_test (tcase, test_agrees_with_the_reference);
  tcase_add_test (tcase, test_normalize);
  return suite;
}

GST_CHECK_MAIN (whispermel);
