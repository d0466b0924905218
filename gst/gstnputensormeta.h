/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputensormeta.h: GstTensorMeta, by which GStreamer's analytics elements
 * (1.28 and later) hand on tensors.  Where the plugin is built without
 * gstreamer-analytics-1.0, nobody is found to want it.
 */
#ifndef GST_NPU_TENSOR_META_H
#define GST_NPU_TENSOR_META_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Whether downstream asks for the meta in its answer to an allocation query. */
gboolean gst_npu_tensor_meta_is_wanted (GstQuery *allocation);

/* Describes the contents of the writable @buffer as one dense float32 tensor
 * [1][@rows][@columns], named @id. */
void gst_npu_tensor_meta_add (
    GstBuffer *buffer, const gchar *id, gsize rows, gsize columns);

G_END_DECLS
#endif /* GST_NPU_TENSOR_META_H */
