/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumel-element.c: what npumel refuses and how it says so; latency, stats,
 * states and the way it hands on what downstream answers.
 */
#include <string.h>

#include "../melfixture.h"
#include "gstnpucontext.h"

#define SECOND 16000

static void
assert_one_error (Mel *f, GQuark domain, gint code, const gchar *text)
{
  GError *error = NULL;

  fail_unless_equals_int (mel_count_errors (f, &error), 1);
  fail_unless (g_error_matches (error, domain, code), "%s", error->message);
  fail_unless (strstr (error->message, text) != NULL, "%s", error->message);
  g_error_free (error);
}

/* ---- what is refused ---- */

GST_START_TEST (test_bad_segments)
{
  gfloat *x = mel_signal (1600, 16000, 0);

  for (guint i = 0; i < 3; i++) {
    GstSegment segment;
    Mel f;

    mel_init (&f, MEL_F32_16K, NULL);
    gst_segment_init (&segment, i == 0 ? GST_FORMAT_BYTES : GST_FORMAT_TIME);
    segment.rate = i == 1 ? 2.0 : i == 2 ? -1.0 : 1.0;
    segment.stop = i == 2 ? GST_SECOND : segment.stop;
    gst_harness_push_event (f.h, gst_event_new_segment (&segment));
    assert_one_error (&f, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        i == 0 ? "rawaudioparse" : "seek with rate 1");
    /* Said once; after that only the flow tells. */
    fail_unless (mel_push (&f, x, 1600, 0, 0) != GST_FLOW_OK);
    fail_unless (mel_push (&f, x, 1600, 0, 0) != GST_FLOW_OK);
    fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
    fail_unless_equals_int (gst_harness_buffers_received (f.h), 0);

    /* A good one helps. */
    gst_segment_init (&segment, GST_FORMAT_TIME);
    fail_unless (
        gst_harness_push_event (f.h, gst_event_new_segment (&segment)));
    fail_unless_equals_int (mel_push (&f, x, 1600, 0, 0), GST_FLOW_OK);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

static gboolean
accepts (const gchar *text)
{
  GstCaps *caps = gst_caps_from_string (text);
  gboolean accepted;
  GstPad *pad;
  Mel f;

  mel_init (&f, NULL, NULL);
  pad = gst_element_get_static_pad (f.element, "sink");
  accepted = gst_pad_query_accept_caps (pad, caps);
  gst_harness_set_src_caps (f.h, gst_caps_ref (caps));
  fail_unless (
      gst_pad_has_current_caps (pad) == accepted, "%s: %d", text, accepted);
  gst_object_unref (pad);
  gst_caps_unref (caps);
  mel_clear (&f);
  return accepted;
}

GST_START_TEST (test_absurd_caps)
{
  static const gchar *const bad[] = {
    "audio/x-raw, format=F32LE, rate=0, channels=1, layout=interleaved",
    "audio/x-raw, format=F32LE, rate=7999, channels=1, layout=interleaved",
    "audio/x-raw, format=F32LE, rate=192001, channels=1, layout=interleaved",
    "audio/x-raw, format=S8, rate=2147483647, channels=1, layout=interleaved",
    "audio/x-raw, format=F32LE, rate=16000, channels=0, layout=interleaved",
    "audio/x-raw, format=F32LE, rate=16000, channels=9, layout=interleaved",
    "audio/x-raw, format=F32LE, rate=16000, channels=1, layout=diagonal",
    "audio/x-raw, format=ENCODED, rate=16000, channels=1, layout=interleaved",
    "audio/mpeg, mpegversion=4",
  };

  fail_unless (accepts (MEL_F32_16K));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    fail_if (accepts (bad[i]), "%s", bad[i]);
}
GST_END_TEST;

/* Caps that the template lets pass. */
GST_START_TEST (test_contradictory_caps)
{
  static const gchar *const masks[] = { "0x3", "0x8", "0xf000000000000000" };

  for (guint i = 0; i < G_N_ELEMENTS (masks); i++) {
    gchar *caps =
        g_strdup_printf ("audio/x-raw, format=F32LE, rate=16000, channels=4, "
                         "channel-mask=(bitmask)%s, layout=interleaved",
            masks[i]);
    Mel f;

    mel_init (&f, NULL, NULL);
    mel_set_caps (&f, caps);
    assert_one_error (
        &f, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "contradicts itself");
    fail_unless_equals_int (
        mel_push (&f, "0123456789abcdef", 1, 0, 0), GST_FLOW_NOT_NEGOTIATED);
    mel_clear (&f);
    g_free (caps);
  }
}
GST_END_TEST;

/* Planes without their meta, and a meta that promises more than is there. */
GST_START_TEST (test_buffers_unlike_their_caps)
{
  const gchar *caps = "audio/x-raw, format=F32LE, rate=16000, channels=2, "
                      "layout=non-interleaved";
  gfloat *x = mel_signal (3200, 16000, 0);

  for (guint i = 0; i < 3; i++) {
    GstBuffer *buffer = gst_buffer_new_memdup (x, 3200 * sizeof (gfloat));
    GstAudioMeta *meta;
    Mel f;

    mel_init (&f, caps, NULL);
    GST_BUFFER_PTS (buffer) = 0;
    if (i > 0) {
      meta = gst_buffer_add_audio_meta (buffer, &f.info, 1600, NULL);
      if (i == 1)
        meta->samples = 1601;
      else
        meta->info.channels = 1;
    }
    fail_unless_equals_int (gst_harness_push (f.h, buffer), GST_FLOW_ERROR);
    assert_one_error (
        &f, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "audioconvert");
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_unknown_device)
{
  GstElement *element = gst_element_factory_make ("npumel", NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error = NULL;

  gst_element_set_bus (element, bus);
  g_object_set (element, "device", "no-such-device", NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND),
      "%s", error->message);
  fail_unless (strstr (error->message, "no-such-device") != NULL);
  g_error_free (error);
  gst_message_unref (message);
  /* Not for ever. */
  g_object_set (element, "device", "cpu", NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}
GST_END_TEST;

/* A start that fails leaves no device open. */
GST_START_TEST (test_failed_start_drops_the_context)
{
  GstElement *element = gst_element_factory_make ("npumel", NULL);
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);
  GstContext *carrier = gst_context_new_npu_context (context, TRUE);

  gst_element_set_context (element, carrier);
  g_object_set (element, "device", "no-such-device", NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  /* Ours, and the carrier's. */
  ASSERT_OBJECT_REFCOUNT (context, "context", 2);
  g_object_set (element, "device", "auto", NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  ASSERT_OBJECT_REFCOUNT (context, "context", 3);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  gst_context_unref (carrier);
  ASSERT_OBJECT_REFCOUNT (context, "context", 1);
  gst_object_unref (context);
}
GST_END_TEST;

/* ---- latency ---- */

static guint
count_latency_messages (Mel *f)
{
  GstMessage *message;
  guint n = 0;

  while (
      (message = gst_bus_pop_filtered (f->bus, GST_MESSAGE_LATENCY)) != NULL) {
    gst_message_unref (message);
    n++;
  }
  return n;
}

GST_START_TEST (test_latency)
{
  GstClockTime look_ahead = 200 * MEL_SAMPLE;
  GstClockTime at_44k;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  fail_unless_equals_int (count_latency_messages (&f), 1);
  gst_harness_set_upstream_latency (f.h, 30 * GST_MSECOND);
  fail_unless_equals_uint64 (gst_harness_query_latency (f.h),
      30 * GST_MSECOND + look_ahead + 10 * MEL_FRAME);

  /* The same format again is no news; a resampler is. */
  mel_set_caps (&f, MEL_F32_16K);
  fail_unless_equals_int (count_latency_messages (&f), 0);
  mel_set_caps (&f,
      "audio/x-raw, format=S16LE, rate=44100, channels=2, layout=interleaved");
  fail_unless_equals_int (count_latency_messages (&f), 1);
  at_44k = gst_harness_query_latency (f.h);
  fail_unless (at_44k > 30 * GST_MSECOND + look_ahead + 10 * MEL_FRAME);
  fail_unless (
      at_44k < 30 * GST_MSECOND + look_ahead + 10 * MEL_FRAME + 20 * MEL_FRAME);
  mel_clear (&f);

  mel_init (&f, NULL, NULL);
  g_object_set (f.element, "frames-per-buffer", 30, NULL);
  fail_unless_equals_uint64 (
      gst_harness_query_latency (f.h), look_ahead + 30 * MEL_FRAME);
  mel_clear (&f);
}
GST_END_TEST;

/* No frame leaves later than the latency says: with 1 ms of input at a time,
 * the first buffer is there when so much audio has gone in. */
GST_START_TEST (test_latency_is_kept)
{
  static const gint rates[] = { 8000, 16000, 44100, 192000 };

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    gfloat *x = mel_signal (rates[i], rates[i], 0);
    gchar *caps = g_strdup_printf (
        "audio/x-raw, format=F32LE, rate=%d, channels=1, layout=interleaved",
        rates[i]);
    gsize step = rates[i] / 1000, n = 0;
    GstClockTime needed;
    Mel f;

    mel_init (&f, caps, NULL);
    while (gst_harness_buffers_received (f.h) == 0) {
      fail_unless (n + step <= (gsize) rates[i]);
      mel_push (&f, x + n, step,
          gst_util_uint64_scale (n, GST_SECOND, f.info.rate), 0);
      n += step;
    }
    needed = gst_util_uint64_scale (n, GST_SECOND, f.info.rate);
    fail_unless (needed <= gst_harness_query_latency (f.h) + GST_MSECOND);
    mel_clear (&f);
    g_free (caps);
    g_free (x);
  }
}
GST_END_TEST;

/* ---- stats, states, flow ---- */

static void
check_stats (const GstStructure *stats, guint64 frames, guint64 n_buffers)
{
  guint64 value, count, total, mel_ns;
  GstStructure *stage;
  gint rate;

  fail_unless (gst_structure_has_name (stats, "npu-stats"));
  fail_unless (gst_structure_get_uint64 (stats, "frames", &value));
  fail_unless_equals_uint64 (value, frames);
  fail_unless (gst_structure_get_uint64 (stats, "tail-frames", &value));
  fail_unless_equals_uint64 (value, 2);
  fail_unless (gst_structure_get_uint64 (stats, "audio-ns", &value));
  fail_unless_equals_uint64 (value, frames * MEL_FRAME);
  fail_unless (gst_structure_get_int (stats, "input-rate", &rate));
  fail_unless_equals_int (rate, 16000);
  fail_unless (
      gst_structure_get (stats, "mel", GST_TYPE_STRUCTURE, &stage, NULL));
  fail_unless (gst_structure_get (stage, "count", G_TYPE_UINT64, &count,
      "total", G_TYPE_UINT64, &total, NULL));
  fail_unless_equals_uint64 (count, n_buffers);
  fail_unless (gst_structure_get_uint64 (stats, "mel-ns", &mel_ns));
  fail_unless_equals_uint64 (mel_ns, total);
  fail_unless (mel_ns > 0);
  fail_unless (
      gst_structure_has_field_typed (stats, "convert", GST_TYPE_STRUCTURE));
  gst_structure_free (stage);
}

GST_START_TEST (test_stats)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  GstStructure *stats;
  GstMessage *message;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  mel_push_cut (&f, x, SECOND, 1000, 0);
  fail_unless (gst_bus_pop_filtered (f.bus, GST_MESSAGE_ELEMENT) == NULL);
  mel_eos (&f);
  message = gst_bus_pop_filtered (f.bus, GST_MESSAGE_ELEMENT);
  fail_unless (message != NULL);
  check_stats (gst_message_get_structure (message), 100, 11);
  gst_message_unref (message);
  g_object_get (f.element, "stats", &stats, NULL);
  check_stats (stats, 100, 11);
  gst_structure_free (stats);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* Every nanosecond: with each buffer that is made, and at the end. */
GST_START_TEST (test_stats_while_data_flow)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  GstMessage *message;
  guint n = 0;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  g_object_set (f.element, "stats-interval", (guint64) 1, NULL);
  mel_push_cut (&f, x, SECOND, 1000, 0);
  mel_eos (&f);
  while (
      (message = gst_bus_pop_filtered (f.bus, GST_MESSAGE_ELEMENT)) != NULL) {
    fail_unless (gst_message_has_name (message, "npu-stats"));
    gst_message_unref (message);
    n++;
  }
  fail_unless_equals_int (n, 11 + 1);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_active_backend)
{
  gchar *backend;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  g_object_get (f.element, "active-backend", &backend, NULL);
  fail_unless_equals_string (backend, "cpu");
  g_free (backend);
  gst_element_set_state (f.element, GST_STATE_NULL);
  g_object_get (f.element, "active-backend", &backend, NULL);
  fail_unless (backend == NULL);
  mel_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_stop_and_start_again)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  GstCaps *caps = gst_caps_from_string (MEL_F32_16K);
  MelOutput output;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  for (guint i = 0; i < 3; i++) {
    GstSegment segment;

    /* Stopped in the middle, and in the second round with an event inside. */
    mel_push_cut (&f, x, 5003, 1000, 0);
    if (i == 1)
      gst_harness_push_event (
          f.h, gst_event_new_tag (gst_tag_list_new_empty ()));
    gst_element_set_state (f.element, GST_STATE_NULL);
    gst_element_set_state (f.element, GST_STATE_PLAYING);
    gst_harness_push_event (f.h, gst_event_new_stream_start ("again"));
    gst_harness_push_event (f.h, gst_event_new_caps (caps));
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  }
  output = mel_collect (&f);
  mel_output_clear (&output);
  mel_push_cut (&f, x, SECOND, 1000, 0);
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (
      mel_assert_times (&output, 0, 0, SECOND, 10, 80), output.buffers->len);
  mel_output_clear (&output);
  gst_caps_unref (caps);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_downstream_has_enough)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  mel_push_cut (&f, x, 3200, 1600, 0);
  gst_pad_set_active (f.h->sinkpad, FALSE);
  fail_unless_equals_int (
      mel_push (&f, x, 3200, 3200 * MEL_SAMPLE, 0), GST_FLOW_FLUSHING);
  fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* All of the output comes at EOS, when no flow return can reach the source any
 * more: without an error message the application would wait for ever. */
GST_START_TEST (test_refusal_at_eos_is_told)
{
  GstElement *pipeline = gst_parse_launch (
      "audiotestsrc num-buffers=10 ! npumel frames-per-buffer=3000 ! tee",
      NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_ERROR);
  gst_message_unref (message);
  gst_object_unref (bus);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}
GST_END_TEST;

static Suite *
npumel_element_suite (void)
{
  Suite *suite = suite_create ("npumel-element");
  TCase *tcase = tcase_create ("element");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_bad_segments);
  tcase_add_test (tcase, test_absurd_caps);
  tcase_add_test (tcase, test_contradictory_caps);
  tcase_add_test (tcase, test_buffers_unlike_their_caps);
  tcase_add_test (tcase, test_unknown_device);
  tcase_add_test (tcase, test_failed_start_drops_the_context);
  tcase_add_test (tcase, test_latency);
  tcase_add_test (tcase, test_latency_is_kept);
  tcase_add_test (tcase, test_stats);
  tcase_add_test (tcase, test_stats_while_data_flow);
  tcase_add_test (tcase, test_active_backend);
  tcase_add_test (tcase, test_stop_and_start_again);
  tcase_add_test (tcase, test_downstream_has_enough);
  tcase_add_test (tcase, test_refusal_at_eos_is_told);
  return suite;
}

GST_CHECK_MAIN (npumel_element);
