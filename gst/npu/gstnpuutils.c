/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpuutils.c: the element's side of the context protocol. */
#include "gstnpuutils.h"

#include "gstnpucontext-private.h"

/* Two elements that start at the same time must not open a device each.
 * Recursive, because an application may start another pipeline in its handler
 * of the NEED_CONTEXT message.  Serialises finding a context, never its use. */
static GRecMutex ensure_lock;

static gboolean
device_matches (GstNpuContext *context, const gchar *device)
{
  return device == NULL || g_str_equal (device, "auto")
         || g_str_equal (device, gst_npu_context_get_device (context));
}

/* (transfer full): the context that @carrier holds, or NULL. */
static GstNpuContext *
unwrap_context (GstContext *carrier)
{
  GstNpuContext *context = NULL;

  if (carrier != NULL
      && gst_context_has_context_type (carrier, GST_NPU_CONTEXT_TYPE))
    gst_structure_get (gst_context_get_structure (carrier), "context",
        GST_TYPE_NPU_CONTEXT, &context, NULL);
  return context;
}

static gboolean
query_pad (GstElement *element, GstPad *pad, gpointer user_data)
{
  GstQuery *query = user_data;

  /* FALSE ends the iteration. */
  return !gst_pad_peer_query (pad, query);
}

/* Asks the neighbours; whoever answers has its context set on @element. */
static void
ask_neighbours (GstElement *element)
{
  GstQuery *query = gst_query_new_context (GST_NPU_CONTEXT_TYPE);
  GstContext *carrier = NULL;

  if (!gst_element_foreach_src_pad (element, query_pad, query)
      || !gst_element_foreach_sink_pad (element, query_pad, query)) {
    gst_query_parse_context (query, &carrier);
    if (carrier != NULL)
      gst_element_set_context (element, carrier);
  }
  gst_query_unref (query);
}

/* Asks bins and the application, which answer by gst_element_set_context(). */
static void
ask_application (GstElement *element)
{
  gst_element_post_message (
      element, gst_message_new_need_context (
                   GST_OBJECT (element), GST_NPU_CONTEXT_TYPE));
}

/* A context made here is not persistent: it is dropped in READY→NULL, so that
 * a stopped pipeline keeps no device open. */
static gboolean
make_context (GstElement *element, const gchar *device, GError **error)
{
  GstNpuContext *context = gst_npu_context_new (device, error);
  GstContext *carrier;

  if (context == NULL)
    return FALSE;
  carrier = gst_context_new_npu_context (context, FALSE);
  gst_element_set_context (element, carrier);
  gst_element_post_message (
      element, gst_message_new_have_context (GST_OBJECT (element), carrier));
  gst_object_unref (context);
  return TRUE;
}

/* The element's context, from its field, or from the list that every element
 * has: a persistent context outlives the NULL state there while the field is
 * cleared, and an element whose set_context() does not fill the field has it
 * there only. */
static gboolean
has_context (
    GstElement *element, const gchar *device, GstNpuContext **context_ptr)
{
  GstContext *carrier = gst_element_get_context (element, GST_NPU_CONTEXT_TYPE);
  gboolean has;

  gst_npu_handle_set_context (element, carrier, device, context_ptr);
  g_clear_pointer (&carrier, gst_context_unref);

  GST_OBJECT_LOCK (element);
  has = *context_ptr != NULL;
  GST_OBJECT_UNLOCK (element);
  return has;
}

static void
set_device_error (GError **error, const gchar *device, GstNpuContext *context)
{
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "device=%s was asked for, but the pipeline's context has device=%s: set "
      "the same device on all elements, or leave it at auto",
      device, gst_npu_context_get_device (context));
}

/* A context of the application (only such are persistent) is an order: the
 * element must not open another device beside it.  A neighbour's is an offer. */
static gboolean
check_application (GstElement *element, const gchar *device, GError **error)
{
  GstContext *carrier = gst_element_get_context (element, GST_NPU_CONTEXT_TYPE);
  GstNpuContext *context = unwrap_context (carrier);
  gboolean refused = context != NULL && gst_context_is_persistent (carrier)
                     && !device_matches (context, device);

  if (refused)
    set_device_error (error, device, context);
  g_clear_pointer (&carrier, gst_context_unref);
  gst_clear_object (&context);
  return !refused;
}

static gboolean
find_context (GstElement *element, const gchar *device,
    GstNpuContext **context_ptr, GError **error)
{
  if (has_context (element, device, context_ptr))
    return TRUE;
  ask_neighbours (element);
  if (has_context (element, device, context_ptr))
    return TRUE;
  ask_application (element);
  if (has_context (element, device, context_ptr))
    return TRUE;
  return check_application (element, device, error)
         && make_context (element, device, error)
         && has_context (element, device, context_ptr);
}

/* The field may have been set before the device was chosen. */
static gboolean
check_device (GstElement *element, const gchar *device,
    GstNpuContext **context_ptr, GError **error)
{
  GstNpuContext *context;
  gboolean matches;

  GST_OBJECT_LOCK (element);
  context = gst_object_ref (*context_ptr);
  GST_OBJECT_UNLOCK (element);

  matches = device_matches (context, device);
  if (!matches)
    set_device_error (error, device, context);
  gst_object_unref (context);
  return matches;
}

void
gst_npu_utils_renew_lock (void)
{
  g_rec_mutex_init (&ensure_lock);
}

gboolean
gst_npu_ensure_element_context (GstElement *element, const gchar *device,
    GstNpuContext **context_ptr, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (GST_IS_ELEMENT (element), FALSE);
  g_return_val_if_fail (context_ptr != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  gst_npu_context_watch_forks ();
  g_rec_mutex_lock (&ensure_lock);
  ok = find_context (element, device, context_ptr, error)
       && check_device (element, device, context_ptr, error);
  g_rec_mutex_unlock (&ensure_lock);
  return ok;
}

gboolean
gst_npu_handle_set_context (GstElement *element, GstContext *context,
    const gchar *device, GstNpuContext **context_ptr)
{
  GstNpuContext *found;

  g_return_val_if_fail (GST_IS_ELEMENT (element), FALSE);
  g_return_val_if_fail (context_ptr != NULL, FALSE);

  found = unwrap_context (context);
  if (found == NULL)
    return TRUE;
  if (!device_matches (found, device)) {
    gst_object_unref (found);
    return FALSE;
  }

  GST_OBJECT_LOCK (element);
  if (*context_ptr == NULL) {
    *context_ptr = found;
    found = NULL;
  }
  GST_OBJECT_UNLOCK (element);
  g_clear_pointer (&found, gst_object_unref);
  return TRUE;
}

gboolean
gst_npu_handle_context_query (
    GstElement *element, GstQuery *query, GstNpuContext *context)
{
  const gchar *type;
  GstContext *carrier;

  g_return_val_if_fail (GST_IS_ELEMENT (element), FALSE);
  g_return_val_if_fail (GST_IS_QUERY (query), FALSE);

  if (context == NULL || GST_QUERY_TYPE (query) != GST_QUERY_CONTEXT)
    return FALSE;
  gst_query_parse_context_type (query, &type);
  if (g_strcmp0 (type, GST_NPU_CONTEXT_TYPE) != 0)
    return FALSE;

  carrier = gst_context_new_npu_context (context, FALSE);
  gst_query_set_context (query, carrier);
  gst_context_unref (carrier);
  return TRUE;
}
