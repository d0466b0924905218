/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputracelanes.h: what a trace knows of one element: a track for each of
 * its stages, and which input went into what it is about to send.
 * Its owner locks.
 */
#ifndef GST_NPU_TRACE_LANES_H
#define GST_NPU_TRACE_LANES_H

#include "gstnputracefile.h"

G_BEGIN_DECLS

/* Tracks that are no stages. */
#define GST_NPU_TRACE_OPERATIONS "operations (sums over layers)"
#define GST_NPU_TRACE_REPORTED "reported latency"

/* Flows with neighbouring numbers; none while @last is less than @first. */
typedef struct {
  guint64 first, last;
} GstNpuTraceFlows;

typedef struct {
  GstNpuTraceFile *file;
  gchar *name; /* of the element */
  guint serial;
  guint base;      /* number of the first track */
  guint described; /* a bit for each track that has been named */

  /* A push into the element, and one out of it, under way. */
  GstClockTime input_started, push_started; /* NONE: there is none */
  GstClockTime input_pts, input_duration;

  guint64 next_flow;      /* number of the next input */
  GstNpuTraceFlows fresh; /* inputs since the last output */
  GArray *arrived;        /* GstNpuTraceFlows: with the open window */
} GstNpuTraceLanes;

/* @serial: another for each element of a trace. */
GstNpuTraceLanes *gst_npu_trace_lanes_new (
    GstNpuTraceFile *file, const gchar *name, guint serial);
void gst_npu_trace_lanes_free (GstNpuTraceLanes *lanes);

/* Times are those of the monotonic clock, stages static strings; @args, a JSON
 * object or NULL, is taken over. */
void gst_npu_trace_lanes_span (GstNpuTraceLanes *lanes, const gchar *stage,
    const gchar *name, GstClockTime start, GstClockTime end, gchar *args);
void gst_npu_trace_lanes_instant (
    GstNpuTraceLanes *lanes, const gchar *stage, gchar *args);
void gst_npu_trace_lanes_counter (
    GstNpuTraceLanes *lanes, const gchar *name, gdouble value);
/* In the span of @stage that is there at @time. */
void gst_npu_trace_lanes_flow (GstNpuTraceLanes *lanes, GstNpuTracePhase phase,
    const gchar *stage, GstClockTime time, guint64 id);

/* @flows came to the element, or some at least if they are too scattered. */
void gst_npu_trace_lanes_add_arrived (
    GstNpuTraceLanes *lanes, const GstNpuTraceFlows *flows);

G_END_DECLS
#endif /* GST_NPU_TRACE_LANES_H */
