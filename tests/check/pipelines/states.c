/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * states.c: a whole pipeline up and down, stopped early, played to its end,
 * and again.  With the leaks tracer (GST_TRACERS=leaks) nothing may be left.
 */
#include <gst/check/gstcheck.h>

#include "leaksfixture.h"

#define PIPELINE                                                               \
  "audiotestsrc num-buffers=20 ! audio/x-raw, rate=44100, channels=2 ! "       \
  "npumel ! npuwhisperenc model=synthetic:test audio-ctx=50 ! fakesink"

static void
set_state (GstElement *pipeline, GstState state)
{
  GstStateChangeReturn ret = gst_element_set_state (pipeline, state);

  if (ret == GST_STATE_CHANGE_ASYNC)
    ret = gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  fail_unless_equals_int (ret, GST_STATE_CHANGE_SUCCESS);
}

static void
play_to_end (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_object_unref (bus);
}

/* GStreamer's own threads (of tasks, of asynchronous state changes) drop their
 * references a moment after what they did is done. */
#define PATIENCE 500
#define MOMENT_US 20000

static void
wait_for_helpers (GstElement *pipeline)
{
  for (guint i = 0; i < PATIENCE && GST_OBJECT_REFCOUNT (pipeline) > 1; i++)
    g_usleep (MOMENT_US);
}

static void
cycle (void)
{
  static const GstState states[] = { GST_STATE_READY, GST_STATE_PAUSED,
    GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL,
    GST_STATE_PAUSED, GST_STATE_NULL, GST_STATE_PLAYING, GST_STATE_NULL };
  GstElement *pipeline = gst_parse_launch (PIPELINE, NULL);

  fail_unless (pipeline != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    set_state (pipeline, states[i]);
  for (guint i = 0; i < 2; i++) {
    play_to_end (pipeline);
    set_state (pipeline, GST_STATE_NULL);
  }
  wait_for_helpers (pipeline);
  ASSERT_OBJECT_REFCOUNT (pipeline, "pipeline", 1);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_pipeline_cycles)
{
  cycle ();
}
GST_END_TEST;

GST_START_TEST (test_nothing_leaks)
{
  leaks_check (cycle);
}
GST_END_TEST;

static Suite *
states_suite (void)
{
  Suite *s = suite_create ("pipeline_states");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_pipeline_cycles);
  if (leaks_tracer_is_on ())
    tcase_add_test (tc, test_nothing_leaks);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (states)
