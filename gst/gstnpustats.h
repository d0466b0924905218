/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpustats.h: how long each stage of an element took.  What is counted is
 * told to a tracer too, if one listens.
 *
 * One histogram per stage with logarithmic buckets (8 to an octave, so a
 * percentile is within 9 %), from 1 µs to above an hour.  Adding takes no lock
 * that the reader could hold for long and allocates nothing.
 */
#ifndef GST_NPU_STATS_H
#define GST_NPU_STATS_H

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstNpuStats GstNpuStats;

/* @owner: whose stages they are; it outlives the stats.  @stages: names, ended
 * by NULL, that do too. */
GstNpuStats *gst_npu_stats_new (GstElement *owner, const gchar *const *stages);
void gst_npu_stats_free (GstNpuStats *stats);
void gst_npu_stats_reset (GstNpuStats *stats);

/* From @start to @end, monotonic clock.  Any thread. */
void gst_npu_stats_add (
    GstNpuStats *stats, guint stage, GstClockTime start, GstClockTime end);

GstClockTime gst_npu_stats_get_total (GstNpuStats *stats, guint stage);

/* TRUE, and @last set to now, if @interval has passed since @last; never if it
 * is 0. */
gboolean gst_npu_stats_are_due (GstClockTime *last, GstClockTime interval);

/* The property "stats-interval" of an element, guint64. */
GParamSpec *gst_npu_stats_interval_spec (void);

/* Adds to @structure one field per stage: a GstStructure with count (guint64),
 * and total, mean, min, p50, p95, p99, max (guint64, nanoseconds). */
void gst_npu_stats_to_structure (GstNpuStats *stats, GstStructure *structure);

G_END_DECLS
#endif /* GST_NPU_STATS_H */
