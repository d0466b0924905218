/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_NPU_CONTEXT_H
#define GST_NPU_CONTEXT_H

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_NPU_CONTEXT (gst_npu_context_get_type ())
G_DECLARE_FINAL_TYPE (
    GstNpuContext, gst_npu_context, GST, NPU_CONTEXT, GstObject)

/**
 * GST_NPU_CONTEXT_TYPE:
 *
 * Type of the #GstContext that carries a #GstNpuContext from element to
 * element.  Its structure has the fields "context" (#GstNpuContext) and
 * "device" (string).
 *
 * Since: 0.1
 */
#define GST_NPU_CONTEXT_TYPE "gst.npu.context"

GstNpuContext *gst_npu_context_new (const gchar *device, GError **error);
const gchar *gst_npu_context_get_device (GstNpuContext *context);
gboolean gst_npu_context_is_hardware (GstNpuContext *context);
GstStructure *gst_npu_context_get_stats (GstNpuContext *context);
GstContext *gst_context_new_npu_context (
    GstNpuContext *context, gboolean persistent);

G_END_DECLS
#endif /* GST_NPU_CONTEXT_H */
