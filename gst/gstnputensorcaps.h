/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputensorcaps.h: other/tensors, NNStreamer's media type, for one dense
 * float32 tensor to a buffer.
 */
#ifndef GST_NPU_TENSOR_CAPS_H
#define GST_NPU_TENSOR_CAPS_H

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_NPU_TENSOR_MEDIA_TYPE "other/tensors"
#define GST_NPU_TENSOR_MAX_DIMS 4 /* that every version of NNStreamer knows */

/* (transfer full): a tensor of @dims, innermost first: a C array [1500][512] is
 * { 512, 1500 }.  One structure for each spelling of it, shortest first. */
GstCaps *gst_npu_tensor_caps_new (const guint *dims, guint n_dims);

/* Whether the fixed @caps stand for a tensor of @dims, however spelled. */
gboolean gst_npu_tensor_caps_match (
    const GstCaps *caps, const guint *dims, guint n_dims);

G_END_DECLS
#endif /* GST_NPU_TENSOR_CAPS_H */
