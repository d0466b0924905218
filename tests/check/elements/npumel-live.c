/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumel-live.c: live sources and long streams: time stamps that stay exact,
 * sinks that preroll, and no more inside than the latency says.
 */
#include <gst/check/gsttestclock.h>
#include <string.h>

#include "../melfixture.h"

#define WINDOWS "audio/x-logmel, norm=whisper"

static gboolean
post_latency_seen (Mel *f)
{
  GstMessage *message = gst_bus_pop_filtered (f->bus, GST_MESSAGE_LATENCY);
  gboolean seen = message != NULL;

  gst_clear_message (&message);
  return seen;
}

/* ---- time stamps ---- */

/* A live source on a clock that moves when the test says so: the time stamps
 * are those of the samples, from the running time at which it started on. */
GST_START_TEST (test_clock)
{
  GstHarness *h = gst_harness_new_parse (
      "audiotestsrc is-live=true samplesperbuffer=441 ! "
      "audio/x-raw, rate=44100, channels=2, format=S16LE ! npumel");
  GstClockTime start = GST_CLOCK_TIME_NONE;
  guint64 frame = 0;

  gst_harness_use_testclock (h);
  gst_harness_play (h);
  while (frame < 500) {
    GstBuffer *buffer;

    fail_unless (gst_harness_crank_single_clock_wait (h));
    while ((buffer = gst_harness_try_pull (h)) != NULL) {
      if (frame == 0)
        start = GST_BUFFER_PTS (buffer);
      fail_unless_equals_uint64 (
          GST_BUFFER_PTS (buffer), start + frame * MEL_FRAME);
      fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 10 * MEL_FRAME);
      fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), frame);
      frame += 10;
      gst_buffer_unref (buffer);
    }
  }
  fail_unless_equals_uint64 (start, 0);
  gst_harness_teardown (h);
}
GST_END_TEST;

/* One minute, again and again: made once. */
static GstBuffer *
minute_new (const GstAudioInfo *info)
{
  gsize n = 60 * info->rate;
  gint16 *samples = g_new (gint16, n);

  /* 50 Hz and its like: an hour need not be speech. */
  for (gsize i = 0; i < n; i++)
    samples[i] = (gint16) (((i * 160) % info->rate) * 20000 / info->rate);
  return gst_buffer_new_wrapped (samples, n * sizeof (gint16));
}

/* Pulls what there is; returns the end of the last frame. */
static GstClockTime
check_frames (Mel *f, guint64 *frame, GstClockTime base)
{
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (f->h)) != NULL) {
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), *frame);
    fail_unless_equals_uint64 (
        GST_BUFFER_PTS (buffer), base + *frame * MEL_FRAME);
    fail_unless_equals_int (GST_BUFFER_IS_DISCONT (buffer), *frame == 0);
    *frame = GST_BUFFER_OFFSET_END (buffer);
    gst_buffer_unref (buffer);
  }
  return base + *frame * MEL_FRAME;
}

/* No drift in an hour, and nothing piles up: what has gone in comes out, save
 * what the latency allows to stay. */
GST_START_TEST (test_an_hour)
{
  static const gint rates[] = { 8000, 44100 };

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    GstClockTime base = 12345678901, latency;
    gchar *caps = g_strdup_printf (
        "audio/x-raw, format=S16LE, rate=%d, channels=1, layout=interleaved",
        rates[i]);
    guint64 frame = 0;
    GstBuffer *minute;
    Mel f;

    mel_init (&f, NULL, NULL);
    g_object_set (f.element, "frames-per-buffer", 100, NULL);
    mel_set_caps (&f, caps);
    latency = gst_harness_query_latency (f.h);
    minute = minute_new (&f.info);
    for (guint k = 0; k < 60; k++) {
      GstBuffer *buffer = gst_buffer_copy (minute);
      GstClockTime start = base + k * 60 * GST_SECOND;

      GST_BUFFER_PTS (buffer) = start;
      fail_unless_equals_int (gst_harness_push (f.h, buffer), GST_FLOW_OK);
      fail_unless (
          check_frames (&f, &frame, base) + latency >= start + 60 * GST_SECOND);
    }
    mel_eos (&f);
    check_frames (&f, &frame, base);
    fail_unless_equals_uint64 (frame, 3600 * 100 + 2);
    gst_buffer_unref (minute);
    mel_clear (&f);
    g_free (caps);
  }
}
GST_END_TEST;

/* ---- latency ---- */

typedef struct {
  const gchar *sink;
  GstClockTime latency; /* without the look-ahead */
} LatencyCase;

GST_START_TEST (test_latency_of_windows)
{
  static const LatencyCase cases[] = {
    { "audio/x-logmel", 100 * GST_MSECOND },
    { "audio/x-logmel, frames=1", 10 * GST_MSECOND },
    { WINDOWS, 30 * GST_SECOND },
    { "other/tensors", 30 * GST_SECOND },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    for (gint live = 0; live < 2; live++) {
      GstClockTime min, max;
      gboolean is_live;
      GstQuery *query = gst_query_new_latency ();
      Mel f;

      mel_init (&f, MEL_F32_16K, cases[i].sink);
      fail_unless (post_latency_seen (&f));
      gst_harness_set_live (f.h, live);
      gst_harness_set_upstream_latency (f.h, 5 * GST_MSECOND);
      fail_unless (gst_pad_peer_query (f.h->sinkpad, query));
      gst_query_parse_latency (query, &is_live, &min, &max);
      fail_unless_equals_int (is_live, live);
      fail_unless_equals_uint64 (
          min, 5 * GST_MSECOND + 200 * MEL_SAMPLE + cases[i].latency);
      fail_unless (max == GST_CLOCK_TIME_NONE || max >= min);
      gst_query_unref (query);
      mel_clear (&f);
    }
  }
}
GST_END_TEST;

/* Downstream's wish changes it, and so does the property. */
GST_START_TEST (test_latency_changes_are_told)
{
  gfloat silence[1600] = { 0 };
  Mel f;

  mel_init (&f, MEL_F32_16K, "audio/x-logmel, norm=none");
  fail_unless (post_latency_seen (&f));
  mel_push (&f, silence, 1600, 0, 0);
  fail_if (post_latency_seen (&f));
  g_object_set (f.element, "frames-per-buffer", 50, NULL);
  mel_push (&f, silence, 1600, MEL_NO_TIME, 0);
  fail_unless (post_latency_seen (&f));
  gst_harness_set_sink_caps_str (f.h, WINDOWS);
  mel_push (&f, silence, 1600, MEL_NO_TIME, 0);
  fail_unless (post_latency_seen (&f));
  fail_unless_equals_uint64 (
      gst_harness_query_latency (f.h), 30 * GST_SECOND + 200 * MEL_SAMPLE);
  mel_clear (&f);
}
GST_END_TEST;

/* ---- preroll ---- */

static GstPadProbeReturn
count_gap (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);

  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP) {
    GstClockTime pts, duration;

    gst_event_parse_gap (event, &pts, &duration);
    /* A time is what a sink would wait for. */
    fail_if (GST_CLOCK_TIME_IS_VALID (pts));
    fail_if (GST_CLOCK_TIME_IS_VALID (duration));
    (*(guint *) user_data)++;
  }
  return GST_PAD_PROBE_OK;
}

/* Once, where it is long to the first buffer and a clock waits for it. */
GST_START_TEST (test_first_gap)
{
  static const struct {
    const gchar *sink;
    gboolean live;
    guint gaps;
  } cases[] = {
    { WINDOWS, TRUE, 1 },
    { "other/tensors", TRUE, 1 },
    { "audio/x-logmel, frames=3000", TRUE, 1 },
    { "audio/x-logmel", TRUE, 0 },
    { WINDOWS, FALSE, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gfloat silence[160] = { 0 };
    guint gaps = 0;
    Mel f;

    mel_init (&f, NULL, cases[i].sink);
    gst_harness_set_live (f.h, cases[i].live);
    gst_pad_add_probe (f.h->sinkpad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        count_gap, &gaps, NULL);
    mel_set_caps (&f, MEL_F32_16K);
    for (guint k = 0; k < 3; k++) {
      fail_unless_equals_int (gaps, k == 0 ? 0 : cases[i].gaps);
      mel_push (&f, silence, 160, k * GST_SECOND, GST_BUFFER_FLAG_DISCONT);
    }
    fail_unless_equals_int (gaps, cases[i].gaps);
    mel_clear (&f);
  }
}
GST_END_TEST;

static GstPadProbeReturn
count_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
  return GST_PAD_PROBE_OK;
}

static void
count_buffers (
    GstElement *pipeline, const gchar *element, const gchar *pad, gint *n)
{
  GstElement *watched = gst_bin_get_by_name (GST_BIN (pipeline), element);
  GstPad *watched_pad = gst_element_get_static_pad (watched, pad);

  gst_pad_add_probe (
      watched_pad, GST_PAD_PROBE_TYPE_BUFFER, count_buffer, n, NULL);
  gst_object_unref (watched_pad);
  gst_object_unref (watched);
}

/* The pipeline plays, with its latency known, before any window is there; and
 * the sink, which keeps to the clock, holds up nothing: the audio goes on. */
GST_START_TEST (test_live_windows_preroll)
{
  GstElement *pipeline =
      gst_parse_launch ("audiotestsrc is-live=true ! npumel name=mel ! " WINDOWS
                        " ! fakesink name=sink sync=true",
          NULL);
  gint n_in = 0, n_out = 0;

  count_buffers (pipeline, "mel", "sink", &n_in);
  count_buffers (pipeline, "sink", "sink", &n_out);
  for (guint i = 0; i < 2; i++) {
    GstQuery *query = gst_query_new_latency ();
    GstClockTime min;
    gboolean live;

    fail_unless (gst_element_set_state (pipeline, GST_STATE_PLAYING)
                 != GST_STATE_CHANGE_FAILURE);
    fail_unless_equals_int (
        gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE),
        GST_STATE_CHANGE_SUCCESS);
    fail_unless (gst_element_query (pipeline, query));
    gst_query_parse_latency (query, &live, &min, NULL);
    fail_unless (live);
    fail_unless (min >= 30 * GST_SECOND);
    gst_query_unref (query);
    g_atomic_int_set (&n_in, 0);
    while (g_atomic_int_get (&n_in) < 10)
      g_usleep (1000);
    fail_unless_equals_int (g_atomic_int_get (&n_out), 0);
    /* A flush makes the sink wait again. */
    fail_unless (gst_element_seek_simple (
        pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
    fail_unless_equals_int (
        gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE),
        GST_STATE_CHANGE_SUCCESS);
    /* From here, paused and not, nothing waits for ever. */
    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
  gst_object_unref (pipeline);
}
GST_END_TEST;

/* Paused while the first audio is on its way, at any point of it. */
GST_START_TEST (test_live_windows_stop_at_once)
{
  for (guint i = 0; i < 30; i++) {
    GstElement *pipeline = gst_parse_launch (
        "audiotestsrc is-live=true samplesperbuffer=16 ! npumel ! " WINDOWS
        " ! fakesink sync=true",
        NULL);

    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_usleep (i * 100);
    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_object_unref (pipeline);
  }
}
GST_END_TEST;

static Suite *
npumel_live_suite (void)
{
  Suite *suite = suite_create ("npumel-live");
  TCase *tcase = tcase_create ("live");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_clock);
  tcase_add_test (tcase, test_latency_of_windows);
  tcase_add_test (tcase, test_latency_changes_are_told);
  tcase_add_test (tcase, test_first_gap);
  tcase_add_test (tcase, test_live_windows_preroll);
  tcase_add_test (tcase, test_live_windows_stop_at_once);

  tcase = tcase_create ("long");
  suite_add_tcase (suite, tcase);
  tcase_set_timeout (tcase, 600);
  tcase_add_test (tcase, test_an_hour);
  return suite;
}

GST_CHECK_MAIN (npumel_live);
