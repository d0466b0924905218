/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npuwhisperenc-events.c: events, queries and caps around the windows. */
#include <string.h>

#include "../encoderfixture.h"

GST_START_TEST (test_flush_drops_the_open_window)
{
  Enc f;
  GstSegment segment;
  gfloat *flushed, *plain;
  gsize n;

  enc_init (&f);
  enc_push_frames (&f, 0, 1000, 10);
  gst_harness_push_event (f.h, gst_event_new_flush_start ());
  gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 50 * GST_SECOND;
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  enc_assert_count (&f, 0);

  enc_push_frames (&f, 5000, WINDOW, 10);
  enc_assert_count (&f, 1);
  flushed = enc_pull_states (&f, &n);
  enc_push_eos (&f);
  enc_assert_count (&f, 0);
  enc_clear (&f);

  enc_init (&f);
  enc_push_frames (&f, 5000, WINDOW, 10);
  plain = enc_pull_states (&f, &n);
  fail_unless (memcmp (flushed, plain, STATES_SIZE) == 0);
  enc_clear (&f);
  g_free (flushed);
  g_free (plain);
}
GST_END_TEST;

GST_START_TEST (test_flush_storm)
{
  Enc f;
  GstSegment segment;

  enc_init (&f);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint i = 0; i < 50; i++) {
    enc_push_frames (&f, 0, i, 10);
    gst_harness_push_event (f.h, gst_event_new_flush_start ());
    gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
    gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  }
  enc_push_frames (&f, 0, 100, 10);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_segment_ends_the_window)
{
  Enc f;
  GstSegment segment;

  enc_init (&f);
  enc_push_frames (&f, 0, 100, 10);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 7 * GST_SECOND;
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  enc_assert_count (&f, 1);
  /* without a time stamp: from the segment's start */
  enc_push (&f, enc_frames_new (0, 100, NO_TIME, NO_TIME));
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
  enc_assert_output (&f, 1, 7 * GST_SECOND, GST_SECOND, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

/* Writes what passes the source pad: B buffer, T tag, C custom, S segment,
 * G gap, E end of stream. */
static GstPadProbeReturn
record (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GString *log = user_data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    g_string_append_c (log, 'B');
    return GST_PAD_PROBE_OK;
  }
  switch (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info))) {
    case GST_EVENT_TAG:
      g_string_append_c (log, 'T');
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      g_string_append_c (log, 'C');
      break;
    case GST_EVENT_SEGMENT:
      g_string_append_c (log, 'S');
      break;
    case GST_EVENT_GAP:
      g_string_append_c (log, 'G');
      break;
    case GST_EVENT_EOS:
      g_string_append_c (log, 'E');
      break;
    default:
      break;
  }
  return GST_PAD_PROBE_OK;
}

static GString *
record_source (GstElement *element)
{
  GString *log = g_string_new (NULL);
  GstPad *pad = gst_element_get_static_pad (element, "src");

  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, record,
      log, NULL);
  gst_object_unref (pad);
  return log;
}

static void
push_tag (Enc *f)
{
  gst_harness_push_event (f->h,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "title", NULL)));
}

static void
push_custom (Enc *f)
{
  gst_harness_push_event (
      f->h, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
                gst_structure_new_empty ("marker")));
}

static void
assert_log (GString *log, const gchar *expected)
{
  fail_unless_equals_string (log->str, expected);
  g_string_truncate (log, 0);
}

GST_START_TEST (test_events_stay_in_order)
{
  Enc f;
  GString *log;
  GstSegment segment;

  enc_init (&f);
  log = record_source (f.element);

  push_tag (&f);
  push_custom (&f);
  assert_log (log, "TC");
  enc_push_frames (&f, 0, 100, 10);
  push_tag (&f);
  push_custom (&f);
  enc_push_frames (&f, 100, 2895, 10);
  assert_log (log, "");
  /* five frames of the next window come in the buffer that ends this one */
  enc_push (&f, enc_frames_new (2995, 10, 2995 * FRAME, 10 * FRAME));
  assert_log (log, "BTC");

  push_custom (&f);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  assert_log (log, "BCS");

  enc_push_frames (&f, 0, 10, 10);
  push_custom (&f);
  enc_push_eos (&f);
  assert_log (log, "BCE");
  enc_clear (&f);
  g_string_free (log, TRUE);
}
GST_END_TEST;

GST_START_TEST (test_flush_keeps_tags)
{
  Enc f;
  GString *log;
  GstSegment segment;

  enc_init (&f);
  enc_push_frames (&f, 0, 100, 10);
  push_tag (&f);
  push_custom (&f);
  log = record_source (f.element);
  gst_harness_push_event (f.h, gst_event_new_flush_start ());
  gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  assert_log (log, "S");
  enc_push_frames (&f, 0, 10, 10);
  enc_push_eos (&f);
  assert_log (log, "TBE");
  enc_clear (&f);
  g_string_free (log, TRUE);
}
GST_END_TEST;

GST_START_TEST (test_gap_ends_the_window)
{
  Enc f;
  GString *log;

  enc_init (&f);
  log = record_source (f.element);
  enc_push_frames (&f, 0, 100, 10);
  gst_harness_push_event (f.h, gst_event_new_gap (GST_SECOND, 5 * GST_SECOND));
  assert_log (log, "BG");
  enc_push_frames (&f, 600, 100, 10);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
  enc_assert_output (&f, 1, 6 * GST_SECOND, GST_SECOND, TRUE);
  enc_clear (&f);
  g_string_free (log, TRUE);
}
GST_END_TEST;

/* A tag that a flush found waiting gives way to one that comes later. */
GST_START_TEST (test_flush_keeps_the_newest_tag)
{
  Enc f;
  GstSegment segment;
  GstTagList *tags;
  GstEvent *event;
  GstPad *pad;
  gchar *title;

  enc_init (&f);
  enc_push_frames (&f, 0, 100, 10);
  push_tag (&f);
  gst_harness_push_event (f.h, gst_event_new_flush_start ());
  gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (
      f.h, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "newer", NULL)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  enc_push_frames (&f, 0, 10, 10);
  enc_push_eos (&f);

  pad = gst_element_get_static_pad (f.element, "src");
  event = gst_pad_get_sticky_event (pad, GST_EVENT_TAG, 0);
  gst_event_parse_tag (event, &tags);
  fail_unless (gst_tag_list_get_string (tags, GST_TAG_TITLE, &title));
  fail_unless_equals_string (title, "newer");
  g_free (title);
  gst_event_unref (event);
  gst_object_unref (pad);
  enc_clear (&f);
}
GST_END_TEST;

/* Writes "0" for a gap without a time stamp, else as record() does. */
static GstPadProbeReturn
record_gaps (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstClockTime pts = 0;

  if (info->type & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
      && GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_GAP)
    gst_event_parse_gap (GST_PAD_PROBE_INFO_EVENT (info), &pts, NULL);
  if (GST_CLOCK_TIME_IS_VALID (pts))
    return record (pad, info, user_data);
  g_string_append_c (user_data, '0');
  return GST_PAD_PROBE_OK;
}

/* A live sink must preroll before the first window, and without waiting for a
 * time; any other must not. */
static void
check_first_gap (gboolean live, const gchar *expected)
{
  GString *log = g_string_new (NULL);
  Enc f;
  GstPad *pad;
  GstSegment segment;

  enc_init_with (&f, enc_new (MODEL));
  gst_harness_set_live (f.h, live);
  pad = gst_element_get_static_pad (f.element, "src");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      record_gaps, log, NULL);
  gst_object_unref (pad);
  gst_harness_set_src_caps_str (f.h, MEL_CAPS);
  enc_push_frames (&f, 0, 20, 10);
  assert_log (log, expected);
  /* after a flush a sink prerolls anew */
  gst_harness_push_event (f.h, gst_event_new_flush_start ());
  gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  enc_push_frames (&f, 0, 20, 10);
  assert_log (log, expected);
  enc_clear (&f);
  g_string_free (log, TRUE);
}

GST_START_TEST (test_live_stream_begins_with_a_gap)
{
  check_first_gap (TRUE, "S0");
  check_first_gap (FALSE, "S");
}
GST_END_TEST;

GST_START_TEST (test_latency)
{
  Enc f;

  enc_init (&f);
  gst_harness_set_live (f.h, TRUE);
  gst_harness_set_upstream_latency (f.h, 20 * GST_MSECOND);
  fail_unless (
      gst_harness_query_latency (f.h) >= 30 * GST_SECOND + 20 * GST_MSECOND);
  fail_unless (gst_harness_query_latency (f.h) < 40 * GST_SECOND);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_other_segments_are_refused)
{
  static const gdouble rates[] = { 1.0, -1.0, 2.0, 0.5 };

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    Enc f;
    GstSegment segment;

    enc_init (&f);
    enc_push_frames (&f, 0, 100, 10);
    gst_segment_init (&segment, i == 0 ? GST_FORMAT_BYTES : GST_FORMAT_TIME);
    segment.rate = rates[i];
    segment.stop = 10 * GST_SECOND;
    gst_harness_push_event (f.h, gst_event_new_segment (&segment));
    enc_assert_error (&f, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
    enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
    fail_unless_equals_int (
        gst_harness_push (f.h, enc_frames_new (0, 10, 0, 10 * FRAME)),
        GST_FLOW_ERROR);
    enc_clear (&f);
  }
}
GST_END_TEST;

/* ---- caps -------------------------------------------------------------- */

GST_START_TEST (test_caps_follow_the_model)
{
  Enc f;
  GstPad *pad;
  GstCaps *caps, *other;

  enc_init_with (&f, enc_new (MODEL));
  pad = gst_element_get_static_pad (f.element, "sink");
  caps = gst_pad_query_caps (pad, NULL);
  other = gst_caps_from_string ("audio/x-logmel, mels=128");
  fail_if (gst_caps_can_intersect (caps, other));
  gst_caps_unref (other);
  other = gst_caps_from_string (MEL_CAPS);
  fail_unless (gst_caps_can_intersect (caps, other));
  gst_caps_unref (caps);

  /* Without a model all that any has. */
  gst_element_set_state (f.element, GST_STATE_NULL);
  caps = gst_pad_query_caps (pad, NULL);
  gst_caps_unref (other);
  other = gst_caps_from_string ("audio/x-logmel, mels=128");
  fail_unless (gst_caps_can_intersect (caps, other));
  gst_caps_unref (caps);
  gst_caps_unref (other);
  gst_object_unref (pad);
  enc_clear (&f);
}
GST_END_TEST;

/* One error says why, and what was there before is delivered at once. */
GST_START_TEST (test_unsuitable_caps_are_refused)
{
  static const gchar *const bad[] = {
    "audio/x-logmel, format=F32LE, mels=128, rate=16000, n-fft=400, hop=160, "
    "layout=frame-major, norm=none, frames=10",
    "audio/x-logmel, format=F32LE, mels=128, rate=16000, n-fft=400, hop=160, "
    "layout=mel-major, norm=whisper, frames=3000",
    "audio/x-logmel, format=F32LE, mels=80, rate=8000, n-fft=400, hop=160, "
    "layout=frame-major, norm=none, frames=10",
    "other/tensors, format=static, num_tensors=1, types=float32, "
    "dimensions=(string)80:300, framerate=0/1",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    Enc f;

    enc_init (&f);
    enc_push_frames (&f, 0, 100, 10);
    enc_push_caps (&f, bad[i]);
    enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
    for (guint j = 0; j < 3; j++)
      fail_unless_equals_int (
          gst_harness_push (f.h, enc_frames_new (100, 10, GST_SECOND, NO_TIME)),
          GST_FLOW_NOT_NEGOTIATED);
    enc_assert_error (&f, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
    enc_push_eos (&f);
    enc_assert_count (&f, 0);
    enc_clear (&f);
  }
}
GST_END_TEST;

/* Audio is not for us at all. */
GST_START_TEST (test_foreign_caps_are_not_accepted)
{
  Enc f;

  enc_init (&f);
  enc_push_frames (&f, 0, 100, 10);
  enc_push_caps (&f, "audio/x-raw, format=F32LE, rate=16000, channels=1, "
                     "layout=interleaved");
  fail_unless_equals_int (
      gst_harness_push (f.h, enc_frames_new (100, 10, GST_SECOND, NO_TIME)),
      GST_FLOW_NOT_NEGOTIATED);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_frames_per_buffer_may_change)
{
  Enc f;

  enc_init (&f);
  enc_push_frames (&f, 0, 100, 10);
  enc_push_caps (&f,
      "audio/x-logmel, format=F32LE, mels=80, rate=16000, n-fft=400, "
      "hop=160, layout=frame-major, norm=none, frames=50");
  enc_push_frames (&f, 100, 100, 50);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 0, 2 * GST_SECOND, TRUE);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

static Suite *
npuwhisperenc_events_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_events");
  TCase *tc = tcase_create ("events");

  tcase_add_test (tc, test_flush_drops_the_open_window);
  tcase_add_test (tc, test_flush_storm);
  tcase_add_test (tc, test_segment_ends_the_window);
  tcase_add_test (tc, test_events_stay_in_order);
  tcase_add_test (tc, test_flush_keeps_tags);
  tcase_add_test (tc, test_flush_keeps_the_newest_tag);
  tcase_add_test (tc, test_gap_ends_the_window);
  tcase_add_test (tc, test_live_stream_begins_with_a_gap);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_other_segments_are_refused);
  suite_add_tcase (s, tc);

  tc = tcase_create ("caps");
  tcase_add_test (tc, test_caps_follow_the_model);
  tcase_add_test (tc, test_unsuitable_caps_are_refused);
  tcase_add_test (tc, test_foreign_caps_are_not_accepted);
  tcase_add_test (tc, test_frames_per_buffer_may_change);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_events)
