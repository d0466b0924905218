/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuwhisperenc-storms.c: what no good element sends, in any number, and states
 * that change at the worst moment.
 */
#include "../encoderfixture.h"

#define POSITIONS 50
#define SECOND_FRAMES 100

/* ---- time -------------------------------------------------------------- */

static void
push_segment (Enc *f, GstClockTime start, GstClockTime stop, GstClockTime base)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  segment.stop = stop;
  segment.base = base;
  fail_unless (gst_harness_push_event (f->h, gst_event_new_segment (&segment)));
}

static void
flush (Enc *f)
{
  gst_harness_push_event (f->h, gst_event_new_flush_start ());
  gst_harness_push_event (f->h, gst_event_new_flush_stop (TRUE));
}

GST_START_TEST (test_seeks)
{
  Enc f;

  enc_init_sliding (&f, POSITIONS, 500 * GST_MSECOND);
  enc_push_frames (&f, 0, 70, 10);
  enc_assert_times (&f, 0, 500 * GST_MSECOND, TRUE);
  /* flushing: what waits is dropped */
  flush (&f);
  push_segment (&f, 50 * GST_SECOND, NO_TIME, 0);
  enc_push_frames (&f, 5000, 70, 10);
  enc_assert_times (&f, 50 * GST_SECOND, 500 * GST_MSECOND, TRUE);
  /* not flushing: it comes */
  push_segment (&f, 10 * GST_SECOND, 10500 * GST_MSECOND, 700 * GST_MSECOND);
  enc_assert_times (&f, 50500 * GST_MSECOND, 200 * GST_MSECOND, FALSE);
  enc_push_frames (&f, 1000, 50, 10);
  enc_assert_times (&f, 10 * GST_SECOND, 500 * GST_MSECOND, TRUE);
  enc_push_eos (&f);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

/* Frames that do not reach into the segment are not encoded. */
GST_START_TEST (test_frames_outside_of_the_segment)
{
  static const gsize cuts[] = { 1, 7, 100, 400 };

  for (guint i = 0; i < G_N_ELEMENTS (cuts); i++) {
    Enc f;

    enc_init_sliding (&f, POSITIONS, NO_TIME);
    push_segment (&f, 1005 * GST_MSECOND, 2205 * GST_MSECOND, 0);
    enc_push_frames (&f, 0, 400, cuts[i]);
    enc_push_eos (&f);
    /* frames 100 (the half of it) to 220 */
    enc_assert_times (&f, GST_SECOND, GST_SECOND, TRUE);
    enc_assert_times (&f, 2 * GST_SECOND, 21 * FRAME, FALSE);
    enc_assert_count (&f, 0);
    enc_clear (&f);
  }
}
GST_END_TEST;

/* Where there is no segment time begins at 0; GStreamer itself complains. */
GST_START_TEST (test_no_segment)
{
  GstElement *element = enc_new (MODEL);
  GstPad *pad = gst_element_get_static_pad (element, "sink");
  GstCaps *caps = gst_caps_from_string (MEL_CAPS);
  GstStructure *stats;

  g_object_set (element, "audio-ctx", POSITIONS, NULL);
  enc_assert_state (element, GST_STATE_PLAYING);
  gst_pad_send_event (pad, gst_event_new_stream_start ("test"));
  gst_pad_send_event (pad, gst_event_new_caps (caps));
  ASSERT_WARNING (
      gst_pad_chain (pad, enc_frames_new (0, 50, NO_TIME, 50 * FRAME)));
  ASSERT_WARNING (gst_pad_send_event (pad, gst_event_new_eos ()));
  g_object_get (element, "stats", &stats, NULL);
  fail_unless_equals_uint64 (enc_get_uint64 (stats, "audio-ns"), 50 * FRAME);
  gst_structure_free (stats);
  enc_assert_state (element, GST_STATE_NULL);
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_object_unref (element);
}
GST_END_TEST;

GST_START_TEST (test_huge_time_stamps)
{
  static const GstClockTime times[] = { G_MAXINT64, (guint64) G_MAXINT64 + 1,
    NO_TIME - 1, NO_TIME - 60 * GST_SECOND, 0 };

  for (guint live = 0; live < 2; live++) {
    Enc f;

    enc_init_sliding (&f, POSITIONS, 500 * GST_MSECOND);
    gst_harness_set_live (f.h, live);
    for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
      enc_push (&f,
          enc_frames_new (0, SECOND_FRAMES, times[i], SECOND_FRAMES * FRAME));
      enc_push (&f, enc_frames_new (SECOND_FRAMES, 10, NO_TIME, NO_TIME));
      gst_harness_push_event (f.h, gst_event_new_gap (times[i], NO_TIME - 1));
      gst_harness_push_event (f.h, gst_event_new_gap (times[i], NO_TIME));
      enc_push (&f, enc_frames_new (0, 10, times[i], NO_TIME - 1));
    }
    enc_push_eos (&f);
    fail_unless (
        gst_harness_buffers_in_queue (f.h) >= 2 * G_N_ELEMENTS (times));
    enc_clear (&f);
  }
}
GST_END_TEST;

/* ---- sizes ------------------------------------------------------------- */

GST_START_TEST (test_empty_buffers)
{
  Enc f;

  enc_init_sliding (&f, POSITIONS, 500 * GST_MSECOND);
  for (guint i = 0; i < 12; i++) {
    GstBuffer *empty = gst_buffer_new ();

    GST_BUFFER_PTS (empty) = i * 10 * FRAME;
    GST_BUFFER_DURATION (empty) = 0;
    enc_push (&f, empty);
    enc_push (&f, gst_buffer_new ());
    enc_push_frames (&f, i * 10, 10, 10);
  }
  enc_push_eos (&f);
  enc_assert_times (&f, 0, 500 * GST_MSECOND, TRUE);
  enc_assert_times (&f, 500 * GST_MSECOND, 500 * GST_MSECOND, FALSE);
  enc_assert_times (&f, GST_SECOND, 200 * GST_MSECOND, FALSE);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

/* 100 MB are 55 minutes: a buffer of them is no reason to gather outputs. */
#define BIG (100 * 1000 * 1000 / 320)

static gpointer
push_big_buffer (gpointer data)
{
  Enc *f = data;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, BIG * 320, NULL);

  gst_buffer_memset (buffer, 0, 0, BIG * 320);
  GST_BUFFER_PTS (buffer) = 0;
  return GINT_TO_POINTER (gst_harness_push (f->h, buffer));
}

GST_START_TEST (test_buffer_of_100_megabytes)
{
  const guint windows = BIG / WINDOW;
  Enc f;

  enc_init (&f);
  fail_unless (push_big_buffer (&f) == GINT_TO_POINTER (GST_FLOW_OK));
  enc_assert_count (&f, windows);
  enc_push_eos (&f);
  for (guint i = 0; i < windows; i++)
    enc_assert_output (&f, i, i * 30 * GST_SECOND, 30 * GST_SECOND, i == 0);
  enc_assert_output (&f, windows, windows * 30 * GST_SECOND,
      (BIG - windows * WINDOW) * FRAME, FALSE);
  enc_clear (&f);
}
GST_END_TEST;

/* A flush need not wait for all of it. */
GST_START_TEST (test_flush_ends_a_big_buffer)
{
  GThread *thread;
  Enc f;

  enc_init (&f);
  thread = g_thread_new ("big", push_big_buffer, &f);
  gst_buffer_unref (gst_harness_pull (f.h));
  gst_harness_push_event (f.h, gst_event_new_flush_start ());
  g_thread_join (thread);
  gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
  push_segment (&f, 0, NO_TIME, 0);
  while (gst_harness_buffers_in_queue (f.h) > 0)
    gst_buffer_unref (gst_harness_pull (f.h));
  enc_push_frames (&f, 0, 100, 10);
  enc_push_eos (&f);
  enc_assert_times (&f, 0, GST_SECOND, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

/* ---- events ------------------------------------------------------------ */

GST_START_TEST (test_streams_one_after_the_other)
{
  Enc f;

  enc_init_sliding (&f, POSITIONS, 500 * GST_MSECOND);
  for (guint i = 0; i < 50; i++) {
    gst_harness_push_event (f.h, gst_event_new_stream_start ("again"));
    enc_push_caps (&f, MEL_CAPS);
    push_segment (&f, 0, NO_TIME, i * GST_SECOND);
    enc_push_frames (&f, 0, i, 10);
    if (i % 3 == 0) {
      enc_push_eos (&f);
      flush (&f);
    } else if (i % 3 == 1) {
      gst_harness_push_event (
          f.h, gst_event_new_segment_done (GST_FORMAT_TIME, i * GST_SECOND));
    }
    while (gst_harness_buffers_in_queue (f.h) > 0)
      gst_buffer_unref (gst_harness_pull (f.h));
  }
  gst_harness_push_event (f.h, gst_event_new_stream_start ("last"));
  while (gst_harness_buffers_in_queue (f.h) > 0)
    gst_buffer_unref (gst_harness_pull (f.h));
  push_segment (&f, 0, NO_TIME, 0);
  enc_push_frames (&f, 0, 70, 10);
  enc_push_eos (&f);
  enc_assert_times (&f, 0, 500 * GST_MSECOND, TRUE);
  enc_assert_times (&f, 500 * GST_MSECOND, 200 * GST_MSECOND, FALSE);
  fail_unless_equals_int (enc_count_messages (&f, GST_MESSAGE_ERROR), 0);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_settings_wait_for_the_next_start)
{
  Enc f;

  enc_init_sliding (&f, POSITIONS, NO_TIME);
  enc_push_frames (&f, 0, 50, 10);
  g_object_set (
      f.element, "audio-ctx", 10, "threads", 1, "model", "none", NULL);
  enc_push_frames (&f, 50, 50, 10);
  enc_assert_times (&f, 0, GST_SECOND, TRUE);
  enc_assert_active (f.element, "synthetic-test", "f32", "cpu");
  g_object_set (f.element, "model", MODEL, NULL);
  enc_assert_state (f.element, GST_STATE_READY);
  enc_assert_state (f.element, GST_STATE_PLAYING);
  gst_harness_push_event (f.h, gst_event_new_stream_start ("again"));
  enc_push_caps (&f, MEL_CAPS);
  push_segment (&f, 0, NO_TIME, 0);
  enc_push_frames (&f, 0, 20, 10);
  enc_assert_times (&f, 0, 20 * FRAME, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

/* ---- states ------------------------------------------------------------ */

typedef struct {
  GstPad *pad;
  gint pushed; /* atomic */
} Pusher;

static gpointer
push_until_refused (gpointer data)
{
  Pusher *pusher = data;
  GstFlowReturn ret = GST_FLOW_OK;

  for (guint i = 0; ret == GST_FLOW_OK; i++) {
    ret = gst_pad_push (
        pusher->pad, enc_frames_new (100 * i, 100, NO_TIME, GST_SECOND));
    g_atomic_int_inc (&pusher->pushed);
  }
  return GINT_TO_POINTER (ret);
}

static void
start_pushing (Pusher *pusher, GstElement *element)
{
  GstPad *sink = gst_element_get_static_pad (element, "sink");
  GstCaps *caps = gst_caps_from_string (MEL_CAPS);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  pusher->pushed = 0;
  pusher->pad = gst_pad_new ("src", GST_PAD_SRC);
  fail_unless_equals_int (gst_pad_link (pusher->pad, sink), GST_PAD_LINK_OK);
  gst_pad_set_active (pusher->pad, TRUE);
  gst_pad_push_event (pusher->pad, gst_event_new_stream_start ("test"));
  gst_pad_push_event (pusher->pad, gst_event_new_caps (caps));
  gst_pad_push_event (pusher->pad, gst_event_new_segment (&segment));
  gst_caps_unref (caps);
  gst_object_unref (sink);
}

static void
stop_pushing (Pusher *pusher)
{
  GstPad *peer = gst_pad_get_peer (pusher->pad);

  gst_pad_set_active (pusher->pad, FALSE);
  gst_pad_unlink (pusher->pad, peer);
  gst_object_unref (peer);
  gst_object_unref (pusher->pad);
}

/* The application stops in the middle of a window. */
GST_START_TEST (test_stop_with_a_window_in_flight)
{
  for (guint i = 0; i < 10; i++) {
    GstElement *pipeline = gst_pipeline_new (NULL);
    GstElement *element = enc_new (MODEL);
    GstElement *sink = gst_element_factory_make ("fakesink", NULL);
    GThread *thread;
    Pusher pusher;

    g_object_set (element, "audio-ctx", 750, NULL);
    g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
    gst_bin_add_many (GST_BIN (pipeline), element, sink, NULL);
    fail_unless (gst_element_link (element, sink));
    enc_assert_state (pipeline, GST_STATE_PLAYING);
    start_pushing (&pusher, element);
    thread = g_thread_new ("push", push_until_refused, &pusher);
    /* every 15 buffers are a window */
    while (g_atomic_int_get (&pusher.pushed) < (gint) (14 + i))
      g_thread_yield ();
    enc_assert_state (pipeline, GST_STATE_NULL);
    fail_unless (g_thread_join (thread) == GINT_TO_POINTER (GST_FLOW_FLUSHING));
    stop_pushing (&pusher);
    gst_object_unref (pipeline);
    gst_object_unref (element);
  }
}
GST_END_TEST;

/* EOS, which encodes the rest, and a flush at the same time. */
static gpointer
send_eos (gpointer data)
{
  gst_pad_push_event (data, gst_event_new_eos ());
  return NULL;
}

GST_START_TEST (test_eos_and_flush_race)
{
  for (guint i = 0; i < 20; i++) {
    GstElement *element = enc_new (MODEL);
    GThread *thread;
    Pusher pusher;

    enc_assert_state (element, GST_STATE_PLAYING);
    start_pushing (&pusher, element);
    gst_pad_push (pusher.pad, enc_frames_new (0, 100, 0, GST_SECOND));
    thread = g_thread_new ("eos", send_eos, pusher.pad);
    if (i % 2 == 0)
      g_thread_yield ();
    gst_pad_push_event (pusher.pad, gst_event_new_flush_start ());
    gst_pad_push_event (pusher.pad, gst_event_new_flush_stop (TRUE));
    g_thread_join (thread);
    enc_assert_state (element, GST_STATE_NULL);
    stop_pushing (&pusher);
    gst_object_unref (element);
  }
}
GST_END_TEST;

static gpointer
set_playing (gpointer element)
{
  gst_element_set_state (element, GST_STATE_PLAYING);
  return NULL;
}

/* Another thread stops the pipeline while the weights are made. */
GST_START_TEST (test_stop_while_weights_load)
{
  for (guint i = 0; i < 10; i++) {
    GstElement *element = enc_new ("synthetic:tiny");
    GThread *thread = g_thread_new ("open", set_playing, element);

    if (i % 2 == 0)
      g_thread_yield ();
    enc_assert_state (element, GST_STATE_NULL);
    g_thread_join (thread);
    enc_assert_state (element, GST_STATE_NULL);
    enc_assert_active (element, NULL, NULL, NULL);
    ASSERT_OBJECT_REFCOUNT (element, "element", 1);
    gst_object_unref (element);
  }
}
GST_END_TEST;

static Suite *
npuwhisperenc_storms_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_storms");
  TCase *tc = tcase_create ("input");

  tcase_add_test (tc, test_seeks);
  tcase_add_test (tc, test_frames_outside_of_the_segment);
  tcase_add_test (tc, test_no_segment);
  tcase_add_test (tc, test_huge_time_stamps);
  tcase_add_test (tc, test_empty_buffers);
  tcase_add_test (tc, test_buffer_of_100_megabytes);
  tcase_add_test (tc, test_flush_ends_a_big_buffer);
  tcase_add_test (tc, test_streams_one_after_the_other);
  suite_add_tcase (s, tc);

  tc = tcase_create ("states");
  tcase_add_test (tc, test_settings_wait_for_the_next_start);
  tcase_add_test (tc, test_stop_with_a_window_in_flight);
  tcase_add_test (tc, test_eos_and_flush_race);
  tcase_add_test (tc, test_stop_while_weights_load);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_storms)
