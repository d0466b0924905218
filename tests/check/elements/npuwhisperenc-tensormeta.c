/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npuwhisperenc-tensormeta.c: states described by GStreamer's own tensor meta. */
#define GST_USE_UNSTABLE_API
#include <gst/analytics/analytics.h>

#include "../encoderfixture.h"

#define POSITIONS 50

static void
init (Enc *f, const gchar *sink_caps, gboolean wanted)
{
  GstElement *element = enc_new (MODEL);

  g_object_set (element, "audio-ctx", POSITIONS, NULL);
  enc_init_with (f, element);
  if (wanted)
    gst_harness_add_propose_allocation_meta (
        f->h, GST_TENSOR_META_API_TYPE, NULL);
  gst_harness_set_caps_str (f->h, MEL_CAPS, sink_caps);
}

/* Several windows: buffers come from a pool, and have one meta each. */
GST_START_TEST (test_states)
{
  static const gchar *const wishes[] = { "ANY", "other/tensors" };
  gsize dims[] = { 1, POSITIONS, WIDTH };

  for (guint i = 0; i < G_N_ELEMENTS (wishes); i++) {
    Enc f;

    init (&f, wishes[i], TRUE);
    for (guint n = 0; n < 5; n++) {
      GstBuffer *buffer;
      GstTensorMeta *meta;
      const GstTensor *tensor;
      GstMapInfo values, map;

      enc_push_frames (&f, 100 * n, 100, 10);
      buffer = gst_harness_pull (f.h);
      meta = gst_buffer_get_tensor_meta (buffer);
      fail_unless (meta != NULL);
      fail_unless_equals_int (
          gst_buffer_get_n_meta (buffer, GST_TENSOR_META_API_TYPE), 1);
      tensor = gst_tensor_meta_get_typed_tensor (meta,
          g_quark_from_static_string ("whisper-hidden-states"),
          GST_TENSOR_DATA_TYPE_FLOAT32, GST_TENSOR_DIM_ORDER_ROW_MAJOR, 3,
          dims);
      fail_unless (tensor != NULL);
      /* The very bytes of the buffer. */
      fail_unless (gst_buffer_map (tensor->data, &values, GST_MAP_READ));
      fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
      fail_unless (values.data == map.data && values.size == map.size);
      gst_buffer_unmap (buffer, &map);
      gst_buffer_unmap (tensor->data, &values);
      gst_buffer_unref (buffer);
    }
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_nobody_asks)
{
  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer;
    Enc f;

    init (&f, i == 0 ? "ANY" : "audio/x-whisper-hidden, format=F16LE", i == 1);
    enc_push_frames (&f, 0, 100, 10);
    buffer = gst_harness_pull (f.h);
    fail_unless (gst_buffer_get_tensor_meta (buffer) == NULL);
    gst_buffer_unref (buffer);
    enc_clear (&f);
  }
}
GST_END_TEST;

static Suite *
npuwhisperenc_tensormeta_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_tensormeta");
  TCase *tc = tcase_create ("meta");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_states);
  tcase_add_test (tc, test_nobody_asks);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_tensormeta);
