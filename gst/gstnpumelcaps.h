/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpumelcaps.h: what npumel's pads take and give. */
#ifndef GST_NPU_MEL_CAPS_H
#define GST_NPU_MEL_CAPS_H

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

void gst_npu_mel_caps_add_templates (GstElementClass *element_class);

/* GstBaseTransformClass.transform_caps(): any audio becomes any output. */
GstCaps *gst_npu_mel_caps_transform (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter);

/* (transfer full) (transfer full): of what downstream takes, 80 bands and
 * @frames frames to a buffer, or as near as can be. */
GstCaps *gst_npu_mel_caps_fixate_src (GstCaps *caps, guint frames);

G_END_DECLS
#endif /* GST_NPU_MEL_CAPS_H */
