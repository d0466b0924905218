/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhispercaps.c: what npuwhisperenc's pads take and give.  Who sends or
 * takes anything gets frame by frame in, 32-bit floats out.
 */
#include "gstnpuwhispercaps.h"

#include "gstnpucaps.h"
#include "gstnputensorcaps.h"
#include "whispermel.h"

/* The model decides on the dimensions. */
#define TENSOR_CAPS                                                            \
  GST_NPU_TENSOR_MEDIA_TYPE                                                    \
  ", format=(string)static, num_tensors=(int)1, types=(string)float32, "       \
  "framerate=(fraction)[0/1,2147483647/1]"

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_NPU_HIDDEN_CAPS "; " TENSOR_CAPS));

static GstCaps *
logmel_caps_new (void)
{
  return gst_caps_from_string (
      GST_NPU_LOGMEL_STREAM_CAPS "; " GST_NPU_LOGMEL_WINDOW_CAPS);
}

void
gst_npu_whisper_caps_add_templates (GstElementClass *element_class)
{
  GstCaps *caps = logmel_caps_new ();

  gst_caps_append (caps, gst_npu_logmel_tensor_caps_new ());
  /* Simplified for the reader: a list of dimensions. */
  caps = gst_caps_simplify (caps);
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_caps_unref (caps);
}

GstCaps *
gst_npu_whisper_caps_sink (const NpuEncoderShape *shape)
{
  const guint frame_major[] = { shape->n_mels, WHISPER_MEL_FRAMES };
  const guint mel_major[] = { WHISPER_MEL_FRAMES, shape->n_mels };
  GstCaps *any = logmel_caps_new ();
  GstCaps *caps = gst_npu_logmel_caps_with_mels (any, (gint) shape->n_mels);

  gst_caps_append (caps, gst_npu_tensor_caps_new (frame_major, 2));
  gst_caps_append (caps, gst_npu_tensor_caps_new (mel_major, 2));
  gst_caps_unref (any);
  return caps;
}

GstCaps *
gst_npu_whisper_caps_src (
    const gchar *model, const NpuEncoderShape *shape, guint positions)
{
  const guint dims[] = { shape->width, positions };
  GstCaps *caps = gst_npu_hidden_caps_new (model, shape, positions);

  gst_caps_append (caps, gst_npu_tensor_caps_new (dims, 2));
  return caps;
}

gboolean
gst_npu_whisper_caps_are_known (const GstCaps *caps)
{
  const GstStructure *structure;

  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return FALSE;
  structure = gst_caps_get_structure (caps, 0);
  return gst_structure_has_name (structure, GST_NPU_LOGMEL_MEDIA_TYPE)
         || gst_structure_has_name (structure, GST_NPU_TENSOR_MEDIA_TYPE);
}

gboolean
gst_npu_whisper_caps_are_half (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);

  return g_strcmp0 (gst_structure_get_string (structure, "format"), "F16LE")
         == 0;
}
