/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucaps.c: the media types, there and back, and what is none of them. */
#include <gst/check/gstcheck.h>

#include "gstnpucaps.h"

GST_START_TEST (test_there_and_back)
{
  static const GstNpuLogmelInfo infos[] = {
    { 80, 1, FALSE, FALSE },
    { 128, 3000, FALSE, FALSE },
    { 80, 3000, FALSE, TRUE },
    { 128, 3000, TRUE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (infos); i++) {
    GstCaps *caps = gst_npu_logmel_info_to_caps (&infos[i]);
    GstCaps *templates = gst_caps_from_string (
        GST_NPU_LOGMEL_STREAM_CAPS "; " GST_NPU_LOGMEL_WINDOW_CAPS);
    GstNpuLogmelInfo info;

    fail_unless (gst_caps_is_fixed (caps));
    fail_unless (gst_caps_is_subset (caps, templates));
    fail_unless (gst_npu_logmel_info_from_caps (&info, caps));
    fail_unless_equals_int (info.mels, infos[i].mels);
    fail_unless_equals_int (info.frames, infos[i].frames);
    fail_unless_equals_int (info.mel_major, infos[i].mel_major);
    fail_unless_equals_int (info.normalized, infos[i].normalized);
    gst_caps_unref (templates);
    gst_caps_unref (caps);
  }
}
GST_END_TEST;

/* Each differs from good caps in one field. */
GST_START_TEST (test_what_is_no_logmel)
{
  static const struct {
    const gchar *field, *value;
  } changes[] = {
    { "format", "(string)F32BE" },
    { "mels", "(int)40" },
    { "mels", "(int){ 80, 128 }" },
    { "rate", "(int)8000" },
    { "n-fft", "(int)512" },
    { "hop", "(int)100" },
    { "layout", "(string)mel-major" }, /* needs whole windows */
    { "layout", "(string)diagonal" },
    { "norm", "(string)whisper" }, /* needs whole windows */
    { "norm", "(string)zscore" },
    { "frames", "(int)0" },
    { "frames", "(int)3001" },
    { "frames", "(int)[ 1, 3000 ]" },
    { "frames", NULL },
  };
  const GstNpuLogmelInfo good = { 80, 10, FALSE, FALSE };
  GstNpuLogmelInfo info;
  GstCaps *any = gst_caps_new_any (), *empty = gst_caps_new_empty ();
  GstCaps *other = gst_caps_new_empty_simple ("audio/x-raw");

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    GstCaps *caps = gst_npu_logmel_info_to_caps (&good);
    GstStructure *structure = gst_caps_get_structure (caps, 0);

    fail_unless (gst_npu_logmel_info_from_caps (&info, caps));
    gst_structure_remove_field (structure, changes[i].field);
    if (changes[i].value != NULL) {
      gchar *text =
          g_strdup_printf ("x, %s=%s", changes[i].field, changes[i].value);
      GstStructure *change = gst_structure_from_string (text, NULL);

      gst_structure_set_value (structure, changes[i].field,
          gst_structure_get_value (change, changes[i].field));
      gst_structure_free (change);
      g_free (text);
    }
    fail_if (gst_npu_logmel_info_from_caps (&info, caps), "%s=%s",
        changes[i].field, changes[i].value);
    gst_caps_unref (caps);
  }
  fail_if (gst_npu_logmel_info_from_caps (&info, any));
  fail_if (gst_npu_logmel_info_from_caps (&info, empty));
  fail_if (gst_npu_logmel_info_from_caps (&info, other));
  gst_caps_unref (other);
  gst_caps_unref (empty);
  gst_caps_unref (any);
}
GST_END_TEST;

GST_START_TEST (test_limited_to_some_bands)
{
  GstCaps *templates = gst_caps_from_string (GST_NPU_LOGMEL_STREAM_CAPS);
  GstCaps *caps = gst_npu_logmel_caps_with_mels (templates, 128);
  GstCaps *none = gst_npu_logmel_caps_with_mels (templates, 100);
  gint mels;

  fail_unless (
      gst_structure_get_int (gst_caps_get_structure (caps, 0), "mels", &mels));
  fail_unless_equals_int (mels, 128);
  fail_unless (gst_caps_is_subset (caps, templates));
  fail_unless (gst_caps_is_empty (none));
  gst_caps_unref (none);
  gst_caps_unref (caps);
  gst_caps_unref (templates);
}
GST_END_TEST;

GST_START_TEST (test_hidden_states)
{
  const NpuEncoderShape shape = { 80, 512, 2048, 8, 6, 1500 };
  GstCaps *caps = gst_npu_hidden_caps_new ("base", &shape, 750);
  GstCaps *expected = gst_caps_from_string (
      "audio/x-whisper-hidden, format={F32LE,F16LE}, model=base, layers=6, "
      "width=512, positions=750");
  GstCaps *templates = gst_caps_from_string (GST_NPU_HIDDEN_CAPS);

  fail_unless (gst_caps_is_equal (caps, expected));
  fail_unless (gst_caps_is_subset (caps, templates));
  gst_caps_unref (templates);
  gst_caps_unref (expected);
  gst_caps_unref (caps);
}
GST_END_TEST;

static Suite *
npucaps_suite (void)
{
  Suite *suite = suite_create ("npucaps");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_there_and_back);
  tcase_add_test (tcase, test_what_is_no_logmel);
  tcase_add_test (tcase, test_limited_to_some_bands);
  tcase_add_test (tcase, test_hidden_states);
  return suite;
}

GST_CHECK_MAIN (npucaps);
