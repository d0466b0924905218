/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperreport.c: what npuwhisperenc has encoded, and how long it took.
 *
 * The stages of a window: "wait" from its first frame to its last, "run" in
 * the encoder, "total" from its first frame to its states.
 */
#include "gstnpuwhisperreport.h"

#include <string.h>

enum { STAGE_WAIT, STAGE_RUN, STAGE_TOTAL };

static const gchar *const stage_names[] = { "wait", "run", "total", NULL };

void
gst_npu_whisper_report_init (GstNpuWhisperReport *report)
{
  g_mutex_init (&report->lock);
  report->stats = gst_npu_stats_new (stage_names);
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
  g_mutex_lock (&report->lock);
  report->windows++;
  report->frames += window->fresh + window->tail;
  report->audio += window->duration;
  memcpy (report->op_ns, op_ns, sizeof (report->op_ns));
  g_mutex_unlock (&report->lock);

  gst_npu_stats_add (
      report->stats, STAGE_WAIT, times->complete - window->opened);
  gst_npu_stats_add (report->stats, STAGE_RUN, times->ended - times->started);
  gst_npu_stats_add (report->stats, STAGE_TOTAL, times->ended - window->opened);
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
  guint64 run = gst_npu_stats_get_total (report->stats, STAGE_RUN);
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
