/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_NPU_MEL_H
#define GST_NPU_MEL_H

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_NPU_MEL (gst_npu_mel_get_type ())
G_DECLARE_FINAL_TYPE (GstNpuMel, gst_npu_mel, GST, NPU_MEL, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (npumel)

G_END_DECLS
#endif /* GST_NPU_MEL_H */
