/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpuelement.c: what both elements do as GStreamer elements. */
#include "gstnpuelement.h"

#include "gstnpuutils.h"

void
gst_npu_element_post_error (GstElement *element, const GError *error,
    GQuark domain, gint code, const gchar *text)
{
  if (error->domain == GST_LIBRARY_ERROR || error->domain == GST_RESOURCE_ERROR
      || error->domain == GST_STREAM_ERROR || error->domain == GST_CORE_ERROR) {
    domain = error->domain;
    code = error->code;
    text = error->message;
  }
  gst_element_message_full (element, GST_MESSAGE_ERROR, domain, code,
      g_strdup (text), g_strdup (error->message), __FILE__, GST_FUNCTION,
      __LINE__);
}

gboolean
gst_npu_element_ensure_context (
    GstElement *element, const gchar *device, GstNpuContext **context_ptr)
{
  GError *error = NULL;

  if (gst_npu_ensure_element_context (element, device, context_ptr, &error))
    return TRUE;

  gst_npu_element_post_error (element, error, GST_LIBRARY_ERROR,
      GST_LIBRARY_ERROR_INIT,
      "The device could not be opened: set the \"device\" property to \"cpu\" "
      "or to a device that works.");
  g_error_free (error);
  return FALSE;
}
