/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpumelreport.h: what npumel tells of its work. */
#ifndef GST_NPU_MEL_REPORT_H
#define GST_NPU_MEL_REPORT_H

#include "gstnpustats.h"

G_BEGIN_DECLS

/* The stages of its stats. */
enum { GST_NPU_MEL_STAGE_CONVERT, GST_NPU_MEL_STAGE_MEL };

/* Since the element was started. */
typedef struct {
  guint64 content_frames;
  guint64 tail_frames;
  GstClockTime audio;
  gint input_rate; /* 0 before negotiation */
} GstNpuMelTotals;

GstNpuStats *gst_npu_mel_report_new_stats (GstElement *owner);

/* (transfer full): the structure "npu-stats". */
GstStructure *gst_npu_mel_report_new (
    const GstNpuMelTotals *totals, GstNpuStats *stats);

G_END_DECLS
#endif /* GST_NPU_MEL_REPORT_H */
