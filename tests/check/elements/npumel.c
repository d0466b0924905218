/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumel.c: frames and their times: what comes out, where it is cut, and that
 * neither depends on how the audio came in.
 */
#include <math.h>

#include "../melfixture.h"
#include "../refmel.h"

#define SECOND 16000
#define S16_PLANAR                                                             \
  "audio/x-raw, format=S16LE, rate=44100, channels=2, layout=non-interleaved"

GST_START_TEST (test_times_of_every_buffer)
{
  static const gsize lengths[] = { 1, 100, 159, 160, 161, 200, 201, 1599, 1600,
    1601, 1640, 1641, 16000, 16121, 33333 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    gfloat *x = mel_signal (lengths[i], 16000, 0);
    GstClockTime base = i % 2 ? 1234567891 : 0;
    MelOutput output;
    Mel f;

    mel_init (&f, MEL_F32_16K, NULL);
    mel_push_cut (&f, x, lengths[i], 1000, base);
    mel_eos (&f);
    output = mel_collect (&f);
    fail_unless_equals_int (
        mel_assert_times (&output, 0, base, lengths[i], 10, 80),
        output.buffers->len);
    fail_unless (mel_error (&output, 0, x, lengths[i], 80) <= 1e-4);
    mel_output_clear (&output);
    mel_clear (&f);
    g_free (x);
  }
}
GST_END_TEST;

/* 1 and 3000 are the limits; a tail of two frames does not fit into one. */
GST_START_TEST (test_frames_per_buffer)
{
  static const guint steps[] = { 1, 7, 3000 };
  gsize n = 3 * SECOND;
  gfloat *x = mel_signal (n, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    MelOutput output;
    Mel f;

    mel_init (&f, NULL, NULL);
    g_object_set (f.element, "frames-per-buffer", steps[i], NULL);
    mel_set_caps (&f, MEL_F32_16K);
    mel_push_cut (&f, x, n, 4096, 0);
    mel_eos (&f);
    output = mel_collect (&f);
    fail_unless_equals_int (
        mel_assert_times (&output, 0, 0, n, steps[i], 80), output.buffers->len);
    mel_output_clear (&output);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_caps_follow_downstream)
{
  static const struct {
    const gchar *sink;
    gint mels, frames;
  } cases[] = {
    { NULL, 80, 10 },
    { "audio/x-logmel", 80, 10 },
    { "audio/x-logmel, mels=128", 128, 10 },
    { "audio/x-logmel, frames=[20,40]", 80, 20 },
    { "audio/x-logmel, frames=3000", 80, 3000 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstCaps *caps, *expected;
    gchar *text;
    Mel f;

    mel_init (&f, MEL_F32_16K, cases[i].sink);
    caps = gst_pad_get_current_caps (f.h->sinkpad);
    text = g_strdup_printf (
        "audio/x-logmel, format=F32LE, mels=%d, rate=16000, n-fft=400, "
        "hop=160, layout=frame-major, norm=none, frames=%d",
        cases[i].mels, cases[i].frames);
    expected = gst_caps_from_string (text);
    fail_unless (caps != NULL && gst_caps_is_equal (caps, expected));
    gst_caps_unref (expected);
    gst_caps_unref (caps);
    g_free (text);
    mel_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_128_bands)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  MelOutput output;
  Mel f;

  mel_init (&f, MEL_F32_16K, "audio/x-logmel, mels=128");
  mel_push_cut (&f, x, SECOND, 4096, 0);
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (
      mel_assert_times (&output, 0, 0, SECOND, 10, 128), output.buffers->len);
  fail_unless (mel_error (&output, 0, x, SECOND, 128) <= 1e-4);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

static MelOutput
run_cut (const gchar *caps, gconstpointer data, gsize n_frames, gsize cut)
{
  MelOutput output;
  Mel f;

  mel_init (&f, caps, NULL);
  mel_push_cut (&f, data, n_frames, cut, 0);
  mel_eos (&f);
  output = mel_collect (&f);
  mel_clear (&f);
  return output;
}

GST_START_TEST (test_cut_does_not_show)
{
  static const gsize cuts[] = { 1, 7, 101, 441, 997, 4096 };
  static const gchar *const caps[] = {
    MEL_F32_16K,
    "audio/x-raw, format=S16LE, rate=44100, channels=2, layout=interleaved",
    "audio/x-raw, format=S16LE, rate=8000, channels=2, layout=interleaved",
    "audio/x-raw, format=S16LE, rate=48000, channels=2, layout=interleaved",
    "audio/x-raw, format=S16LE, rate=44101, channels=2, layout=interleaved",
    S16_PLANAR,
  };
  gsize n = 40000;
  gfloat *x = mel_signal (n, 16000, 0);
  gint16 *y = g_new (gint16, 2 * n);

  for (gsize i = 0; i < 2 * n; i++)
    y[i] = 20000.0 * x[i / 2] * (i % 2 ? 0.5 : 1.0);
  for (guint i = 0; i < G_N_ELEMENTS (caps); i++) {
    gconstpointer data = i == 0 ? (gconstpointer) x : y;
    MelOutput whole = run_cut (caps[i], data, n, n);

    fail_unless (whole.buffers->len >= 10);
    for (guint j = 0; j < G_N_ELEMENTS (cuts); j++) {
      MelOutput cut = run_cut (caps[i], data, n, cuts[j]);

      mel_assert_equal (&whole, &cut);
      mel_output_clear (&cut);
    }
    mel_output_clear (&whole);
  }
  g_free (y);
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_65_seconds_at_44100)
{
  gsize n = 65 * 44100;
  gfloat *x = mel_signal (n, 44100, 0);
  MelOutput output = run_cut (
      "audio/x-raw, format=F32LE, rate=44100, channels=1, layout=interleaved",
      x, n, 1152);

  fail_unless_equals_int (output.bytes->len, (6500 + 2) * 80 * sizeof (gfloat));
  fail_unless_equals_int (mel_assert_times (&output, 0, 0, 65 * SECOND, 10, 80),
      output.buffers->len);
  mel_output_clear (&output);
  g_free (x);
}
GST_END_TEST;

/* Whole windows: @reference is normalised and padded, frame-major. */
static void
check_window (const MelOutput *output, guint window, const gfloat *x,
    gsize n_samples, gboolean mel_major)
{
  gsize n_frames = MIN (refmel_all_frames (n_samples), 3000);
  gdouble *frames = refmel_frames (x, n_samples, n_frames, 80);
  gdouble *expected = g_new (gdouble, 3000 * 80);
  const gfloat *found = mel_frames (output) + window * 3000 * 80;

  for (gsize i = 0; i < 3000 * 80; i++)
    expected[i] = i < n_frames * 80 ? frames[i] : -10.0;
  refmel_normalize (expected, 3000 * 80);
  for (gsize t = 0; t < 3000; t++)
    for (gsize b = 0; b < 80; b++) {
      gfloat value = found[mel_major ? b * 3000 + t : t * 80 + b];

      fail_unless (fabs (value - expected[t * 80 + b]) <= 1e-4,
          "frame %zu, band %zu: %g instead of %g", t, b, value,
          expected[t * 80 + b]);
    }
  g_free (expected);
  g_free (frames);
}

GST_START_TEST (test_whole_windows)
{
  static const gchar *const layouts[] = { "frame-major", "mel-major" };
  gsize n = 4 * SECOND + 77;
  gfloat *x = mel_signal (n, 16000, 0);

  for (guint i = 0; i < 2; i++) {
    gchar *caps =
        g_strdup_printf ("audio/x-logmel, norm=whisper, layout=%s", layouts[i]);
    MelOutput output;
    Mel f;

    mel_init (&f, MEL_F32_16K, caps);
    mel_push_cut (&f, x, n, 4096, GST_SECOND);
    fail_unless_equals_int (gst_harness_buffers_in_queue (f.h), 0);
    mel_eos (&f);
    output = mel_collect (&f);
    fail_unless_equals_int (output.buffers->len, 1);
    fail_unless_equals_int (output.bytes->len, 3000 * 80 * sizeof (gfloat));
    fail_unless_equals_uint64 (mel_buffer (&output, 0).pts, GST_SECOND);
    fail_unless_equals_uint64 (
        mel_buffer (&output, 0).duration, n * MEL_SAMPLE);
    check_window (&output, 0, x, n, i == 1);
    mel_output_clear (&output);
    mel_clear (&f);
    g_free (caps);
  }
  g_free (x);
}
GST_END_TEST;

/* 30 s are one window, whose tail is dropped; one sample more makes two. */
GST_START_TEST (test_window_count)
{
  gsize n = 30 * SECOND;
  gfloat *x = mel_signal (n + 1, 16000, 0);

  for (guint extra = 0; extra < 2; extra++) {
    MelOutput output;
    Mel f;

    mel_init (&f, MEL_F32_16K, "audio/x-logmel, norm=whisper");
    mel_push_cut (&f, x, n + extra, 16000, 0);
    mel_eos (&f);
    output = mel_collect (&f);
    fail_unless_equals_int (output.buffers->len, 1 + extra);
    fail_unless_equals_uint64 (
        mel_buffer (&output, 0).duration, 30 * GST_SECOND);
    if (extra == 0)
      check_window (&output, 0, x, n, TRUE);
    else {
      fail_unless_equals_uint64 (mel_buffer (&output, 1).pts, 30 * GST_SECOND);
      fail_unless_equals_uint64 (mel_buffer (&output, 1).duration, MEL_SAMPLE);
      fail_if (mel_buffer (&output, 1).discont);
    }
    mel_output_clear (&output);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_exactly_30_seconds_of_frames)
{
  gsize n = 30 * SECOND;
  gfloat *x = mel_signal (n, 16000, 0);
  MelOutput output = run_cut (MEL_F32_16K, x, n, 4096);

  fail_unless_equals_int (output.bytes->len, (3000 + 2) * 80 * sizeof (gfloat));
  fail_unless_equals_int (
      mel_assert_times (&output, 0, 0, n, 10, 80), output.buffers->len);
  mel_output_clear (&output);
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_no_audio_makes_no_frames)
{
  for (guint i = 0; i < 3; i++) {
    Mel f;

    mel_init (&f, i > 0 ? MEL_F32_16K : NULL, NULL);
    if (i == 2)
      fail_unless_equals_int (mel_push (&f, "", 0, 0, 0), GST_FLOW_OK);
    /* Without caps the harness has sent no stream-start either. */
    if (i == 0)
      gst_harness_push_event (f.h, gst_event_new_stream_start ("none"));
    mel_eos (&f);
    fail_unless_equals_int (gst_harness_buffers_received (f.h), 0);
    fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
    mel_clear (&f);
  }
}
GST_END_TEST;

/* An end of a buffer that is no whole frame is left out. */
GST_START_TEST (test_broken_buffer_size)
{
  gfloat *x = mel_signal (1600, 16000, 0);
  GstBuffer *buffer = gst_buffer_new_memdup (x, 1600 * sizeof (gfloat) - 1);
  MelOutput output;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  GST_BUFFER_PTS (buffer) = 0;
  fail_unless_equals_int (gst_harness_push (f.h, buffer), GST_FLOW_OK);
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (
      mel_assert_times (&output, 0, 0, 1599, 10, 80), output.buffers->len);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

static Suite *
npumel_suite (void)
{
  Suite *suite = suite_create ("npumel");
  TCase *tcase = tcase_create ("frames");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_times_of_every_buffer);
  tcase_add_test (tcase, test_frames_per_buffer);
  tcase_add_test (tcase, test_caps_follow_downstream);
  tcase_add_test (tcase, test_128_bands);
  tcase_add_test (tcase, test_cut_does_not_show);
  tcase_add_test (tcase, test_65_seconds_at_44100);
  tcase_add_test (tcase, test_whole_windows);
  tcase_add_test (tcase, test_window_count);
  tcase_add_test (tcase, test_exactly_30_seconds_of_frames);
  tcase_add_test (tcase, test_no_audio_makes_no_frames);
  tcase_add_test (tcase, test_broken_buffer_size);
  return suite;
}

GST_CHECK_MAIN (npumel);
