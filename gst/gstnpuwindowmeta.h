/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwindowmeta.h: facts about a window, on the buffer with its states, as a
 * custom meta: applications in any language read it as a structure, without a
 * header of ours.
 */
#ifndef GST_NPU_WINDOW_META_H
#define GST_NPU_WINDOW_META_H

#include "gstnpuwhisperreport.h"

G_BEGIN_DECLS

#define GST_NPU_WINDOW_META_NAME "GstNpuWindowMeta"

/* Once or more often; any thread. */
void gst_npu_window_meta_register (void);

/* What is said of @window: its number, and what it was encoded on. */
typedef struct {
  guint64 index;
  const gchar *backend, *model;
} GstNpuWindowFacts;

/* @window is still open. */
void gst_npu_window_meta_add (GstBuffer *buffer, const GstNpuWindow *window,
    const GstNpuWindowTimes *times, const GstNpuWindowFacts *facts);

G_END_DECLS
#endif /* GST_NPU_WINDOW_META_H */
