/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpuwindowmeta.c: facts about a window as a custom meta. */
#include "gstnpuwindowmeta.h"

void
gst_npu_window_meta_register (void)
{
  static gsize registered = 0;
  static const gchar *tags[] = { NULL };

  if (g_once_init_enter (&registered)) {
    /* Without a transform function it is copied with the buffer, and as it is
     * not marked as pooled, a pool takes it off. */
    gst_meta_register_custom (GST_NPU_WINDOW_META_NAME, tags, NULL, NULL, NULL);
    g_once_init_leave (&registered, 1);
  }
}

void
gst_npu_window_meta_add (GstBuffer *buffer, const GstNpuWindow *window,
    const GstNpuWindowTimes *times, const GstNpuWindowFacts *facts)
{
  GstCustomMeta *meta =
      gst_buffer_add_custom_meta (buffer, GST_NPU_WINDOW_META_NAME);

  gst_structure_set (gst_custom_meta_get_structure (meta), "window-start",
      G_TYPE_UINT64, gst_npu_window_get_start (window), "valid-frames",
      G_TYPE_UINT, (guint) gst_npu_window_get_valid (window), "index",
      G_TYPE_UINT64, facts->index, "backend", G_TYPE_STRING, facts->backend,
      "model", G_TYPE_STRING, facts->model, "first-frame-in", G_TYPE_UINT64,
      window->opened, "complete", G_TYPE_UINT64, times->complete, "started",
      G_TYPE_UINT64, times->started, "ended", G_TYPE_UINT64, times->ended,
      NULL);
}
