/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuwhisperenc-states.c: hidden states against a double-precision reference,
 * bad values, and the element's own figures.
 */
#include <math.h>
#include <string.h>

#include "../encoderfixture.h"
#include "npubackend.h"

/* ---- results ----------------------------------------------------------- */

GST_START_TEST (test_states_of_a_whole_window)
{
  enc_check_states (MODEL, 1500, 3000);
}
GST_END_TEST;

GST_START_TEST (test_states_of_a_padded_window)
{
  enc_check_states (MODEL, 300, 217);
  enc_check_states (MODEL, 101, 1);
  enc_check_states (MODEL, 1, 2);
}
GST_END_TEST;

/* Several heads. */
GST_START_TEST (test_states_of_a_wider_model)
{
  enc_check_states ("synthetic:tiny", 50, 70);
}
GST_END_TEST;

/* What is no number counts as silence, and the states stay finite. */
GST_START_TEST (test_values_that_are_no_log_mel)
{
  static const gfloat bad[] = { NAN, -NAN, INFINITY, -INFINITY, -3e38f, -11 };
  gfloat *expected = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad) + 2; i++) {
    GstBuffer *buffer = enc_frames_new (0, 300, 0, 3 * GST_SECOND);
    gfloat value = i == 0 ? -10 : i <= G_N_ELEMENTS (bad) ? bad[i - 1] : 3e38f;
    gfloat *states;
    Enc f;
    gsize n;

    for (guint at = 0; at < 1000; at += 7)
      gst_buffer_fill (buffer, at * sizeof (gfloat), &value, sizeof (value));
    enc_init (&f);
    enc_push (&f, buffer);
    enc_push_eos (&f);
    states = enc_pull_states (&f, &n);
    for (gsize j = 0; j < n; j++)
      fail_unless (isfinite (states[j]), "value %g", value);
    if (i == 0)
      expected = g_steal_pointer (&states);
    else if (i <= G_N_ELEMENTS (bad))
      fail_unless (
          memcmp (states, expected, STATES_SIZE) == 0, "value %g", value);
    g_free (states);
    enc_clear (&f);
  }
  g_free (expected);
}
GST_END_TEST;

GST_START_TEST (test_buffer_of_broken_frames)
{
  static const gsize sizes[] = { 1, 319, 321, 4096 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    Enc f;

    enc_init (&f);
    enc_push_frames (&f, 0, 100, 10);
    fail_unless_equals_int (
        gst_harness_push (f.h, gst_buffer_new_allocate (NULL, sizes[i], NULL)),
        GST_FLOW_ERROR);
    enc_assert_error (&f, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
    enc_push_eos (&f);
    enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
    enc_clear (&f);
  }
}
GST_END_TEST;

/* ---- figures ----------------------------------------------------------- */

static void
assert_totals (const GstStructure *s)
{
  gdouble realtime;

  fail_unless_equals_uint64 (enc_get_uint64 (s, "windows"), 2);
  fail_unless_equals_uint64 (enc_get_uint64 (s, "frames"), 3502);
  fail_unless_equals_uint64 (enc_get_uint64 (s, "audio-ns"), 35 * GST_SECOND);
  fail_unless (enc_get_uint64 (s, "encoder-ns") > 0);
  fail_unless (gst_structure_get_double (s, "realtime", &realtime));
  fail_unless (fabs (realtime - 35e9 / enc_get_uint64 (s, "encoder-ns"))
               < 1e-6 * realtime);
  fail_unless_equals_string (gst_structure_get_string (s, "device"), "cpu");
  fail_unless_equals_string (gst_structure_get_string (s, "precision"), "f32");
  fail_unless_equals_string (
      gst_structure_get_string (s, "model"), "synthetic-test");
}

static void
assert_stage (const GstStructure *stats, const gchar *name)
{
  GstStructure *stage = NULL;

  fail_unless (
      gst_structure_get (stats, name, GST_TYPE_STRUCTURE, &stage, NULL));
  fail_unless_equals_uint64 (enc_get_uint64 (stage, "count"), 2);
  fail_unless (enc_get_uint64 (stage, "p50") <= enc_get_uint64 (stage, "max"));
  gst_structure_free (stage);
}

static void
assert_operations (const GstStructure *stats)
{
  GstStructure *last = NULL;

  fail_unless (gst_structure_get (
      stats, "last-window", GST_TYPE_STRUCTURE, &last, NULL));
  fail_unless_equals_int (gst_structure_n_fields (last), NPU_N_OPS);
  for (guint op = 0; op < NPU_N_OPS; op++)
    fail_unless (enc_get_uint64 (last, npu_op_name (op)) > 0);
  gst_structure_free (last);
}

/* The stages follow each other without a gap. */
static void
assert_parts_make_total (const GstStructure *stats)
{
  static const gchar *const parts[] = { "wait", "queue", "upload", "run",
    "download" };
  guint64 sum = 0;
  GstStructure *stage;

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    assert_stage (stats, parts[i]);
    fail_unless (
        gst_structure_get (stats, parts[i], GST_TYPE_STRUCTURE, &stage, NULL));
    sum += enc_get_uint64 (stage, "total");
    gst_structure_free (stage);
  }
  assert_stage (stats, "total");
  fail_unless (
      gst_structure_get (stats, "total", GST_TYPE_STRUCTURE, &stage, NULL));
  fail_unless_equals_uint64 (enc_get_uint64 (stage, "total"), sum);
  gst_structure_free (stage);
}

GST_START_TEST (test_figures)
{
  Enc f;
  GstMessage *message;
  GstStructure *stats;

  enc_init (&f);
  enc_push_frames (&f, 0, 3500, 10);
  enc_push_tail (&f, 3500);
  enc_push_eos (&f);

  message = enc_pop_message (&f, GST_MESSAGE_ELEMENT);
  fail_unless (message != NULL);
  fail_unless (gst_message_has_name (message, "npu-stats"));
  assert_totals (gst_message_get_structure (message));
  gst_message_unref (message);

  g_object_get (f.element, "stats", &stats, NULL);
  assert_totals (stats);
  assert_parts_make_total (stats);
  assert_operations (stats);
  gst_structure_free (stats);
  enc_clear (&f);
}
GST_END_TEST;

/* Every nanosecond: with each buffer that comes, and at the end. */
GST_START_TEST (test_figures_while_data_flow)
{
  guint64 interval;
  GstMessage *message;
  guint n = 0;
  Enc f;

  enc_init (&f);
  g_object_get (f.element, "stats-interval", &interval, NULL);
  fail_unless_equals_uint64 (interval, 0);
  enc_push_frames (&f, 0, 20, 10);
  fail_unless (enc_pop_message (&f, GST_MESSAGE_ELEMENT) == NULL);
  g_object_set (f.element, "stats-interval", (guint64) 1, NULL);
  enc_push_frames (&f, 20, 20, 10);
  while ((message = enc_pop_message (&f, GST_MESSAGE_ELEMENT)) != NULL) {
    fail_unless (gst_message_has_name (message, "npu-stats"));
    gst_message_unref (message);
    n++;
  }
  fail_unless (n >= 2);
  g_object_set (f.element, "stats-interval", 3600 * GST_SECOND, NULL);
  enc_push_frames (&f, 40, 20, 10);
  fail_unless (enc_pop_message (&f, GST_MESSAGE_ELEMENT) == NULL);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_active_properties)
{
  GstElement *element = enc_new (MODEL);

  enc_assert_active (element, NULL, NULL, NULL);
  enc_assert_state (element, GST_STATE_READY);
  enc_assert_active (element, "synthetic-test", "f32", "cpu");
  /* a change in READY still counts */
  g_object_set (element, "model", "synthetic:tiny", NULL);
  gst_util_set_object_arg (G_OBJECT (element), "precision", "f32");
  enc_assert_state (element, GST_STATE_PAUSED);
  enc_assert_active (element, "synthetic-tiny", "f32", "cpu");
  enc_assert_state (element, GST_STATE_NULL);
  enc_assert_active (element, NULL, NULL, NULL);
  gst_object_unref (element);
}
GST_END_TEST;

static Suite *
npuwhisperenc_states_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_states");
  TCase *tc = tcase_create ("results");

  tcase_add_test (tc, test_states_of_a_whole_window);
  tcase_add_test (tc, test_states_of_a_padded_window);
  tcase_add_test (tc, test_states_of_a_wider_model);
  tcase_add_test (tc, test_values_that_are_no_log_mel);
  tcase_add_test (tc, test_buffer_of_broken_frames);
  tcase_add_test (tc, test_figures);
  tcase_add_test (tc, test_figures_while_data_flow);
  tcase_add_test (tc, test_active_properties);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_states)
