/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuelement.h: what both elements do as GStreamer elements: find their
 * device and tell errors.
 */
#ifndef GST_NPU_ELEMENT_H
#define GST_NPU_ELEMENT_H

#include "gstnpucontext.h"

G_BEGIN_DECLS

/* Posts @error as it is if its domain is one of GStreamer's, else with @domain,
 * @code and @text, which says what the user can do. */
void gst_npu_element_post_error (GstElement *element, const GError *error,
    GQuark domain, gint code, const gchar *text);

/* gst_npu_ensure_element_context(); FALSE after an error was posted. */
gboolean gst_npu_element_ensure_context (
    GstElement *element, const gchar *device, GstNpuContext **context_ptr);

G_END_DECLS
#endif /* GST_NPU_ELEMENT_H */
