/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperreport.c: what npuwhisperenc has encoded, and how long it took.
 *
 * The stages of a window follow each other without a gap, so they add up to
 * "total", from its first new frame to its states:
 *   wait      until its last frame has come
 *   queue     for memory for the states, and for the device
 *   upload    normalising the frames into the device's input
 *   run       the encoder's operations
 *   download  the states to where, and into the format that, they are wanted
 */
#include "gstnpuwhisperreport.h"

#include <string.h>

enum {
  STAGE_WAIT,
  STAGE_QUEUE,
  STAGE_UPLOAD,
  STAGE_RUN,
  STAGE_DOWNLOAD,
  STAGE_TOTAL
};

static const gchar *const stage_names[] = { "wait", "queue", "upload", "run",
  "download", "total", NULL };

void
gst_npu_whisper_report_init (GstNpuWhisperReport *report, GstElement *owner)
{
  g_mutex_init (&report->lock);
  report->stats = gst_npu_stats_new (owner, stage_names);
  gst_npu_whisper_report_reset (report);
}

void
gst_npu_whisper_report_clear (GstNpuWhisperReport *report)
{
  g_clear_pointer (&report->stats, gst_npu_stats_free);
  g_mutex_clear (&report->lock);
}

void
gst_npu_whisper_report_reset (GstNpuWhisperReport *report)
{
  g_mutex_lock (&report->lock);
  report->windows = report->dropped = report->frames = 0;
  report->audio = 0;
  memset (report->op_ns, 0, sizeof (report->op_ns));
  g_mutex_unlock (&report->lock);
  gst_npu_stats_reset (report->stats);
}

void
gst_npu_whisper_report_add (GstNpuWhisperReport *report,
    const GstNpuWindow *window, const GstNpuWindowTimes *times,
    const guint64 *op_ns)
{
  const WhisperTimes *encoder = &times->encoder;
  GstNpuStats *stats = report->stats;

  g_mutex_lock (&report->lock);
  report->windows++;
  report->frames += window->fresh + window->tail;
  report->audio += window->duration;
  memcpy (report->op_ns, op_ns, sizeof (report->op_ns));
  g_mutex_unlock (&report->lock);

  gst_npu_stats_add (stats, STAGE_WAIT, window->opened, times->complete);
  gst_npu_stats_add (stats, STAGE_QUEUE, times->complete, encoder->granted);
  gst_npu_stats_add (stats, STAGE_UPLOAD, encoder->granted, encoder->uploaded);
  gst_npu_stats_add (stats, STAGE_RUN, encoder->uploaded, encoder->computed);
  gst_npu_stats_add (stats, STAGE_DOWNLOAD, encoder->computed, times->ended);
  gst_npu_stats_add (stats, STAGE_TOTAL, window->opened, times->ended);
}

void
gst_npu_whisper_report_drop (GstNpuWhisperReport *report)
{
  g_mutex_lock (&report->lock);
  report->dropped++;
  g_mutex_unlock (&report->lock);
}

void
gst_npu_whisper_report_get_counts (
    GstNpuWhisperReport *report, guint64 *windows, guint64 *dropped)
{
  g_mutex_lock (&report->lock);
  *windows = report->windows;
  *dropped = report->dropped;
  g_mutex_unlock (&report->lock);
}

GstStructure *
gst_npu_whisper_report_totals (GstNpuWhisperReport *report, const gchar *name)
{
  guint64 run = gst_npu_stats_get_total (report->stats, STAGE_UPLOAD)
                + gst_npu_stats_get_total (report->stats, STAGE_RUN)
                + gst_npu_stats_get_total (report->stats, STAGE_DOWNLOAD);
  GstStructure *structure;

  g_mutex_lock (&report->lock);
  structure = gst_structure_new (name, "windows", G_TYPE_UINT64,
      report->windows, "dropped", G_TYPE_UINT64, report->dropped, "frames",
      G_TYPE_UINT64, report->frames, "audio-ns", G_TYPE_UINT64, report->audio,
      "encoder-ns", G_TYPE_UINT64, run, "realtime", G_TYPE_DOUBLE,
      run > 0 ? (gdouble) report->audio / (gdouble) run : 0.0, NULL);
  g_mutex_unlock (&report->lock);
  return structure;
}

void
gst_npu_whisper_report_details (
    GstNpuWhisperReport *report, GstStructure *structure)
{
  GstStructure *last = gst_structure_new_empty ("last-window");

  g_mutex_lock (&report->lock);
  for (guint op = 0; op < NPU_N_OPS; op++)
    gst_structure_set (
        last, npu_op_name (op), G_TYPE_UINT64, report->op_ns[op], NULL);
  g_mutex_unlock (&report->lock);

  gst_structure_set (structure, "last-window", GST_TYPE_STRUCTURE, last, NULL);
  gst_structure_free (last);
  gst_npu_stats_to_structure (report->stats, structure);
}
