/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumel-bad.c: input that no good element would send: absurd times, sizes,
 * samples and events.  One clear error or a clean continuation, and everything
 * before it is delivered.
 */
#include <math.h>
#include <string.h>

#include "../melfixture.h"
#include "../refmel.h"

#define SECOND 16000

/* ---- times ---- */

/* Audio at any time at all is a stream of its own, whole; and what comes after
 * it is as good as ever. */
GST_START_TEST (test_huge_jumps)
{
  static const GstClockTime jumps[] = { G_MAXINT64 - 1, G_MAXINT64,
    (guint64) G_MAXINT64 + 1, G_MAXUINT64 - 60 * GST_SECOND,
    G_MAXUINT64 - GST_SECOND / 2, G_MAXUINT64 - 1, 1 };
  gfloat *x = mel_signal (SECOND, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (jumps); i++) {
    gsize frames = 0;
    MelOutput output;
    guint last;
    Mel f;

    mel_init (&f, MEL_F32_16K, NULL);
    mel_push (&f, x, SECOND, 5 * GST_SECOND, 0);
    mel_push (&f, x, SECOND, jumps[i], 0);
    mel_push (&f, x, SECOND, 7 * GST_SECOND, 0);
    mel_eos (&f);
    fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
    output = mel_collect (&f);
    last = mel_assert_times (&output, 0, 5 * GST_SECOND, SECOND, 10, 80);
    for (; last < output.buffers->len
           && mel_buffer (&output, last).pts != 7 * GST_SECOND;
         last++)
      frames += mel_buffer (&output, last).size / sizeof (gfloat) / 80;
    /* Beyond the last time that there is, audio is left out as a whole. */
    fail_unless (frames == refmel_all_frames (SECOND)
                     || (frames == 0 && jumps[i] > G_MAXINT64),
        "%" G_GUINT64_FORMAT ": %zu frames", jumps[i], frames);
    fail_unless_equals_int (
        mel_assert_times (&output, last, 7 * GST_SECOND, SECOND, 10, 80),
        output.buffers->len);
    fail_unless (
        mel_error (&output, refmel_all_frames (SECOND) + frames, x, SECOND, 80)
        <= 1e-4);
    mel_output_clear (&output);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

/* A gap of a century is a hole, and costs no more. */
GST_START_TEST (test_endless_gaps)
{
  static const struct {
    GstClockTime pts, duration;
  } gaps[] = {
    { GST_SECOND, G_GUINT64_CONSTANT (100) * 365 * 24 * 3600 * GST_SECOND },
    { GST_SECOND, G_MAXINT64 },
    { GST_SECOND, G_MAXUINT64 - 1 },
    { GST_SECOND, MEL_NO_TIME },
    { G_MAXUINT64 - 1, G_MAXUINT64 - 1 },
    { G_MAXINT64, GST_SECOND },
    { 0, 0 },
  };
  gfloat *x = mel_signal (SECOND, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (gaps); i++) {
    MelOutput output;
    guint next;
    Mel f;

    mel_init (&f, MEL_F32_16K, NULL);
    mel_push (&f, x, SECOND, 0, 0);
    gst_harness_push_event (
        f.h, gst_event_new_gap (gaps[i].pts, gaps[i].duration));
    mel_push (&f, x, SECOND, 9 * GST_SECOND, 0);
    mel_eos (&f);
    output = mel_collect (&f);
    fail_unless (output.buffers->len < 100);
    next = mel_assert_times (&output, 0, 0, SECOND, 10, 80);
    while (next < output.buffers->len
           && mel_buffer (&output, next).pts != 9 * GST_SECOND)
      next++;
    fail_unless_equals_int (
        mel_assert_times (&output, next, 9 * GST_SECOND, SECOND, 10, 80),
        output.buffers->len);
    mel_output_clear (&output);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

/* Times from 0 where there is no segment. */
GST_START_TEST (test_no_segment)
{
  GstElement *element = gst_element_factory_make ("npumel", NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GstPad *pad = gst_element_get_static_pad (element, "sink");
  GstCaps *caps = gst_caps_from_string (MEL_F32_16K);
  GstStructure *stats;
  guint64 frames;

  fail_unless (gst_element_link (element, sink));
  gst_element_set_state (sink, GST_STATE_PLAYING);
  gst_element_set_state (element, GST_STATE_PLAYING);
  gst_pad_send_event (pad, gst_event_new_stream_start ("x"));
  gst_pad_send_event (pad, gst_event_new_caps (caps));
  /* GStreamer itself complains of that. */
  ASSERT_WARNING (
      gst_pad_chain (pad, gst_buffer_new_wrapped (g_malloc0 (64000), 64000)));
  g_object_get (element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, "frames", &frames));
  fail_unless_equals_uint64 (frames, 90); /* the rest comes at EOS */
  gst_structure_free (stats);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_object_unref (element);
}
GST_END_TEST;

/* ---- sizes ---- */

GST_START_TEST (test_empty_buffers)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  MelOutput output;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  for (guint i = 0; i < 100; i++) {
    fail_unless_equals_int (
        mel_push (&f, x, 0, i % 2 ? MEL_NO_TIME : i * MEL_FRAME, 0),
        GST_FLOW_OK);
    mel_push (&f, x + i * 160, 160, i * MEL_FRAME, 0);
    fail_unless_equals_int (
        gst_harness_push (f.h, gst_buffer_new ()), GST_FLOW_OK);
  }
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (
      mel_assert_times (&output, 0, 0, SECOND, 10, 80), output.buffers->len);
  fail_unless (mel_error (&output, 0, x, SECOND, 80) <= 1e-4);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* 100 MB are nearly half an hour. */
GST_START_TEST (test_huge_buffer)
{
  gsize size = 100000000;
  GstBuffer *buffer = gst_buffer_new_wrapped (g_malloc0 (size), size);
  GstStructure *stats;
  guint64 frames;
  Mel f;

  mel_init (&f, NULL, NULL);
  gst_harness_set_drop_buffers (f.h, TRUE);
  g_object_set (f.element, "frames-per-buffer", 100, NULL);
  mel_set_caps (&f, MEL_F32_16K);
  GST_BUFFER_PTS (buffer) = 0;
  fail_unless_equals_int (gst_harness_push (f.h, buffer), GST_FLOW_OK);
  mel_eos (&f);
  fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
  g_object_get (f.element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, "frames", &frames));
  fail_unless_equals_uint64 (frames, (size / 4 + 159) / 160);
  gst_structure_free (stats);
  mel_clear (&f);
}
GST_END_TEST;

/* Bytes that make no whole frame are left out; no bytes of the next buffer take
 * their place. */
GST_START_TEST (test_half_frames)
{
  const gchar *caps = "audio/x-raw, format=S24LE, rate=48000, channels=5, "
                      "channel-mask=(bitmask)0, layout=interleaved";
  MelOutput output;
  Mel f;

  mel_init (&f, caps, NULL);
  for (guint i = 0; i < 100; i++) {
    gsize size = 480 * 15 + i % 15;
    GstBuffer *buffer = gst_buffer_new_wrapped (g_malloc0 (size), size);

    GST_BUFFER_PTS (buffer) = i * MEL_FRAME;
    fail_unless_equals_int (gst_harness_push (f.h, buffer), GST_FLOW_OK);
  }
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (
      mel_assert_times (&output, 0, 0, SECOND, 10, 80), output.buffers->len);
  mel_output_clear (&output);
  mel_clear (&f);
}
GST_END_TEST;

/* ---- samples ---- */

/* Whatever the rate: the frames that see such a sample, or see it through the
 * resampler, are finite, and the others are as they would be. */
GST_START_TEST (test_samples_that_are_no_numbers)
{
  static const gdouble bad[] = { NAN, INFINITY, -INFINITY, 1e300, -1e30 };
  static const gint rates[] = { 8000, 16000, 48000 };

  for (guint i = 0; i < G_N_ELEMENTS (rates) * G_N_ELEMENTS (bad); i++) {
    gint rate = rates[i % G_N_ELEMENTS (rates)];
    gchar *caps = g_strdup_printf (
        "audio/x-raw, format=F64LE, rate=%d, channels=2, layout=interleaved",
        rate);
    gdouble *x = g_new (gdouble, 4 * rate);
    MelOutput outputs[2];
    const gfloat *good, *found;

    for (gint j = 0; j < 4 * rate; j++)
      x[j] = mel_signal_at ((gdouble) (j / 2) / rate, j % 2);
    for (guint k = 0; k < 2; k++) {
      Mel f;

      x[rate] = k == 0 ? x[rate] : bad[i / G_N_ELEMENTS (rates)];
      mel_init (&f, caps, NULL);
      mel_push_cut (&f, x, 2 * rate, 1000, 0);
      mel_eos (&f);
      outputs[k] = mel_collect (&f);
      mel_clear (&f);
    }
    good = mel_frames (&outputs[0]);
    found = mel_frames (&outputs[1]);
    fail_unless_equals_int (outputs[0].bytes->len, outputs[1].bytes->len);
    for (guint j = 0; j < 202 * 80; j++) {
      /* frame 50 is there; the resampler spreads it over some 10 ms */
      fail_unless (isfinite (found[j]));
      fail_unless (good[j] == found[j] || (j / 80 >= 43 && j / 80 <= 57),
          "%g at %d Hz: frame %u", x[rate], rate, j / 80);
    }
    mel_output_clear (&outputs[0]);
    mel_output_clear (&outputs[1]);
    g_free (x);
    g_free (caps);
  }
}
GST_END_TEST;

/* ---- events and properties ---- */

static void
push_any (Mel *f, GRand *rand, const gfloat *x)
{
  GstClockTime pts =
      g_rand_int_range (rand, 0, 3) == 0
          ? MEL_NO_TIME
          : (guint) g_rand_int_range (rand, 0, 5) * 400 * GST_MSECOND;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  switch (g_rand_int_range (rand, 0, 12)) {
    case 0:
      gst_harness_push_event (f->h, gst_event_new_stream_start ("again"));
      break;
    case 1:
      gst_harness_push_event (f->h, gst_event_new_segment (&segment));
      break;
    case 2:
      gst_harness_push_event (f->h, gst_event_new_eos ());
      break;
    case 3:
      gst_harness_push_event (f->h, gst_event_new_flush_start ());
      break;
    case 4: /* perhaps without a start */
      gst_harness_push_event (
          f->h, gst_event_new_flush_stop (g_rand_boolean (rand)));
      gst_harness_push_event (f->h, gst_event_new_segment (&segment));
      break;
    case 5:
      gst_harness_push_event (
          f->h, gst_event_new_gap (g_rand_int_range (rand, 0, 3) * GST_SECOND,
                    g_rand_int_range (rand, 0, 3) * GST_SECOND));
      break;
    case 6:
      gst_harness_push_event (
          f->h, gst_event_new_tag (gst_tag_list_new_empty ()));
      break;
    case 7:
      gst_harness_push_event (
          f->h, gst_event_new_segment_done (GST_FORMAT_TIME, 0));
      break;
    default:
      mel_push (f, x, g_rand_int_range (rand, 0, 3000), pts,
          g_rand_boolean (rand) ? GST_BUFFER_FLAG_DISCONT : 0);
      break;
  }
}

/* Any events in any order, a hundred times; then a stream that is as good as
 * one of a new element. */
GST_START_TEST (test_storms)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);

  for (guint seed = 0; seed < 40; seed++) {
    GRand *rand = g_rand_new_with_seed (seed);
    GstSegment segment;
    MelOutput output;
    Mel f;

    mel_init (&f, MEL_F32_16K, NULL);
    for (guint i = 0; i < 100; i++)
      push_any (&f, rand, x);
    gst_harness_push_event (f.h, gst_event_new_flush_start ());
    gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
    output = mel_collect (&f);
    mel_output_clear (&output);
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (f.h, gst_event_new_segment (&segment));
    mel_push_cut (&f, x, SECOND, 1000, 0);
    mel_eos (&f);
    fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
    output = mel_collect (&f);
    fail_unless_equals_int (
        mel_assert_times (&output, 0, 0, SECOND, 10, 80), output.buffers->len);
    fail_unless (mel_error (&output, 0, x, SECOND, 80) <= 1e-4);
    mel_output_clear (&output);
    mel_clear (&f);
    g_rand_free (rand);
  }
  g_free (x);
}
GST_END_TEST;

/* A device that cannot be is refused with an error that names it. */
GST_START_TEST (test_absurd_devices)
{
  gchar *long_name = g_strnfill (100000, 'x');
  const gchar *names[] = { "", " ", "cpu ", "-1", long_name };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *element = gst_element_factory_make ("npumel", NULL);
    GstBus *bus = gst_bus_new ();
    GstMessage *message;

    gst_element_set_bus (element, bus);
    g_object_set (element, "device", names[i], NULL);
    fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
        GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    fail_unless (message != NULL, "device=%s", names[i]);
    gst_message_unref (message);
    fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
    /* NULL is the default again. */
    g_object_set (element, "device", NULL, NULL);
    fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
        GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_element_set_bus (element, NULL);
    gst_object_unref (bus);
    gst_object_unref (element);
  }
  g_free (long_name);
}
GST_END_TEST;

static Suite *
npumel_bad_suite (void)
{
  Suite *suite = suite_create ("npumel-bad");
  TCase *tcase = tcase_create ("bad");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_huge_jumps);
  tcase_add_test (tcase, test_endless_gaps);
  tcase_add_test (tcase, test_no_segment);
  tcase_add_test (tcase, test_empty_buffers);
  tcase_add_test (tcase, test_huge_buffer);
  tcase_add_test (tcase, test_half_frames);
  tcase_add_test (tcase, test_samples_that_are_no_numbers);
  tcase_add_test (tcase, test_storms);
  tcase_add_test (tcase, test_absurd_devices);
  return suite;
}

GST_CHECK_MAIN (npumel_bad);
