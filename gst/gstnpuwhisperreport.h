/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperreport.h: what npuwhisperenc has encoded, and how long it took.
 * The streaming thread adds; any thread reads.
 */
#ifndef GST_NPU_WHISPER_REPORT_H
#define GST_NPU_WHISPER_REPORT_H

#include "gstnpustats.h"
#include "gstnpuwindow.h"
#include "npubackend.h"
#include "whisperencoder.h"

G_BEGIN_DECLS

typedef struct {
  GMutex lock;
  guint64 windows, dropped; /* under lock, to op_ns */
  guint64 frames;
  GstClockTime audio;       /* without padding */
  guint64 op_ns[NPU_N_OPS]; /* of the last window */
  GstNpuStats *stats;
} GstNpuWhisperReport;

/* Monotonic clock. */
typedef struct {
  GstClockTime complete; /* the window's last frame was there */
  GstClockTime started;  /* … and memory for its states */
  WhisperTimes encoder;
  GstClockTime ended; /* the states are where and as they are wanted */
} GstNpuWindowTimes;

void gst_npu_whisper_report_init (
    GstNpuWhisperReport *report, GstElement *owner);
void gst_npu_whisper_report_clear (GstNpuWhisperReport *report);
void gst_npu_whisper_report_reset (GstNpuWhisperReport *report);

void gst_npu_whisper_report_add (GstNpuWhisperReport *report,
    const GstNpuWindow *window, const GstNpuWindowTimes *times,
    const guint64 *op_ns);
/* A window was left out. */
void gst_npu_whisper_report_drop (GstNpuWhisperReport *report);
void gst_npu_whisper_report_get_counts (
    GstNpuWhisperReport *report, guint64 *windows, guint64 *dropped);

/* Totals: windows, dropped, frames (new ones; tail frames too), audio-ns,
 * encoder-ns (guint64) and realtime (double: seconds of audio per second of the encoder). */
GstStructure *gst_npu_whisper_report_totals (
    GstNpuWhisperReport *report, const gchar *name);
/* Adds the histograms of the stages, and the last window's operations. */
void gst_npu_whisper_report_details (
    GstNpuWhisperReport *report, GstStructure *structure);

G_END_DECLS
#endif /* GST_NPU_WHISPER_REPORT_H */
