/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputracelanes.c: one element's tracks.
 *
 * A track is what the format calls a thread.  Their numbers are made up, from
 * the process's own on, so that none is taken for its main thread.
 */
#include "gstnputracelanes.h"

#include <unistd.h>

/* From top to bottom, as audio goes through the elements. */
static const gchar *const stages[] = { "input", "convert", "mel", "wait",
  "queue", "upload", "run", "download", "total", "window",
  GST_NPU_TRACE_OPERATIONS, "push", GST_NPU_TRACE_REPORTED, "other" };

#define N_STAGES G_N_ELEMENTS (stages)
#define MAX_ARRIVED 1024 /* stretches of flows in one window */
#define SERIAL_SHIFT 32  /* inputs of one element before numbers repeat */

GstNpuTraceLanes *
gst_npu_trace_lanes_new (GstNpuTraceFile *file, const gchar *name, guint serial)
{
  GstNpuTraceLanes *lanes = g_new0 (GstNpuTraceLanes, 1);

  lanes->file = file;
  lanes->name = g_strdup (name);
  lanes->serial = serial;
  lanes->base = (guint) getpid () + 1 + serial * N_STAGES;
  lanes->input_started = lanes->push_started = GST_CLOCK_TIME_NONE;
  lanes->next_flow = ((guint64) serial << SERIAL_SHIFT) + 1;
  lanes->fresh.first = lanes->next_flow;
  lanes->arrived = g_array_new (FALSE, FALSE, sizeof (GstNpuTraceFlows));
  return lanes;
}

void
gst_npu_trace_lanes_free (GstNpuTraceLanes *lanes)
{
  g_array_unref (lanes->arrived);
  g_free (lanes->name);
  g_free (lanes);
}

static void
describe_track (GstNpuTraceLanes *lanes, guint track, const gchar *stage)
{
  GstNpuTraceEvent event = { .phase = GST_NPU_TRACE_METADATA, .track = track };
  gchar *title = g_strdup_printf ("%s: %s", lanes->name, stage);
  GString *args = g_string_new ("{\"name\":");

  gst_npu_trace_append_string (args, title);
  /* Two elements may have the same name. */
  g_string_append_printf (args, ",\"element\":%u}", lanes->serial);
  event.name = "thread_name";
  event.args = g_string_free (args, FALSE);
  gst_npu_trace_file_add (lanes->file, &event);

  event.name = "thread_sort_index";
  event.args = g_strdup_printf ("{\"sort_index\":%u}", track);
  gst_npu_trace_file_add (lanes->file, &event);
  g_free (title);
}

static guint
get_track (GstNpuTraceLanes *lanes, const gchar *stage)
{
  guint i = 0;

  while (i < N_STAGES - 1 && !g_str_equal (stages[i], stage))
    i++;
  if ((lanes->described & 1u << i) == 0) {
    lanes->described |= 1u << i;
    describe_track (lanes, lanes->base + i, stages[i]);
  }
  return lanes->base + i;
}

void
gst_npu_trace_lanes_span (GstNpuTraceLanes *lanes, const gchar *stage,
    const gchar *name, GstClockTime start, GstClockTime end, gchar *args)
{
  GstNpuTraceEvent event = { .phase = GST_NPU_TRACE_SPAN,
    .track = get_track (lanes, stage),
    .name = name,
    .time = start,
    .duration = end - MIN (start, end),
    .args = args };

  gst_npu_trace_file_add (lanes->file, &event);
}

void
gst_npu_trace_lanes_instant (
    GstNpuTraceLanes *lanes, const gchar *stage, gchar *args)
{
  GstNpuTraceEvent event = { .phase = GST_NPU_TRACE_INSTANT,
    .track = get_track (lanes, stage),
    .name = stage,
    .time = gst_util_get_timestamp (),
    .args = args };

  gst_npu_trace_file_add (lanes->file, &event);
}

void
gst_npu_trace_lanes_counter (
    GstNpuTraceLanes *lanes, const gchar *name, gdouble value)
{
  gchar *title = g_strdup_printf ("%s: %s", lanes->name, name);
  GString *args = g_string_new ("{\"value\":");
  GstNpuTraceEvent event = { .phase = GST_NPU_TRACE_COUNTER,
    .track = lanes->base,
    .name = g_intern_string (title),
    .time = gst_util_get_timestamp () };

  gst_npu_trace_append_double (args, value);
  g_string_append_c (args, '}');
  event.args = g_string_free (args, FALSE);
  gst_npu_trace_file_add (lanes->file, &event);
  g_free (title);
}

void
gst_npu_trace_lanes_flow (GstNpuTraceLanes *lanes, GstNpuTracePhase phase,
    const gchar *stage, GstClockTime time, guint64 id)
{
  GstNpuTraceEvent event = { .phase = phase,
    .track = get_track (lanes, stage),
    .name = "audio",
    .time = time,
    .id = id };

  gst_npu_trace_file_add (lanes->file, &event);
}

void
gst_npu_trace_lanes_add_arrived (
    GstNpuTraceLanes *lanes, const GstNpuTraceFlows *flows)
{
  GArray *arrived = lanes->arrived;

  if (arrived->len > 0) {
    GstNpuTraceFlows *last =
        &g_array_index (arrived, GstNpuTraceFlows, arrived->len - 1);

    if (last->last + 1 == flows->first) {
      last->last = flows->last;
      return;
    }
  }
  if (arrived->len < MAX_ARRIVED)
    g_array_append_val (arrived, *flows);
}
