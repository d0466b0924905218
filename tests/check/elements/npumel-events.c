/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumel-events.c: what interrupts a stream: flushes, holes, gaps, segments,
 * other caps; and that other events keep their place among the frames.
 */
#include <string.h>

#include "../melfixture.h"
#include "../refmel.h"

#define SECOND 16000
#define S16_44K                                                                \
  "audio/x-raw, format=S16LE, rate=44100, channels=1, layout=interleaved"

static void
push_segment (Mel *f, GstClockTime start, GstClockTime stop)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = start;
  segment.stop = stop;
  fail_unless (gst_harness_push_event (f->h, gst_event_new_segment (&segment)));
}

static gint16 *
s16_signal (gsize n)
{
  gfloat *x = mel_signal (n, 44100, 0);
  gint16 *y = g_new (gint16, n);

  for (gsize i = 0; i < n; i++)
    y[i] = 30000.0f * x[i];
  g_free (x);
  return y;
}

/* ---- interruptions ---- */

GST_START_TEST (test_flush_starts_afresh)
{
  gsize n = 44100;
  gint16 *y = s16_signal (n);
  MelOutput expected, output;
  Mel f;

  mel_init (&f, S16_44K, NULL);
  mel_push_cut (&f, y, n, 1000, 0);
  mel_eos (&f);
  expected = mel_collect (&f);
  mel_clear (&f);

  mel_init (&f, S16_44K, NULL);
  mel_push_cut (&f, y, 10007, 1000, 0);
  output = mel_collect (&f);
  mel_output_clear (&output);
  fail_unless (gst_harness_push_event (f.h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE)));
  push_segment (&f, 0, MEL_NO_TIME);
  mel_push_cut (&f, y, n, 1000, 0);
  mel_eos (&f);
  output = mel_collect (&f);
  mel_assert_equal (&expected, &output);
  mel_output_clear (&output);
  mel_output_clear (&expected);
  mel_clear (&f);
  g_free (y);
}
GST_END_TEST;

/* Two streams, @n1 and @n2 samples, the second one at @pts2. */
static void
check_two_streams (Mel *f, const gfloat *x, gsize n1, gsize n2,
    GstClockTime pts1, GstClockTime pts2)
{
  MelOutput output = mel_collect (f);
  guint next = mel_assert_times (&output, 0, pts1, n1, 10, 80);

  fail_unless_equals_int (
      mel_assert_times (&output, next, pts2, n2, 10, 80), output.buffers->len);
  fail_unless (mel_error (&output, 0, x, n1, 80) <= 1e-4);
  fail_unless (
      mel_error (&output, refmel_all_frames (n1), x + n1, n2, 80) <= 1e-4);
  mel_output_clear (&output);
}

GST_START_TEST (test_discont_ends_the_stream)
{
  gfloat *x = mel_signal (2 * SECOND, 16000, 0);
  gsize n1 = 5001, n2 = 6003;
  Mel f;

  /* flagged, even where the times go on */
  mel_init (&f, MEL_F32_16K, NULL);
  mel_push_cut (&f, x, n1, 1000, GST_SECOND);
  mel_push (
      &f, x + n1, n2, GST_SECOND + n1 * MEL_SAMPLE, GST_BUFFER_FLAG_DISCONT);
  mel_eos (&f);
  check_two_streams (&f, x, n1, n2, GST_SECOND, GST_SECOND + n1 * MEL_SAMPLE);
  mel_clear (&f);

  /* not flagged, but a second away: forth and back */
  for (guint i = 0; i < 2; i++) {
    GstClockTime pts2 = i == 0 ? 9 * GST_SECOND : GST_SECOND;

    mel_init (&f, MEL_F32_16K, NULL);
    mel_push_cut (&f, x, n1, 1000, 5 * GST_SECOND);
    mel_push_cut (&f, x + n1, n2, 1000, pts2);
    mel_eos (&f);
    check_two_streams (&f, x, n1, n2, 5 * GST_SECOND, pts2);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

/* Jitter of a few milliseconds, and no time stamps at all. */
GST_START_TEST (test_jitter_is_no_discont)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  MelOutput output;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  for (guint i = 0; i < 100; i++) {
    GstClockTime pts = GST_SECOND + i * MEL_FRAME;

    if (i % 3 == 1)
      pts += 7 * GST_MSECOND;
    else if (i % 3 == 2)
      pts = MEL_NO_TIME;
    mel_push (&f, x + i * 160, 160, pts, 0);
  }
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (
      mel_assert_times (&output, 0, GST_SECOND, SECOND, 10, 80),
      output.buffers->len);
  mel_output_clear (&output);
  mel_clear (&f);

  /* From the segment's start where even the first buffer has none. */
  mel_init (&f, MEL_F32_16K, NULL);
  push_segment (&f, 3 * GST_SECOND, MEL_NO_TIME);
  mel_push_cut (&f, x, SECOND, 999, MEL_NO_TIME);
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (
      mel_assert_times (&output, 0, 3 * GST_SECOND, SECOND, 10, 80),
      output.buffers->len);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* A hole of 100 ms that does not close is believed after a second. */
GST_START_TEST (test_a_hole_that_stays)
{
  GstClockTime hole = 100 * GST_MSECOND;
  gfloat *x = mel_signal (4 * SECOND, 16000, 0);
  GstClockTime last = 0;
  guint disconts = 0;
  MelOutput output;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  mel_push_cut (&f, x, SECOND, 160, 0);
  mel_push_cut (&f, x + SECOND, 3 * SECOND, 160, GST_SECOND + hole);
  mel_eos (&f);
  output = mel_collect (&f);
  for (guint i = 0; i < output.buffers->len; i++) {
    disconts += mel_buffer (&output, i).discont;
    last = mel_buffer (&output, i).pts;
  }
  fail_unless_equals_int (disconts, 2);
  fail_unless_equals_uint64 (last, 4 * GST_SECOND + hole);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* ---- gaps ---- */

static void
push_gap (Mel *f, GstClockTime pts, GstClockTime duration)
{
  fail_unless (
      gst_harness_push_event (f->h, gst_event_new_gap (pts, duration)));
}

/* A third of 3 s is silence, told in different ways: the same bytes. */
GST_START_TEST (test_gaps_are_silence)
{
  gsize n = 44100;
  gint16 *y = s16_signal (3 * n);
  MelOutput expected, output;
  Mel f;

  memset (y + n, 0, n * sizeof (gint16));
  mel_init (&f, S16_44K, NULL);
  mel_push_cut (&f, y, 3 * n, 1000, GST_SECOND);
  mel_eos (&f);
  expected = mel_collect (&f);
  mel_clear (&f);

  for (guint i = 0; i < 4; i++) {
    mel_init (&f, S16_44K, NULL);
    mel_push_cut (&f, y, n, 1000, GST_SECOND);
    switch (i) {
      case 0:
        push_gap (&f, 2 * GST_SECOND, GST_SECOND);
        break;
      case 1: /* steps that are no whole number of frames */
        for (guint k = 0; k < 300; k++)
          push_gap (
              &f, 2 * GST_SECOND + k * GST_SECOND / 300, GST_SECOND / 300 + 1);
        break;
      case 2: /* a small hole before it, and one that overlaps */
        push_gap (&f, 2 * GST_SECOND + 300 * GST_MSECOND, 500 * GST_MSECOND);
        push_gap (&f, 2 * GST_SECOND + 700 * GST_MSECOND, 300 * GST_MSECOND);
        break;
      default: /* a buffer whose contents are not meant */
        mel_push (&f, y, n, 2 * GST_SECOND, GST_BUFFER_FLAG_GAP);
        break;
    }
    mel_push_cut (&f, y + 2 * n, n, 1000, 3 * GST_SECOND);
    mel_eos (&f);
    output = mel_collect (&f);
    mel_assert_equal (&expected, &output);
    mel_output_clear (&output);
    mel_clear (&f);
  }
  mel_output_clear (&expected);
  g_free (y);
}
GST_END_TEST;

GST_START_TEST (test_gap_at_the_start_and_the_end)
{
  gfloat *x = g_new0 (gfloat, 3 * SECOND);
  gfloat *voice = mel_signal (SECOND, 16000, 0);
  MelOutput output;
  Mel f;

  memcpy (x + SECOND, voice, SECOND * sizeof (gfloat));
  mel_init (&f, MEL_F32_16K, NULL);
  push_gap (&f, 0, GST_SECOND);
  mel_push_cut (&f, voice, SECOND, 1000, GST_SECOND);
  push_gap (&f, 2 * GST_SECOND, GST_SECOND);
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (mel_assert_times (&output, 0, 0, 3 * SECOND, 10, 80),
      output.buffers->len);
  fail_unless (mel_error (&output, 0, x, 3 * SECOND, 80) <= 1e-4);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (voice);
  g_free (x);
}
GST_END_TEST;

/* ---- segments and caps ---- */

GST_START_TEST (test_segment_clips)
{
  static const gchar *const layouts[] = { MEL_F32_16K,
    "audio/x-raw, format=F32LE, rate=16000, channels=2, "
    "layout=non-interleaved" };
  gfloat *x = mel_signal (3 * SECOND, 16000, 0);
  gfloat *stereo = g_new (gfloat, 6 * SECOND);
  gsize n = 12345;

  for (gsize i = 0; i < 6 * SECOND; i++)
    stereo[i] = x[i / 2];
  for (guint i = 0; i < G_N_ELEMENTS (layouts); i++) {
    MelOutput output;
    Mel f;

    mel_init (&f, layouts[i], NULL);
    push_segment (&f, GST_SECOND, GST_SECOND + n * MEL_SAMPLE);
    mel_push_cut (&f, i == 0 ? x : stereo, 3 * SECOND, 1999, 0);
    mel_eos (&f);
    output = mel_collect (&f);
    fail_unless_equals_int (
        mel_assert_times (&output, 0, GST_SECOND, n, 10, 80),
        output.buffers->len);
    fail_unless (mel_error (&output, 0, x + SECOND, n, 80) <= 1e-4);
    mel_output_clear (&output);
    mel_clear (&f);
  }
  g_free (stereo);
  g_free (x);
}
GST_END_TEST;

/* Sinks drop what lies at a segment's stop or behind it: the tail must not. */
GST_START_TEST (test_segment_has_room_for_the_tail)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  GstEvent *event;
  GstSegment segment;
  MelOutput output;
  GstPad *pad;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.stop = GST_SECOND;
  event = gst_event_new_segment (&segment);
  gst_event_set_seqnum (event, 4711);
  fail_unless (gst_harness_push_event (f.h, event));
  mel_push_cut (&f, x, SECOND, 1000, 0);
  mel_eos (&f);

  pad = gst_element_get_static_pad (f.element, "src");
  event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  fail_unless (event != NULL);
  fail_unless_equals_int (gst_event_get_seqnum (event), 4711);
  gst_event_copy_segment (event, &segment);
  output = mel_collect (&f);
  fail_unless_equals_int (
      mel_assert_times (&output, 0, 0, SECOND, 10, 80), output.buffers->len);
  for (guint i = 0; i < output.buffers->len; i++) {
    GstClockTime pts = mel_buffer (&output, i).pts;

    fail_unless (
        gst_segment_clip (&segment, GST_FORMAT_TIME, pts, pts, NULL, NULL));
  }
  mel_output_clear (&output);
  gst_event_unref (event);
  gst_object_unref (pad);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* Even where the times go on. */
GST_START_TEST (test_new_segment_ends_the_stream)
{
  const GstClockTime starts[] = { 7 * GST_SECOND, 5000 * MEL_SAMPLE };
  gfloat *x = mel_signal (2 * SECOND, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (starts); i++) {
    Mel f;

    mel_init (&f, MEL_F32_16K, NULL);
    mel_push_cut (&f, x, 5000, 1000, 0);
    push_segment (&f, starts[i], MEL_NO_TIME);
    mel_push_cut (&f, x + 5000, 6000, 1000, starts[i]);
    mel_eos (&f);
    check_two_streams (&f, x, 5000, 6000, 0, starts[i]);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

GST_START_TEST (test_new_caps_end_the_stream)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  gint16 *y = s16_signal (44100);
  MelOutput output;
  guint next;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  mel_push_cut (&f, x, 5001, 1000, 0);
  mel_set_caps (&f, S16_44K);
  mel_push_cut (&f, y, 44100, 1000, 5001 * MEL_SAMPLE);
  mel_eos (&f);
  output = mel_collect (&f);
  next = mel_assert_times (&output, 0, 0, 5001, 10, 80);
  fail_unless_equals_int (
      mel_assert_times (&output, next, 5001 * MEL_SAMPLE, SECOND, 10, 80),
      output.buffers->len);
  fail_unless (mel_error (&output, 0, x, 5001, 80) <= 1e-4);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (y);
  g_free (x);
}
GST_END_TEST;

/* Other bands need a new stream, other sizes only other buffers. */
GST_START_TEST (test_downstream_changes_its_mind)
{
  gfloat *x = mel_signal (2 * SECOND, 16000, 0);
  MelOutput output;
  guint next;
  Mel f;

  mel_init (&f, MEL_F32_16K, "audio/x-logmel, mels=80");
  mel_push_cut (&f, x, 8000, 1000, 0);
  gst_harness_set_sink_caps_str (f.h, "audio/x-logmel, mels=128");
  mel_push_cut (&f, x + 8000, 8000, 1000, 8000 * MEL_SAMPLE);
  mel_eos (&f);
  output = mel_collect (&f);
  next = mel_assert_times (&output, 0, 0, 8000, 10, 80);
  fail_unless_equals_int (
      mel_assert_times (&output, next, 8000 * MEL_SAMPLE, 8000, 10, 128),
      output.buffers->len);
  mel_output_clear (&output);
  mel_clear (&f);

  mel_init (&f, MEL_F32_16K, "audio/x-logmel, frames=10");
  mel_push_cut (&f, x, SECOND, 1000, 0);
  gst_harness_set_sink_caps_str (f.h, "audio/x-logmel, frames=30");
  mel_push_cut (&f, x + SECOND, SECOND, 1000, GST_SECOND);
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless (mel_error (&output, 0, x, 2 * SECOND, 80) <= 1e-4);
  fail_unless_equals_int (mel_buffer (&output, 0).size, 10 * 80 * 4);
  fail_unless_equals_int (
      mel_buffer (&output, output.buffers->len - 3).size, 30 * 80 * 4);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* ---- other events ---- */

static GstPadProbeReturn
record (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GString *log = user_data;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

    g_string_append_printf (log, "%d ", (gint) GST_BUFFER_OFFSET_END (buffer));
  } else {
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
    const GstStructure *structure = gst_event_get_structure (event);

    if (GST_EVENT_TYPE (event) == GST_EVENT_TAG)
      g_string_append (log, "tag ");
    else if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM)
      g_string_append_printf (log, "%s ", gst_structure_get_name (structure));
    else if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
      g_string_append (log, "eos");
  }
  return GST_PAD_PROBE_OK;
}

static void
push_custom (Mel *f, const gchar *name)
{
  fail_unless (gst_harness_push_event (
      f->h, gst_event_new_custom (
                GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty (name))));
}

static void
push_tag (Mel *f)
{
  fail_unless (gst_harness_push_event (
      f->h, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "a", NULL))));
}

GST_START_TEST (test_events_keep_their_place)
{
  GString *log = g_string_new (NULL);
  gfloat *x = mel_signal (SECOND, 16000, 0);
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  gst_pad_add_probe (f.h->sinkpad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, record,
      log, NULL);
  push_custom (&f, "before");
  mel_push_cut (&f, x, 1600, 1600, 0); /* frames 0 to 9 */
  push_custom (&f, "at10");
  mel_push_cut (&f, x + 1600, 1700, 1700, 1600 * MEL_SAMPLE); /* to 20.6 */
  push_tag (&f);
  push_custom (&f, "in21");
  mel_push_cut (&f, x + 3300, 1500, 1500, 3300 * MEL_SAMPLE); /* to 30 */
  push_custom (&f, "end");
  mel_eos (&f);
  /* 30 content frames; 21 is no place between buffers, 30 is the next. */
  fail_unless_equals_string (
      log->str, "before 10 at10 20 30 32 tag in21 end eos");
  mel_clear (&f);
  g_string_free (log, TRUE);
  g_free (x);
}
GST_END_TEST;

/* A flush drops what waits, but no pad would forget a tag. */
GST_START_TEST (test_flush_keeps_sticky_events)
{
  GString *log = g_string_new (NULL);
  gfloat *x = mel_signal (SECOND, 16000, 0);
  GstEvent *event;
  GstPad *pad;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  pad = gst_element_get_static_pad (f.element, "src");
  gst_pad_add_probe (
      f.h->sinkpad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, record, log, NULL);
  mel_push_cut (&f, x, 3000, 3000, 0);
  push_tag (&f);
  push_custom (&f, "lost");
  fail_unless_equals_string (log->str, "");
  gst_harness_push_event (f.h, gst_event_new_flush_start ());
  gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
  event = gst_pad_get_sticky_event (pad, GST_EVENT_TAG, 0);
  fail_unless (event != NULL);
  gst_event_unref (event);
  push_segment (&f, 0, MEL_NO_TIME);
  mel_push_cut (&f, x, 3000, 3000, 0);
  mel_eos (&f);
  fail_unless_equals_string (log->str, "tag eos");
  gst_object_unref (pad);
  mel_clear (&f);
  g_string_free (log, TRUE);
  g_free (x);
}
GST_END_TEST;

static Suite *
npumel_events_suite (void)
{
  Suite *suite = suite_create ("npumel-events");
  TCase *tcase = tcase_create ("events");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_flush_starts_afresh);
  tcase_add_test (tcase, test_discont_ends_the_stream);
  tcase_add_test (tcase, test_jitter_is_no_discont);
  tcase_add_test (tcase, test_a_hole_that_stays);
  tcase_add_test (tcase, test_gaps_are_silence);
  tcase_add_test (tcase, test_gap_at_the_start_and_the_end);
  tcase_add_test (tcase, test_segment_clips);
  tcase_add_test (tcase, test_segment_has_room_for_the_tail);
  tcase_add_test (tcase, test_new_segment_ends_the_stream);
  tcase_add_test (tcase, test_new_caps_end_the_stream);
  tcase_add_test (tcase, test_downstream_changes_its_mind);
  tcase_add_test (tcase, test_events_keep_their_place);
  tcase_add_test (tcase, test_flush_keeps_sticky_events);
  return suite;
}

GST_CHECK_MAIN (npumel_events);
