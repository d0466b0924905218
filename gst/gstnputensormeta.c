/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnputensormeta.c: see gstnputensormeta.h. */
#include "gstnputensormeta.h"

#ifdef HAVE_ANALYTICS

/* The library's interface is not called stable yet. */
#define GST_USE_UNSTABLE_API
#include <gst/analytics/analytics.h>

gboolean
gst_npu_tensor_meta_is_wanted (GstQuery *allocation)
{
  return gst_query_find_allocation_meta (
      allocation, GST_TENSOR_META_API_TYPE, NULL);
}

void
gst_npu_tensor_meta_add (
    GstBuffer *buffer, const gchar *id, gsize rows, gsize columns)
{
  /* A batch of one, as models' own inputs and outputs are. */
  gsize dims[] = { 1, rows, columns };
  /* The same memory: nothing is copied.  Not gst_buffer_copy_region (), by which
   * a pool's buffer would come to hold a reference to itself. */
  GstBuffer *data = gst_buffer_new ();
  GstTensor **tensors = g_new (GstTensor *, 1);

  for (guint i = 0; i < gst_buffer_n_memory (buffer); i++)
    gst_buffer_append_memory (data, gst_buffer_get_memory (buffer, i));
  tensors[0] = gst_tensor_new_simple (g_quark_from_string (id),
      GST_TENSOR_DATA_TYPE_FLOAT32, data, GST_TENSOR_DIM_ORDER_ROW_MAJOR,
      G_N_ELEMENTS (dims), dims);
  gst_tensor_meta_set (gst_buffer_add_tensor_meta (buffer), 1, tensors);
}

#else

gboolean
gst_npu_tensor_meta_is_wanted (GstQuery *allocation)
{
  return FALSE;
}

void
gst_npu_tensor_meta_add (
    GstBuffer *buffer, const gchar *id, gsize rows, gsize columns)
{
}

#endif
