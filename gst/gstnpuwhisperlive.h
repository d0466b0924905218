/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperlive.h: which windows npuwhisperenc leaves out in a live pipeline
 * that is too slow.  The streaming thread's.
 */
#ifndef GST_NPU_WHISPER_LIVE_H
#define GST_NPU_WHISPER_LIVE_H

#include <gst/base/gstbasetransform.h>

#include "gstnpuwhisperreport.h"

G_BEGIN_DECLS

typedef struct {
  gboolean behind;         /* windows are left out, up to the newest */
  GstClockTime processing; /* of the last window; 0: none yet */
  /* From the running time of a frame's end to its arrival, the least so far. */
  GstClockTimeDiff least_lag; /* G_MAXINT64: none yet */
} GstNpuWhisperLive;

void gst_npu_whisper_live_reset (GstNpuWhisperLive *live);

/* To be told of each buffer as it comes; @end: of its last frame. */
void gst_npu_whisper_live_note_arrival (
    GstNpuWhisperLive *live, GstBaseTransform *trans, GstClockTime end);

/* How long a window may come late: @stride apart, promised after @latency. */
typedef struct {
  GstClockTime stride, latency;
} GstNpuWhisperPace;

/* Whether @window, which is due, is too late to be worth encoding: never unless
 * upstream is live.  @lateness: by how much. */
gboolean gst_npu_whisper_live_is_late (GstNpuWhisperLive *live,
    GstBaseTransform *trans, const GstNpuWindow *window,
    const GstNpuWhisperPace *pace, GstClockTimeDiff *lateness);

/* Tells the application that @window was left out. */
void gst_npu_whisper_live_post_qos (GstNpuWhisperLive *live,
    GstBaseTransform *trans, const GstNpuWindow *window, GstClockTime stride,
    GstClockTimeDiff lateness, GstNpuWhisperReport *report);

G_END_DECLS
#endif /* GST_NPU_WHISPER_LIVE_H */
