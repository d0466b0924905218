/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpumelreport.c: npumel's numbers as one structure, for its property and
 * its message. */
#include "gstnpumelreport.h"

#include "npukernels.h"

static const gchar *const stage_names[] = {
  [GST_NPU_MEL_STAGE_CONVERT] = "convert",
  [GST_NPU_MEL_STAGE_MEL] = "mel",
  NULL,
};

GstNpuStats *
gst_npu_mel_report_new_stats (GstElement *owner)
{
  return gst_npu_stats_new (owner, stage_names);
}

GstStructure *
gst_npu_mel_report_new (const GstNpuMelTotals *totals, GstNpuStats *stats)
{
  GstStructure *structure = gst_structure_new ("npu-stats", "frames",
      G_TYPE_UINT64, totals->content_frames, "tail-frames", G_TYPE_UINT64,
      totals->tail_frames, "audio-ns", G_TYPE_UINT64, totals->audio,
      "input-rate", G_TYPE_INT, totals->input_rate, "rate", G_TYPE_INT,
      NPU_MEL_RATE, "convert-ns", G_TYPE_UINT64,
      gst_npu_stats_get_total (stats, GST_NPU_MEL_STAGE_CONVERT), "mel-ns",
      G_TYPE_UINT64, gst_npu_stats_get_total (stats, GST_NPU_MEL_STAGE_MEL),
      NULL);

  gst_npu_stats_to_structure (stats, structure);
  return structure;
}
