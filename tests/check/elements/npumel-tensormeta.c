/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npumel-tensormeta.c: windows described by GStreamer's own tensor meta. */
#define GST_USE_UNSTABLE_API
#include <gst/analytics/analytics.h>

#include "../melfixture.h"

#define SECOND 16000

static GstBuffer *
first_buffer (const gchar *sink_caps, gboolean wanted)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  GstBuffer *buffer;
  Mel f;

  mel_init (&f, NULL, sink_caps);
  if (wanted)
    gst_harness_add_propose_allocation_meta (
        f.h, GST_TENSOR_META_API_TYPE, NULL);
  mel_set_caps (&f, MEL_F32_16K);
  mel_push (&f, x, SECOND, 0, 0);
  mel_eos (&f);
  buffer = gst_harness_pull (f.h);
  mel_clear (&f);
  g_free (x);
  return buffer;
}

GST_START_TEST (test_windows)
{
  static const struct {
    const gchar *sink;
    gsize dims[3];
  } cases[] = {
    { "audio/x-logmel, norm=whisper, layout=mel-major, mels=80",
        { 1, 80, 3000 } },
    { "audio/x-logmel, norm=whisper, layout=frame-major, mels=128",
        { 1, 3000, 128 } },
    { "other/tensors, dimensions=(string)3000:80:1", { 1, 80, 3000 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer = first_buffer (cases[i].sink, TRUE);
    GstTensorMeta *meta = gst_buffer_get_tensor_meta (buffer);
    const GstTensor *tensor;
    GstMapInfo values, map;

    fail_unless (meta != NULL);
    fail_unless_equals_int (meta->num_tensors, 1);
    tensor = gst_tensor_meta_get_typed_tensor (meta,
        g_quark_from_static_string ("whisper-log-mel"),
        GST_TENSOR_DATA_TYPE_FLOAT32, GST_TENSOR_DIM_ORDER_ROW_MAJOR, 3,
        cases[i].dims);
    fail_unless (tensor != NULL, "%s", cases[i].sink);
    /* The very bytes of the buffer. */
    fail_unless (gst_buffer_map (tensor->data, &values, GST_MAP_READ));
    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    fail_unless (values.data == map.data && values.size == map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unmap (tensor->data, &values);
    gst_buffer_unref (buffer);
  }
}
GST_END_TEST;

GST_START_TEST (test_nobody_asks)
{
  GstBuffer *window = first_buffer ("audio/x-logmel, norm=whisper", FALSE);
  GstBuffer *frames = first_buffer ("audio/x-logmel, norm=none", TRUE);

  fail_unless (gst_buffer_get_tensor_meta (window) == NULL);
  fail_unless (gst_buffer_get_tensor_meta (frames) == NULL);
  gst_buffer_unref (frames);
  gst_buffer_unref (window);
}
GST_END_TEST;

static Suite *
npumel_tensormeta_suite (void)
{
  Suite *suite = suite_create ("npumel-tensormeta");
  TCase *tcase = tcase_create ("meta");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_windows);
  tcase_add_test (tcase, test_nobody_asks);
  return suite;
}

GST_CHECK_MAIN (npumel_tensormeta);
