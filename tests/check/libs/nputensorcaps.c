/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nputensorcaps.c: caps that NNStreamer's elements link to. */
#include <gst/check/gstcheck.h>

#include "gstnputensorcaps.h"

static const guint dims[] = { 512, 1500 };

GST_START_TEST (test_every_spelling)
{
  static const gchar *const spellings[] = { "512:1500", "512:1500:1",
    "512:1500:1:1" };
  GstCaps *caps = gst_npu_tensor_caps_new (dims, 2);

  fail_unless_equals_int (gst_caps_get_size (caps), 3);
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++) {
    GstStructure *structure = gst_caps_get_structure (caps, i);
    gchar *text = g_strdup_printf (
        "other/tensors, format=(string)static, num_tensors=(int)1, "
        "types=(string)float32, dimensions=(string)%s, "
        "framerate=(fraction)[ 0/1, 2147483647/1 ]",
        spellings[i]);
    GstStructure *expected = gst_structure_from_string (text, NULL);

    fail_unless (gst_structure_is_equal (structure, expected), "%s", text);
    gst_structure_free (expected);
    g_free (text);
  }
  gst_caps_unref (caps);
}
GST_END_TEST;

/* What tensor_filter, tensor_sink and tensor_transform have for templates, and
 * what a tensor_filter asks for whose model is known. */
GST_START_TEST (test_links_to_nnstreamer)
{
  static const gchar *const peers[] = {
    "other/tensor, framerate=(fraction)[ 0, max ]; other/tensors, "
    "format=(string)static, num_tensors=(int)[ 1, 16 ], "
    "framerate=(fraction)[ 0, max ]",
    "other/tensors, format=(string){ static, flexible }, "
    "framerate=(fraction)[ 0, max ]",
    "other/tensors, format=(string)static, num_tensors=(int)1, "
    "types=(string)float32, dimensions=(string)512:1500:1:1, "
    "framerate=(fraction)[ 0, max ]",
    "other/tensors, format=(string)static, num_tensors=(int)1, "
    "types=(string)float32, dimensions=(string)512:1500:1, "
    "framerate=(fraction)30/1",
  };
  static const gchar *const strangers[] = {
    "other/tensors, format=(string)flexible",
    "other/tensors, format=(string)static, dimensions=(string)1500:512",
    "other/tensors, format=(string)static, types=(string)uint8",
    "other/tensors, format=(string)static, num_tensors=(int)2",
  };
  GstCaps *caps = gst_npu_tensor_caps_new (dims, 2);

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++) {
    GstCaps *peer = gst_caps_from_string (peers[i]);
    GstCaps *common =
        gst_caps_intersect_full (caps, peer, GST_CAPS_INTERSECT_FIRST);

    fail_if (gst_caps_is_empty (common), "%s", peers[i]);
    common = gst_caps_fixate (common);
    fail_unless (gst_npu_tensor_caps_match (common, dims, 2), "%s", peers[i]);
    gst_caps_unref (common);
    gst_caps_unref (peer);
  }
  for (guint i = 0; i < G_N_ELEMENTS (strangers); i++) {
    GstCaps *peer = gst_caps_from_string (strangers[i]);

    fail_if (gst_caps_can_intersect (caps, peer), "%s", strangers[i]);
    gst_caps_unref (peer);
  }
  gst_caps_unref (caps);
}
GST_END_TEST;

GST_START_TEST (test_variable_frame_rate)
{
  GstCaps *caps = gst_caps_fixate (gst_npu_tensor_caps_new (dims, 2));
  gint numerator, denominator;

  fail_unless (gst_structure_get_fraction (
      gst_caps_get_structure (caps, 0), "framerate", &numerator, &denominator));
  fail_unless_equals_int (numerator, 0);
  fail_unless_equals_int (denominator, 1);
  gst_caps_unref (caps);
}
GST_END_TEST;

GST_START_TEST (test_match)
{
  const guint swapped[] = { 1500, 512 }, padded[] = { 512, 1500, 1 };
  GstCaps *open = gst_npu_tensor_caps_new (dims, 2);
  GstCaps *fixed = gst_caps_fixate (gst_npu_tensor_caps_new (padded, 3));
  GstCaps *other = gst_caps_new_empty_simple ("audio/x-logmel");

  fail_if (gst_npu_tensor_caps_match (open, dims, 2)); /* not fixed */
  fail_unless (gst_npu_tensor_caps_match (fixed, dims, 2));
  fail_unless (gst_npu_tensor_caps_match (fixed, padded, 3));
  fail_if (gst_npu_tensor_caps_match (fixed, swapped, 2));
  fail_if (gst_npu_tensor_caps_match (other, dims, 2));
  gst_caps_unref (other);
  gst_caps_unref (fixed);
  gst_caps_unref (open);
}
GST_END_TEST;

static Suite *
nputensorcaps_suite (void)
{
  Suite *suite = suite_create ("nputensorcaps");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_every_spelling);
  tcase_add_test (tcase, test_links_to_nnstreamer);
  tcase_add_test (tcase, test_variable_frame_rate);
  tcase_add_test (tcase, test_match);
  return suite;
}

GST_CHECK_MAIN (nputensorcaps);
