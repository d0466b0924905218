/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * live.c: live pipelines, by the system's clock where only the order of things
 * matters, else by a clock that the test moves.
 */
#include <gst/check/gstcheck.h>
#include <gst/check/gsttestclock.h>

/* Far longer than a start takes on any machine, and shorter than a window. */
#define PATIENCE (20 * GST_SECOND)

#define SOURCE                                                                 \
  "audiotestsrc name=source is-live=true samplesperbuffer=1600 %s ! "          \
  "audio/x-raw, rate=16000, channels=1 ! npumel ! "                            \
  "npuwhisperenc name=enc precision=f32 model=synthetic:test %s ! "            \
  "fakesink name=sink sync=%s signal-handoffs=true"

typedef struct {
  GstElement *pipeline, *source, *enc, *sink;
  GstBus *bus;
  GArray *outputs; /* Output */
} Live;

typedef struct {
  GstClockTime pts, duration;
  guint64 offset;
  gboolean discont;
} Output;

static void
add_output (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer outputs)
{
  Output output = { GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
    GST_BUFFER_OFFSET (buffer), GST_BUFFER_IS_DISCONT (buffer) };

  g_array_append_val ((GArray *) outputs, output);
}

static void
live_init (
    Live *f, const gchar *source, const gchar *encoder, const gchar *sync)
{
  gchar *description = g_strdup_printf (SOURCE, source, encoder, sync);

  f->pipeline = gst_parse_launch (description, NULL);
  fail_unless (f->pipeline != NULL, "%s", description);
  f->source = gst_bin_get_by_name (GST_BIN (f->pipeline), "source");
  f->enc = gst_bin_get_by_name (GST_BIN (f->pipeline), "enc");
  f->sink = gst_bin_get_by_name (GST_BIN (f->pipeline), "sink");
  f->bus = gst_element_get_bus (f->pipeline);
  f->outputs = g_array_new (FALSE, FALSE, sizeof (Output));
  g_signal_connect (f->sink, "handoff", G_CALLBACK (add_output), f->outputs);
  g_free (description);
}

static void
live_clear (Live *f)
{
  gst_element_set_state (f->pipeline, GST_STATE_NULL);
  gst_object_unref (f->bus);
  gst_object_unref (f->sink);
  gst_object_unref (f->enc);
  gst_object_unref (f->source);
  gst_object_unref (f->pipeline);
  g_array_free (f->outputs, TRUE);
}

/* ---- the system's clock ------------------------------------------------ */

static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer counter)
{
  g_atomic_int_inc ((gint *) counter);
  return GST_PAD_PROBE_OK;
}

static void
assert_live_latency (Live *f, GstClockTime least)
{
  GstQuery *query = gst_query_new_latency ();
  GstClockTime min, max;
  gboolean live;

  fail_unless (gst_element_query (f->pipeline, query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live);
  fail_unless (min >= least, "%" GST_TIME_FORMAT, GST_TIME_ARGS (min));
  gst_query_unref (query);
}

static void
start (Live *f)
{
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (
      gst_element_get_state (f->pipeline, NULL, NULL, PATIENCE),
      GST_STATE_CHANGE_SUCCESS);
}

/* The first window is 30 s away: the sink plays without it, and nobody waits
 * for it. */
GST_START_TEST (test_preroll)
{
  static const gchar *const syncs[] = { "true", "false" };

  for (guint i = 0; i < G_N_ELEMENTS (syncs); i++) {
    gint64 deadline = g_get_monotonic_time () + PATIENCE / GST_USECOND;
    gint n_pushed = 0;
    GstPad *pad;
    Live f;

    live_init (&f, "", "", syncs[i]);
    pad = gst_element_get_static_pad (f.source, "src");
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count, &n_pushed, NULL);
    start (&f);
    /* a sink that does not keep to the clock has no latency to tell */
    if (i == 0)
      assert_live_latency (&f, 31 * GST_SECOND);
    while (g_atomic_int_get (&n_pushed) < 5) {
      fail_unless (g_get_monotonic_time () < deadline, "the source is held");
      g_usleep (10000);
    }
    gst_object_unref (pad);
    live_clear (&f);
  }
}
GST_END_TEST;

/* Pausing must not wait for what a paused sink waits for. */
GST_START_TEST (test_pause_at_the_start)
{
  Live f;

  live_init (&f, "", "", "true");
  for (guint i = 0; i < 10; i++) {
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    gst_element_set_state (f.pipeline, GST_STATE_PAUSED);
    if (i % 2 == 0)
      gst_element_set_state (f.pipeline, GST_STATE_READY);
  }
  start (&f);
  live_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_first_window_of_a_stride)
{
  GstMessage *message;
  Live f;

  live_init (&f, "num-buffers=7", "stride=200000000 audio-ctx=100", "true");
  start (&f);
  assert_live_latency (&f, 1200 * GST_MSECOND);
  message = gst_bus_timed_pop_filtered (
      f.bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  fail_unless (f.outputs->len > 0);
  live_clear (&f);
}
GST_END_TEST;

/* ---- a clock of our own ------------------------------------------------ */

typedef struct {
  GstTestClock *clock;
  GstClockTime at, by;
} Hiccup;

/* Time passes, as if the buffer at @at had taken that long. */
static GstPadProbeReturn
hold (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Hiccup *hiccup = data;

  if (GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)) == hiccup->at)
    gst_test_clock_advance_time (hiccup->clock, hiccup->by);
  return GST_PAD_PROBE_OK;
}

/* Plays to the end, time moving to whatever is waited for; returns the number
 * of QOS messages. */
static guint
play (Live *f, GstTestClock *clock)
{
  guint qos = 0;

  gst_pipeline_use_clock (GST_PIPELINE (f->pipeline), GST_CLOCK (clock));
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
  for (gboolean playing = TRUE; playing;) {
    GstMessage *message = gst_bus_pop (f->bus);

    if (message == NULL) {
      if (gst_test_clock_peek_id_count (clock) > 0)
        gst_test_clock_crank (clock);
      else
        g_usleep (100);
      continue;
    }
    fail_if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR,
        "%" GST_PTR_FORMAT, message);
    qos += GST_MESSAGE_TYPE (message) == GST_MESSAGE_QOS;
    playing = GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS;
    gst_message_unref (message);
  }
  return qos;
}

static guint64
get_stat (Live *f, const gchar *name)
{
  GstStructure *stats;
  guint64 value;

  g_object_get (f->enc, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value));
  gst_structure_free (stats);
  return value;
}

/* 10.5 s in strides of 0.2 s, with a sink that keeps to the clock or not. */
GST_START_TEST (test_time_stamps)
{
  static const gchar *const syncs[] = { "true", "false" };

  for (guint s = 0; s < G_N_ELEMENTS (syncs); s++) {
    GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new ());
    Live f;

    live_init (
        &f, "num-buffers=105", "stride=200000000 audio-ctx=50", syncs[s]);
    fail_unless_equals_int (play (&f, clock), 0);
    fail_unless_equals_int (f.outputs->len, 53);
    for (guint i = 0; i < f.outputs->len; i++) {
      const Output *output = &g_array_index (f.outputs, Output, i);

      fail_unless_equals_uint64 (output->pts, i * 200 * GST_MSECOND);
      fail_unless_equals_uint64 (
          output->duration, (i < 52 ? 200 : 100) * GST_MSECOND);
      fail_unless_equals_uint64 (output->offset, i);
      fail_unless_equals_int (output->discont, i == 0);
    }
    fail_unless_equals_uint64 (get_stat (&f, "dropped"), 0);
    live_clear (&f);
    gst_object_unref (clock);
  }
}
GST_END_TEST;

/* One buffer takes 5 s: windows are left out up to the newest, the rest is as if
 * nothing had been. */
GST_START_TEST (test_falling_behind)
{
  GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new ());
  Hiccup hiccup = { clock, 2 * GST_SECOND, 5 * GST_SECOND };
  GstClockTime end = 0, lost = 0;
  guint64 number = 0;
  guint qos;
  GstPad *pad;
  Live f;

  live_init (&f, "num-buffers=105", "stride=200000000 audio-ctx=50", "false");
  pad = gst_element_get_static_pad (f.enc, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, hold, &hiccup, NULL);
  gst_object_unref (pad);
  qos = play (&f, clock);

  for (guint i = 0; i < f.outputs->len; i++) {
    const Output *output = &g_array_index (f.outputs, Output, i);

    /* a hole is flagged, and nothing comes twice */
    fail_unless (output->pts >= end && output->offset >= number);
    fail_unless_equals_int (output->discont, i == 0 || output->pts > end);
    lost += output->pts - end;
    end = output->pts + output->duration;
    number = output->offset + 1;
  }
  fail_unless_equals_uint64 (end, 10500 * GST_MSECOND);
  fail_unless_equals_uint64 (number, 53);
  /* 5 s are missing, save what a window reaches back to */
  fail_unless (qos >= 10 && qos <= 26, "%u windows", qos);
  fail_unless (lost >= GST_SECOND && lost <= 5 * GST_SECOND);
  fail_unless_equals_int (f.outputs->len + qos, 53);
  fail_unless_equals_uint64 (get_stat (&f, "dropped"), qos);
  fail_unless_equals_uint64 (get_stat (&f, "windows"), f.outputs->len);
  live_clear (&f);
  gst_object_unref (clock);
}
GST_END_TEST;

static Suite *
live_suite (void)
{
  Suite *s = suite_create ("live");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_preroll);
  tcase_add_test (tc, test_pause_at_the_start);
  tcase_add_test (tc, test_first_window_of_a_stride);
  tcase_add_test (tc, test_time_stamps);
  tcase_add_test (tc, test_falling_behind);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (live)
