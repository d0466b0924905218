/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npuwhisperenc.c: windows and their time stamps, however frames come in. */
#include <string.h>

#include "../encoderfixture.h"

GST_START_TEST (test_windows_and_time_stamps)
{
  Enc f;
  GstCaps *caps, *expected;

  enc_init (&f);
  enc_push_frames (&f, 0, 7000, 10);
  enc_assert_count (&f, 2);
  enc_push_tail (&f, 7000);
  enc_assert_count (&f, 2);
  enc_push_eos (&f);
  enc_assert_count (&f, 3);

  caps = gst_pad_get_current_caps (f.h->sinkpad);
  expected = gst_caps_from_string ("audio/x-whisper-hidden, format=F32LE, "
                                   "model=synthetic-test, layers=2, width=64, "
                                   "positions=1500");
  fail_unless (gst_caps_is_equal (caps, expected), "%" GST_PTR_FORMAT, caps);
  gst_caps_unref (caps);
  gst_caps_unref (expected);

  enc_assert_output (&f, 0, 0, 30 * GST_SECOND, TRUE);
  enc_assert_output (&f, 1, 30 * GST_SECOND, 30 * GST_SECOND, FALSE);
  enc_assert_output (&f, 2, 60 * GST_SECOND, 10 * GST_SECOND, FALSE);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_exactly_thirty_seconds_is_one_window)
{
  Enc f;

  enc_init (&f);
  enc_push_frames (&f, 0, WINDOW, 10);
  enc_assert_count (&f, 1);
  enc_push_tail (&f, WINDOW);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, 30 * GST_SECOND, TRUE);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

/* 480001 samples: a last content frame that stands for 62.5 us. */
GST_START_TEST (test_one_sample_more_is_two_windows)
{
  Enc f;

  enc_init (&f);
  enc_push_frames (&f, 0, 2991, 10);
  enc_push (&f, enc_frames_new (2991, 10, 2991 * FRAME, 9 * FRAME + 62500));
  enc_assert_count (&f, 1);
  enc_push (&f, enc_frames_new (3001, 1, 30 * GST_SECOND + 62500, 0));
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, 30 * GST_SECOND, TRUE);
  enc_assert_output (&f, 1, 30 * GST_SECOND, 62500, FALSE);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_no_audio_is_no_window)
{
  Enc f;

  enc_init (&f);
  enc_push_tail (&f, 0);
  enc_push (&f, gst_buffer_new ());
  enc_push_eos (&f);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

/* Tail frames must not change the number of windows, but they are data. */
GST_START_TEST (test_tail_frames_fill_the_open_window)
{
  gfloat *with, *without;
  gsize n, m;

  for (guint last = 2998; last <= 2999; last++) {
    Enc f, g;

    enc_init (&f);
    enc_init (&g);
    enc_push_frames (&f, 0, last, 100);
    enc_push_tail (&f, last);
    enc_push_eos (&f);
    enc_push_frames (&g, 0, last, 100);
    enc_push_eos (&g);
    enc_assert_count (&f, 1);
    enc_assert_count (&g, 1);
    with = enc_pull_states (&f, &n);
    without = enc_pull_states (&g, &m);
    fail_unless_equals_int (n, m);
    fail_if (memcmp (with, without, n * sizeof (gfloat)) == 0);
    g_free (with);
    g_free (without);
    enc_clear (&f);
    enc_clear (&g);
  }
}
GST_END_TEST;

/* The bytes do not depend on how the frames were cut into buffers. */
GST_START_TEST (test_cuts_change_nothing)
{
  static const gsize cuts[] = { 3500, 1, 7, 10, 997, 2999, 3001 };
  gfloat *expected[2] = { NULL, NULL };

  for (guint c = 0; c < G_N_ELEMENTS (cuts); c++) {
    Enc f;

    enc_init (&f);
    enc_push_frames (&f, 0, 3500, cuts[c]);
    enc_push_eos (&f);
    enc_assert_count (&f, 2);
    for (guint i = 0; i < 2; i++) {
      gsize n;
      gfloat *states = enc_pull_states (&f, &n);

      fail_unless_equals_int (n * sizeof (gfloat), STATES_SIZE);
      if (c == 0) {
        expected[i] = states;
        continue;
      }
      fail_unless (memcmp (states, expected[i], STATES_SIZE) == 0,
          "window %u, cut %u", i, (guint) cuts[c]);
      g_free (states);
    }
    enc_clear (&f);
  }
  fail_if (memcmp (expected[0], expected[1], STATES_SIZE) == 0);
  g_free (expected[0]);
  g_free (expected[1]);
}
GST_END_TEST;

GST_START_TEST (test_big_buffer_makes_many_windows)
{
  Enc f;

  enc_init (&f);
  enc_push (&f, enc_frames_new (0, 10005, 0, 10004 * FRAME + 1));
  enc_push_eos (&f);
  for (guint i = 0; i < 3; i++)
    enc_assert_output (&f, i, i * 30 * GST_SECOND, 30 * GST_SECOND, i == 0);
  enc_assert_output (
      &f, 3, 90 * GST_SECOND, 10 * GST_SECOND + 4 * FRAME + 1, FALSE);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_buffers_without_time_stamps)
{
  Enc f;

  enc_init (&f);
  for (guint i = 0; i < 65; i++)
    enc_push (&f, enc_frames_new (100 * i, 100, NO_TIME, NO_TIME));
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, 30 * GST_SECOND, TRUE);
  enc_assert_output (&f, 1, 30 * GST_SECOND, 30 * GST_SECOND, FALSE);
  enc_assert_output (&f, 2, 60 * GST_SECOND, 5 * GST_SECOND, FALSE);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_absurd_durations_are_bounded)
{
  Enc f;

  enc_init (&f);
  enc_push (&f, enc_frames_new (0, 10, 0, 3600 * GST_SECOND));
  enc_push (&f, enc_frames_new (10, 10, 10 * FRAME, 1));
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, 10 * FRAME + 1, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_jitter_is_no_jump)
{
  Enc f;

  enc_init (&f);
  for (guint i = 0; i < 30; i++)
    enc_push (&f,
        enc_frames_new (100 * i, 100,
            i * GST_SECOND + (i % 2 == 1 ? 4 * GST_MSECOND : 0), GST_SECOND));
  enc_assert_output (&f, 0, 0, 30 * GST_SECOND, TRUE);
  enc_push_eos (&f);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_jump_starts_a_window_there)
{
  static const GstClockTime jumps[] = { 6 * GST_MSECOND, 2 * GST_SECOND,
    1000 * 3600 * GST_SECOND, G_MAXINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (jumps); i++) {
    Enc f;
    GstClockTime after = 5 * GST_SECOND + jumps[i];

    enc_init (&f);
    enc_push_frames (&f, 0, 500, 10);
    enc_push (&f, enc_frames_new (500, 100, after, GST_SECOND));
    enc_assert_count (&f, 1);
    enc_push (&f, enc_frames_new (600, 100, after + GST_SECOND, GST_SECOND));
    enc_push_eos (&f);
    enc_assert_output (&f, 0, 0, 5 * GST_SECOND, TRUE);
    enc_assert_output (&f, 1, after, 2 * GST_SECOND, TRUE);
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_jump_back)
{
  Enc f;

  enc_init (&f);
  enc_push_frames (&f, 500, 500, 10);
  enc_push_frames (&f, 0, 100, 10);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 5 * GST_SECOND, 5 * GST_SECOND, TRUE);
  enc_assert_output (&f, 1, 0, GST_SECOND, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_discont_flag_starts_a_window)
{
  Enc f;
  GstBuffer *buffer = enc_frames_new (500, 100, 5 * GST_SECOND, GST_SECOND);

  enc_init (&f);
  enc_push_frames (&f, 0, 500, 10);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  enc_push (&f, buffer);
  enc_push_frames (&f, 600, WINDOW, 10);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, 5 * GST_SECOND, TRUE);
  enc_assert_output (&f, 1, 5 * GST_SECOND, 30 * GST_SECOND, TRUE);
  enc_assert_output (&f, 2, 35 * GST_SECOND, GST_SECOND, FALSE);
  enc_clear (&f);
}
GST_END_TEST;

/* Content after a tail belongs to another stretch of audio. */
GST_START_TEST (test_tail_ends_a_window)
{
  Enc f;

  enc_init (&f);
  enc_push_frames (&f, 0, 100, 10);
  enc_push_tail (&f, 100);
  enc_push_frames (&f, 100, 100, 10);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
  enc_assert_output (&f, 1, GST_SECOND, GST_SECOND, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_audio_ctx_shortens_the_window)
{
  Enc f;
  GstCaps *caps;
  gint positions;

  f.element = enc_new (MODEL);
  g_object_set (f.element, "audio-ctx", 100, NULL);
  enc_init_with (&f, f.element);
  gst_harness_set_src_caps_str (f.h, MEL_CAPS);
  enc_push_frames (&f, 0, 500, 30);
  enc_push_eos (&f);
  enc_assert_count (&f, 3);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *buffer = gst_harness_pull (f.h);

    fail_unless_equals_int (
        gst_buffer_get_size (buffer), 100 * WIDTH * sizeof (gfloat));
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), i * 2 * GST_SECOND);
    fail_unless_equals_uint64 (
        GST_BUFFER_DURATION (buffer), (i < 2 ? 2 : 1) * GST_SECOND);
    gst_buffer_unref (buffer);
  }
  caps = gst_pad_get_current_caps (f.h->sinkpad);
  fail_unless (gst_structure_get_int (
      gst_caps_get_structure (caps, 0), "positions", &positions));
  fail_unless_equals_int (positions, 100);
  gst_caps_unref (caps);
  enc_clear (&f);
}
GST_END_TEST;

static Suite *
npuwhisperenc_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc");
  TCase *tc = tcase_create ("windows");

  tcase_add_test (tc, test_windows_and_time_stamps);
  tcase_add_test (tc, test_exactly_thirty_seconds_is_one_window);
  tcase_add_test (tc, test_one_sample_more_is_two_windows);
  tcase_add_test (tc, test_no_audio_is_no_window);
  tcase_add_test (tc, test_tail_frames_fill_the_open_window);
  tcase_add_test (tc, test_cuts_change_nothing);
  tcase_add_test (tc, test_big_buffer_makes_many_windows);
  tcase_add_test (tc, test_buffers_without_time_stamps);
  tcase_add_test (tc, test_absurd_durations_are_bounded);
  tcase_add_test (tc, test_jitter_is_no_jump);
  tcase_add_test (tc, test_jump_starts_a_window_there);
  tcase_add_test (tc, test_jump_back);
  tcase_add_test (tc, test_discont_flag_starts_a_window);
  tcase_add_test (tc, test_tail_ends_a_window);
  tcase_add_test (tc, test_audio_ctx_shortens_the_window);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc)
