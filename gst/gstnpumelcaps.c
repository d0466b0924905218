/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpumelcaps.c: what npumel's pads take and give, best first: who takes
 * anything gets audio/x-logmel frame by frame.
 */
#include "gstnpumelcaps.h"

#include <gst/audio/audio.h>

#include "gstnpucaps.h"

#define DEFAULT_MELS 80

/* What needs no conversion first. */
#define SINK_CAPS                                                              \
  "audio/x-raw, format=(string)" GST_AUDIO_NE (                                \
      F32) ", rate=(int)16000, channels=(int)1, layout=(string)interleaved; "  \
           "audio/x-raw, format=(string)" GST_AUDIO_FORMATS_ALL                \
           ", rate=(int)[8000,192000], channels=(int)[1,8], "                  \
           "layout=(string){interleaved,non-interleaved}"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (SINK_CAPS));

static GstCaps *
src_caps_new (void)
{
  GstCaps *caps = gst_caps_from_string (
      GST_NPU_LOGMEL_STREAM_CAPS "; " GST_NPU_LOGMEL_WINDOW_CAPS);

  gst_caps_append (caps, gst_npu_logmel_tensor_caps_new ());
  return caps;
}

void
gst_npu_mel_caps_add_templates (GstElementClass *element_class)
{
  /* Simplified for the reader: a list of dimensions. */
  GstCaps *caps = gst_caps_simplify (src_caps_new ());

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);
}

GstCaps *
gst_npu_mel_caps_transform (GstBaseTransform *trans, GstPadDirection direction,
    GstCaps *caps, GstCaps *filter)
{
  GstCaps *result = direction == GST_PAD_SINK
                        ? src_caps_new ()
                        : gst_static_pad_template_get_caps (&sink_template);

  if (filter != NULL) {
    GstCaps *limited =
        gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (result);
    result = limited;
  }
  return result;
}

GstCaps *
gst_npu_mel_caps_fixate_src (GstCaps *caps, guint frames)
{
  GstStructure *structure;

  caps = gst_caps_truncate (caps);
  if (gst_caps_is_empty (caps))
    return caps;
  caps = gst_caps_make_writable (caps);
  structure = gst_caps_get_structure (caps, 0);
  if (gst_structure_has_name (structure, GST_NPU_LOGMEL_MEDIA_TYPE)) {
    gst_structure_fixate_field_nearest_int (structure, "mels", DEFAULT_MELS);
    gst_structure_fixate_field_nearest_int (structure, "frames", frames);
  }
  return gst_caps_fixate (caps);
}
