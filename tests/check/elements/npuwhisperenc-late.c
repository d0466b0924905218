/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuwhisperenc-late.c: a live pipeline that is too slow, by a clock that the
 * test moves: which windows are left out, and what is told of them.
 */
#include <string.h>

#include "../encoderfixture.h"

/* Windows of 100 frames, that is, 1 s. */
#define POSITIONS 50
#define UPSTREAM (20 * GST_MSECOND)
#define STRIDE (300 * GST_MSECOND)
#define HOUR (3600 * GST_SECOND)

static void
init_live (Enc *f, GstClockTime stride)
{
  enc_init_sliding (f, POSITIONS, stride);
  gst_harness_set_live (f->h, TRUE);
  gst_harness_set_upstream_latency (f->h, UPSTREAM);
  gst_harness_use_testclock (f->h);
}

/* Pushes frames up to @end, the last of which makes a window due at @now. */
static void
push_until (Enc *f, gsize first, gsize end, GstClockTime now)
{
  enc_push_frames (f, first, end - first - 1, 10);
  fail_unless (gst_harness_set_time (f->h, now));
  enc_push_frames (f, end - 1, 1, 1);
}

typedef struct {
  GstClockTime pts, duration;
  gint64 jitter;
  guint64 processed, dropped;
} Late;

static void
assert_qos (Enc *f, const Late *late)
{
  GstMessage *message = enc_pop_message (f, GST_MESSAGE_QOS);
  guint64 running, stream, pts, duration, processed, dropped;
  gdouble proportion;
  GstFormat format;
  gint64 jitter;
  gboolean live;
  gint quality;

  fail_unless (message != NULL);
  gst_message_parse_qos (message, &live, &running, &stream, &pts, &duration);
  gst_message_parse_qos_values (message, &jitter, &proportion, &quality);
  gst_message_parse_qos_stats (message, &format, &processed, &dropped);
  fail_unless (live);
  fail_unless_equals_uint64 (running, late->pts);
  fail_unless_equals_uint64 (stream, late->pts);
  fail_unless_equals_uint64 (pts, late->pts);
  fail_unless_equals_uint64 (duration, late->duration);
  fail_unless_equals_int64 (jitter, late->jitter);
  fail_unless (proportion > 0.0);
  fail_unless_equals_int (format, GST_FORMAT_BUFFERS);
  fail_unless_equals_uint64 (processed, late->processed);
  fail_unless_equals_uint64 (dropped, late->dropped);
  gst_message_unref (message);
}

static void
assert_dropped (Enc *f, guint64 windows, guint64 dropped)
{
  GstStructure *stats;

  g_object_get (f->element, "stats", &stats, NULL);
  fail_unless_equals_uint64 (enc_get_uint64 (stats, "windows"), windows);
  fail_unless_equals_uint64 (enc_get_uint64 (stats, "dropped"), dropped);
  gst_structure_free (stats);
}

/* In time to the nanosecond; then too late, and left out up to the newest. */
GST_START_TEST (test_up_to_the_newest_window)
{
  GstClockTime latency;
  GstBuffer *buffer;
  Enc f;

  init_live (&f, NO_TIME);
  latency = gst_harness_query_latency (f.h);
  push_until (&f, 0, 100, GST_SECOND + latency);
  enc_assert_times (&f, 0, GST_SECOND, TRUE);
  fail_unless (enc_pop_message (&f, GST_MESSAGE_QOS) == NULL);

  latency = gst_harness_query_latency (f.h);
  push_until (&f, 100, 200, 2 * GST_SECOND + latency + 5);
  assert_qos (&f, &(Late){ GST_SECOND, GST_SECOND, 5, 1, 1 });
  /* 1 ns older than the newest that could be there */
  push_until (&f, 200, 300, 4 * GST_SECOND + latency + UPSTREAM + 1);
  assert_qos (&f, &(Late){ 2 * GST_SECOND, GST_SECOND, latency + 1, 1, 2 });
  push_until (&f, 300, 400, 5 * GST_SECOND + latency);
  enc_assert_count (&f, 0);
  assert_qos (
      &f, &(Late){ 3 * GST_SECOND, GST_SECOND, latency - UPSTREAM, 1, 3 });
  /* the newest */
  gst_harness_set_time (f.h, 8 * GST_SECOND + UPSTREAM);
  enc_push_frames (&f, 400, 300, 10);
  enc_assert_count (&f, 1);
  buffer = gst_harness_pull (f.h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 6 * GST_SECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND);
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), 6);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  assert_dropped (&f, 2, 5);

  /* and from there on as before */
  latency = gst_harness_query_latency (f.h);
  push_until (&f, 700, 800, 8 * GST_SECOND + latency);
  enc_assert_times (&f, 7 * GST_SECOND, GST_SECOND, FALSE);
  enc_clear (&f);
}
GST_END_TEST;

/* A window that overlaps brings what the one before it would have. */
GST_START_TEST (test_overlapping_windows_lose_nothing)
{
  GstClockTime latency, duration;
  gfloat *states, *expected;
  GstBuffer *buffer;
  gsize n, m;
  Enc f, g;

  init_live (&f, STRIDE);
  latency = gst_harness_query_latency (f.h);
  push_until (&f, 0, 30, STRIDE + latency);
  enc_assert_times (&f, 0, STRIDE, TRUE);
  latency = gst_harness_query_latency (f.h);
  push_until (&f, 30, 60, 2 * STRIDE + latency + 1);
  enc_assert_count (&f, 0);
  assert_qos (&f, &(Late){ STRIDE, STRIDE, 1, 1, 1 });
  fail_unless (latency > UPSTREAM + STRIDE);
  gst_harness_set_time (f.h, 2 * STRIDE + latency + 2);
  /* late windows, one after the other, up to the newest */
  for (guint end = 90; gst_harness_buffers_in_queue (f.h) == 0; end += 30) {
    fail_unless (end < 3000, "never caught up");
    enc_push_frames (&f, end - 30, 30, 10);
  }
  buffer = gst_harness_pull (f.h);
  duration = GST_BUFFER_DURATION (buffer);
  n = (GST_BUFFER_PTS (buffer) + duration) / FRAME; /* its end */
  /* the newest */
  fail_unless ((n + 30) * FRAME + UPSTREAM >= 2 * STRIDE + latency + 2);
  if (duration < GST_SECOND) {
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), STRIDE);
    fail_if (GST_BUFFER_IS_DISCONT (buffer));
  }
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), n / 30 - 1);
  gst_buffer_unref (buffer);
  enc_clear (&f);

  /* two of them, the second in time */
  init_live (&f, STRIDE);
  latency = gst_harness_query_latency (f.h);
  push_until (&f, 0, 30, STRIDE + latency + 1);
  push_until (&f, 30, 60, STRIDE + latency + 1);
  push_until (&f, 60, 90, STRIDE + latency + 1);
  gst_harness_set_live (f.h, FALSE); /* whatever the latency */
  enc_push_frames (&f, 90, 30, 10);
  buffer = gst_harness_pull (f.h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 20 * FRAME);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  enc_push_frames (&f, 120, 30, 10);
  states = enc_pull_states (&f, &n);
  enc_clear (&f);

  enc_init_sliding (&g, POSITIONS, NO_TIME);
  enc_push_frames (&g, 50, 100, 10);
  expected = enc_pull_states (&g, &m);
  fail_unless (n == m && memcmp (states, expected, n * sizeof (gfloat)) == 0);
  enc_clear (&g);
  g_free (expected);
  g_free (states);
}
GST_END_TEST;

/* What a window reaches back to is not lost. */
GST_START_TEST (test_only_what_no_window_reaches_is_lost)
{
  static const guint skipped[] = { 1, 2, 3, 4 };

  for (guint i = 0; i < G_N_ELEMENTS (skipped); i++) {
    guint n = skipped[i], lost = n * 30 + 30 > 100 ? n * 30 - 70 : 0;
    Enc f;

    init_live (&f, STRIDE);
    gst_harness_set_live (f.h, FALSE);
    enc_push_frames (&f, 0, 30, 10);
    gst_harness_set_live (f.h, TRUE);
    gst_harness_set_time (f.h, HOUR);
    enc_push_frames (&f, 30, n * 30, 10);
    gst_harness_set_live (f.h, FALSE);
    enc_push_frames (&f, 30 + n * 30, 30, 10);
    enc_assert_times (&f, 0, STRIDE, TRUE);
    enc_assert_times (
        &f, (30 + lost) * FRAME, ((n + 1) * 30 - lost) * FRAME, lost > 0);
    assert_dropped (&f, 2, n);
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_events_of_windows_left_out)
{
  GstEvent *event;
  gboolean seen = FALSE;
  Enc f;

  init_live (&f, NO_TIME);
  enc_push_frames (&f, 0, 10, 10);
  gst_harness_set_time (f.h, HOUR);
  enc_push_frames (&f, 10, 40, 10);
  gst_harness_push_event (
      f.h, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "title", NULL)));
  enc_push_frames (&f, 50, 50, 10);
  enc_assert_count (&f, 0);
  while ((event = gst_harness_try_pull_event (f.h)) != NULL) {
    seen |= GST_EVENT_TYPE (event) == GST_EVENT_TAG;
    gst_event_unref (event);
  }
  fail_unless (seen);
  enc_clear (&f);
}
GST_END_TEST;

/* The end is always encoded. */
GST_START_TEST (test_the_end_is_never_left_out)
{
  Enc f;

  init_live (&f, NO_TIME);
  enc_push_frames (&f, 0, 10, 10);
  gst_harness_set_time (f.h, HOUR);
  enc_push_frames (&f, 10, 89, 10);
  enc_push_eos (&f);
  enc_assert_times (&f, 0, 99 * FRAME, TRUE);
  assert_dropped (&f, 1, 0);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_who_is_never_late)
{
  for (guint i = 0; i < 3; i++) {
    Enc f;

    if (i == 0) { /* not live */
      init_live (&f, NO_TIME);
      gst_harness_set_live (f.h, FALSE);
    } else if (i == 1) { /* no clock */
      enc_init_sliding (&f, POSITIONS, NO_TIME);
      gst_harness_set_live (f.h, TRUE);
      gst_element_set_clock (f.element, NULL);
    } else { /* not playing */
      init_live (&f, NO_TIME);
      enc_assert_state (f.element, GST_STATE_PAUSED);
    }
    enc_push_frames (&f, 0, 10, 10);
    if (i != 1)
      gst_harness_set_time (f.h, HOUR);
    enc_push_frames (&f, 10, 990, 10);
    enc_assert_count (&f, 10);
    assert_dropped (&f, 10, 0);
    fail_unless (enc_pop_message (&f, GST_MESSAGE_QOS) == NULL);
    enc_clear (&f);
  }
}
GST_END_TEST;

/* A stream of running time 10 s on, that begins at 50 s. */
GST_START_TEST (test_lateness_counts_in_running_time)
{
  GstSegment segment;
  GstClockTime latency;
  Enc f;

  init_live (&f, NO_TIME);
  latency = gst_harness_query_latency (f.h);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 50 * GST_SECOND;
  segment.base = 10 * GST_SECOND;
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  push_until (&f, 5000, 5100, 11 * GST_SECOND + latency);
  enc_assert_count (&f, 1);
  latency = gst_harness_query_latency (f.h);
  push_until (&f, 5100, 5200, 12 * GST_SECOND + latency + 1);
  enc_assert_count (&f, 1);
  assert_dropped (&f, 1, 1);
  enc_clear (&f);
}
GST_END_TEST;

/* Time stamps that another process gave: all windows seem to come an hour late,
 * until one does. */
GST_START_TEST (test_another_clock)
{
  GstClockTime latency;
  Enc f;

  init_live (&f, NO_TIME);
  for (guint i = 0; i < 5; i++) {
    gst_harness_set_time (f.h, HOUR + i * GST_SECOND);
    enc_push_frames (&f, 100 * i, 100, 100);
    enc_assert_count (&f, i + 1);
  }
  latency = gst_harness_query_latency (f.h);
  push_until (&f, 500, 600, HOUR + 5 * GST_SECOND + latency);
  enc_assert_count (&f, 5);
  assert_dropped (&f, 5, 1);
  enc_clear (&f);
}
GST_END_TEST;

static Suite *
npuwhisperenc_late_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_late");
  TCase *tc = tcase_create ("late");

  tcase_add_test (tc, test_up_to_the_newest_window);
  tcase_add_test (tc, test_overlapping_windows_lose_nothing);
  tcase_add_test (tc, test_only_what_no_window_reaches_is_lost);
  tcase_add_test (tc, test_events_of_windows_left_out);
  tcase_add_test (tc, test_the_end_is_never_left_out);
  tcase_add_test (tc, test_who_is_never_late);
  tcase_add_test (tc, test_lateness_counts_in_running_time);
  tcase_add_test (tc, test_another_clock);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_late)
