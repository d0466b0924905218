/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuutils.h: the context protocol, for elements that use a device.
 *
 * An element keeps a GstNpuContext * field, guarded by its OBJECT_LOCK, and
 * calls gst_npu_ensure_element_context() in NULL→READY (start() would be too
 * late), gst_npu_handle_set_context() in GstElementClass.set_context() before it
 * chains up, and gst_npu_handle_context_query() for GST_QUERY_CONTEXT on its
 * pads.  It drops the field in READY→NULL.
 */
#ifndef GST_NPU_UTILS_H
#define GST_NPU_UTILS_H

#include "gstnpucontext.h"

G_BEGIN_DECLS

/**
 * gst_npu_ensure_element_context:
 * @element: a #GstElement, in NULL→READY
 * @device: (nullable): the device that it wants; %NULL or "auto": any
 * @context_ptr: (inout) (nullable) (transfer full): its context field, written
 *     under the OBJECT_LOCK, and only from %NULL to a value
 * @error: return location for an error
 *
 * Finds a context for @element: (1) the one it has already, (2) downstream,
 * (3) upstream, (4) from a bin or the application, by a NEED_CONTEXT message,
 * or (5) makes one and tells the pipeline so.  A neighbour's context of another
 * device is passed over; an application's is an error.
 *
 * Any thread; blocks while a device is opened or another element looks for a
 * context.  No lock of @element may be held.
 *
 * Returns: %TRUE if *@context_ptr is set now and has @device; %FALSE with @error
 *     set: as gst_npu_context_new(), or %GST_RESOURCE_ERROR_SETTINGS if the
 *     element or its pipeline was given a context of another device
 *
 * Since: 0.1
 */
gboolean gst_npu_ensure_element_context (GstElement *element,
    const gchar *device, GstNpuContext **context_ptr, GError **error);

/**
 * gst_npu_handle_set_context:
 * @element: a #GstElement, in its set_context()
 * @context: (nullable): what it was given
 * @device: (nullable): the device that it wants; %NULL or "auto": any
 * @context_ptr: (inout) (nullable) (transfer full): its context field
 *
 * Any thread.  Takes the #GstNpuContext out of @context, if it is one and the element has
 * none yet.  A context for another device is refused.
 *
 * Returns: %FALSE if @context has another device than @device
 *
 * Since: 0.1
 */
gboolean gst_npu_handle_set_context (GstElement *element, GstContext *context,
    const gchar *device, GstNpuContext **context_ptr);

/**
 * gst_npu_handle_context_query:
 * @element: a #GstElement
 * @query: a %GST_QUERY_CONTEXT query
 * @context: (nullable): the element's context; the caller holds a reference
 *
 * Answers @query if it asks for our type and there is a context.  May be called
 * on any thread.
 *
 * Returns: %TRUE if @query was answered
 *
 * Since: 0.1
 */
gboolean gst_npu_handle_context_query (
    GstElement *element, GstQuery *query, GstNpuContext *context);

G_END_DECLS
#endif /* GST_NPU_UTILS_H */
