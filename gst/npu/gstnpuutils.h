/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_NPU_UTILS_H
#define GST_NPU_UTILS_H

#include "gstnpucontext.h"

G_BEGIN_DECLS

gboolean gst_npu_ensure_element_context (GstElement *element,
    const gchar *device, GstNpuContext **context_ptr, GError **error);
gboolean gst_npu_handle_set_context (GstElement *element, GstContext *context,
    const gchar *device, GstNpuContext **context_ptr);
gboolean gst_npu_handle_context_query (
    GstElement *element, GstQuery *query, GstNpuContext *context);

G_END_DECLS
#endif /* GST_NPU_UTILS_H */
