/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpupool.h: output buffers, from a pool or one by one, for elements on
 * GstBaseTransform that make their buffers themselves.
 */
#ifndef GST_NPU_POOL_H
#define GST_NPU_POOL_H

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

/* For decide_allocation(): answers @query with a pool of our own for buffers of
 * @size bytes, in the memory that downstream asks for, aligned for kernels. */
void gst_npu_pool_decide (GstQuery *query, guint size);

/* A buffer from the pool that was decided on. */
GstFlowReturn gst_npu_pool_acquire (
    GstBaseTransform *trans, GstBuffer **buffer);

/* A buffer of any size, in the memory that downstream asks for; NULL after an
 * error was posted. */
GstBuffer *gst_npu_pool_new_buffer (GstBaseTransform *trans, gsize size);

G_END_DECLS
#endif /* GST_NPU_POOL_H */
