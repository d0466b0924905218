/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpuwhispercaps.c: what npuwhisperenc's pads take and give. */
#include "gstnpuwhispercaps.h"

#include "gstnpucaps.h"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_NPU_LOGMEL_STREAM_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_NPU_HIDDEN_CAPS));

GstCaps *
gst_npu_whisper_caps_any (GstPadDirection direction)
{
  return gst_static_pad_template_get_caps (
      direction == GST_PAD_SINK ? &sink_template : &src_template);
}

void
gst_npu_whisper_caps_add_templates (GstElementClass *element_class)
{
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
}

GstCaps *
gst_npu_whisper_caps_sink (const NpuEncoderShape *shape)
{
  GstCaps *any = gst_npu_whisper_caps_any (GST_PAD_SINK);
  GstCaps *caps = gst_npu_logmel_caps_with_mels (any, (gint) shape->n_mels);

  gst_caps_unref (any);
  return caps;
}

GstCaps *
gst_npu_whisper_caps_src (
    const gchar *model, const NpuEncoderShape *shape, guint positions)
{
  return gst_npu_hidden_caps_new (model, shape, positions);
}
