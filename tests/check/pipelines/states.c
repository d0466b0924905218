/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * states.c: a whole pipeline up and down, stopped early, played to its end,
 * and again.  With the leaks tracer (GST_TRACERS=leaks) nothing may be left.
 */
#include <gst/check/gstcheck.h>

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
#define TRIES 10
#define PAUSE_US 1000000

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

static GstTracer *
find_leaks_tracer (void)
{
  GList *tracers = gst_tracing_get_active_tracers ();
  GstTracer *found = NULL;

  for (GList *l = tracers; l != NULL; l = l->next)
    if (g_str_equal (G_OBJECT_TYPE_NAME (l->data), "GstLeaksTracer"))
      found = gst_object_ref (l->data);
  g_list_free_full (tracers, gst_object_unref);
  return found;
}

/* The objects that were made while tracking and are still there, a line each. */
static GString *
live_objects (GstTracer *tracer)
{
  GString *text = g_string_new (NULL);
  GstStructure *live = NULL;
  const GValue *list;

  g_signal_emit_by_name (tracer, "get-live-objects", &live);
  list = gst_structure_get_value (live, "live-objects-list");
  for (guint i = 0; i < gst_value_list_get_size (list); i++) {
    gchar *object = gst_value_serialize (gst_structure_get_value (
        gst_value_get_structure (gst_value_list_get_value (list, i)),
        "object"));

    g_string_append_printf (text, "%s\n", object);
    g_free (object);
  }
  gst_structure_free (live);
  return text;
}

static void
free_string (GString *text)
{
  g_string_free (text, TRUE);
}

/* What a first run leaves behind may be meant to stay (the clock, the task
 * pool); what a second one adds may not. */
GST_START_TEST (test_nothing_leaks)
{
  GstTracer *tracer = find_leaks_tracer ();
  GstStructure *created = NULL;
  const GValue *list;
  GString *text = NULL;

  fail_unless (tracer != NULL);
  cycle ();
  g_signal_emit_by_name (tracer, "activity-start-tracking");
  cycle ();
  g_signal_emit_by_name (tracer, "activity-get-checkpoint", &created);
  fail_unless (created != NULL);
  /* the check itself sees objects come … */
  list = gst_structure_get_value (created, "objects-created-list");
  fail_unless (gst_value_list_get_size (list) > 0);
  gst_structure_free (created);
  g_signal_emit_by_name (tracer, "activity-stop-tracking");

  /* … and none is there after them.  The tracer takes references of what it
   * lists, which must not happen while GStreamer's threads drop theirs. */
  for (guint i = 0; i < TRIES; i++) {
    g_usleep (PAUSE_US);
    g_clear_pointer (&text, free_string);
    text = live_objects (tracer);
    if (text->len == 0)
      break;
  }
  fail_unless (text->len == 0, "still there:\n%s", text->str);
  g_string_free (text, TRUE);
  gst_object_unref (tracer);
}
GST_END_TEST;

static Suite *
states_suite (void)
{
  Suite *s = suite_create ("pipeline_states");
  TCase *tc = tcase_create ("general");
  GstTracer *tracer = find_leaks_tracer ();

  tcase_add_test (tc, test_pipeline_cycles);
  if (tracer != NULL)
    tcase_add_test (tc, test_nothing_leaks);
  g_clear_object (&tracer);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (states)
