/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhispercaps.h: what npuwhisperenc's pads take and give, best first.
 */
#ifndef GST_NPU_WHISPER_CAPS_H
#define GST_NPU_WHISPER_CAPS_H

#include <gst/gst.h>

#include "npubackend.h"

G_BEGIN_DECLS

void gst_npu_whisper_caps_add_templates (GstElementClass *element_class);

/* (transfer full): what an encoder of @shape takes … */
GstCaps *gst_npu_whisper_caps_sink (const NpuEncoderShape *shape);
/* … and gives from windows of @positions. */
GstCaps *gst_npu_whisper_caps_src (
    const gchar *model, const NpuEncoderShape *shape, guint positions);

/* Whether @caps are of a media type that the sink pad knows. */
gboolean gst_npu_whisper_caps_are_known (const GstCaps *caps);
/* Whether the fixed @caps of the source pad mean 16-bit floats. */
gboolean gst_npu_whisper_caps_are_half (const GstCaps *caps);

G_END_DECLS
#endif /* GST_NPU_WHISPER_CAPS_H */
