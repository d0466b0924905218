/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpupool.c: output buffers of one size from a pool. */
#include "gstnpupool.h"

#include "npukernels.h"

void
gst_npu_pool_decide (GstQuery *query, guint size)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstAllocator *allocator = NULL;
  GstAllocationParams params;
  GstStructure *config;
  GstCaps *caps;

  gst_allocation_params_init (&params);
  if (gst_query_get_n_allocation_params (query) > 0)
    gst_query_parse_nth_allocation_param (query, 0, &allocator, &params);
  params.align |= NPU_ALIGNMENT - 1;

  gst_query_parse_allocation (query, &caps, NULL);
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, size, 0, 0);
  gst_buffer_pool_config_set_allocator (config, allocator, &params);
  gst_buffer_pool_set_config (pool, config);

  if (gst_query_get_n_allocation_params (query) > 0)
    gst_query_set_nth_allocation_param (query, 0, allocator, &params);
  else
    gst_query_add_allocation_param (query, allocator, &params);
  if (gst_query_get_n_allocation_pools (query) > 0)
    gst_query_set_nth_allocation_pool (query, 0, pool, size, 0, 0);
  else
    gst_query_add_allocation_pool (query, pool, size, 0, 0);

  gst_clear_object (&allocator);
  gst_object_unref (pool);
}

GstFlowReturn
gst_npu_pool_acquire (GstBaseTransform *trans, GstBuffer **buffer)
{
  GstBufferPool *pool = gst_base_transform_get_buffer_pool (trans);
  GstFlowReturn ret = GST_FLOW_ERROR;

  if (pool == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  if (gst_buffer_pool_set_active (pool, TRUE))
    ret = gst_buffer_pool_acquire_buffer (pool, buffer, NULL);
  gst_object_unref (pool);

  if (ret == GST_FLOW_ERROR)
    GST_ELEMENT_ERROR (trans, RESOURCE, NO_SPACE_LEFT,
        ("There is no memory for an output buffer: free some, or use a smaller "
         "model."),
        (NULL));
  return ret;
}

GstBuffer *
gst_npu_pool_new_buffer (GstBaseTransform *trans, gsize size)
{
  GstAllocationParams params;
  GstAllocator *allocator;
  GstBuffer *buffer;

  gst_base_transform_get_allocator (trans, &allocator, &params);
  buffer = gst_buffer_new_allocate (allocator, size, &params);
  gst_clear_object (&allocator);
  if (buffer == NULL)
    GST_ELEMENT_ERROR (trans, RESOURCE, NO_SPACE_LEFT,
        ("There is no memory for a buffer of frames."), ("%zu bytes", size));
  return buffer;
}
