/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npureportjson.c: all numbers of a report.  Times are milliseconds unless a
 * name ends in _s.
 */
#include "npureport.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "npubenchpeak.h"
#include "npuprocessor.h"

#define BUCKETS_PER_DECADE 10

static void
set_string (JsonObject *object, const gchar *name, const gchar *value)
{
  json_object_set_string_member (object, name, value != NULL ? value : "");
}

/* Nanoseconds are as fine as it gets: the rest of a double is noise. */
static void
set_number (JsonObject *object, const gchar *name, gdouble value)
{
  json_object_set_double_member (object, name, round (value * 1e6) / 1e6);
}

/* ---- distributions ----------------------------------------------------- */

static int
compare_doubles (const void *a, const void *b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

/* Nearest rank; @sorted is not empty. */
static gdouble
percentile (const gdouble *sorted, guint n, guint percent)
{
  guint rank = (n * (guint64) percent + 99) / 100;

  return sorted[MAX (rank, 1) - 1];
}

static void
set_distribution (JsonObject *object, const gdouble *sorted, guint n)
{
  gdouble total = 0;

  for (guint i = 0; i < n; i++)
    total += sorted[i];
  json_object_set_int_member (object, "count", n);
  set_number (object, "total_ms", total);
  set_number (object, "mean_ms", total / n);
  set_number (object, "min_ms", sorted[0]);
  set_number (object, "p50_ms", percentile (sorted, n, 50));
  set_number (object, "p95_ms", percentile (sorted, n, 95));
  set_number (object, "p99_ms", percentile (sorted, n, 99));
  set_number (object, "max_ms", sorted[n - 1]);
}

/* What is shorter than 100 ns counts as that long. */
static gint
bucket_of (gdouble ms)
{
  return (gint) floor (log10 (MAX (ms, 1e-4)) * BUCKETS_PER_DECADE + 1e-9);
}

static gdouble
bucket_start (gint bucket)
{
  return pow (10, (gdouble) bucket / BUCKETS_PER_DECADE);
}

/* Buckets of even width in logarithm, from the first that is not empty to the
 * last. */
static JsonArray *
new_histogram (const gdouble *sorted, guint n)
{
  JsonArray *histogram = json_array_new ();
  gint last = bucket_of (sorted[n - 1]);
  guint i = 0;

  for (gint bucket = bucket_of (sorted[0]); bucket <= last; bucket++) {
    JsonObject *object = json_object_new ();
    guint first = i;

    while (i < n && bucket_of (sorted[i]) <= bucket)
      i++;
    set_number (object, "from_ms", bucket_start (bucket));
    set_number (object, "to_ms", bucket_start (bucket + 1));
    json_object_set_int_member (object, "count", i - first);
    json_array_add_object_element (histogram, object);
  }
  return histogram;
}

static JsonObject *
new_stage (const ReportLane *lane)
{
  JsonObject *object = json_object_new ();
  guint n = lane->spans->len;
  gdouble *sorted = g_new (gdouble, n);

  for (guint i = 0; i < n; i++) {
    const ReportSpan *span = &g_array_index (lane->spans, ReportSpan, i);

    sorted[i] = span->end - span->start;
  }
  qsort (sorted, n, sizeof (*sorted), compare_doubles);
  set_string (object, "element", lane->element);
  set_string (object, "stage", lane->stage);
  set_distribution (object, sorted, n);
  if (sorted[n - 1] > 0)
    json_object_set_array_member (
        object, "histogram", new_histogram (sorted, n));
  g_free (sorted);
  return object;
}

/* As audio goes through the elements. */
static const gchar *const stage_order[] = { "input", "convert", "mel", "wait",
  "queue", "upload", "run", "download", "total", "push", NULL };

static JsonArray *
new_stages (const Report *report)
{
  JsonArray *stages = json_array_new ();
  const gchar *element = NULL;

  /* Lanes are sorted by element. */
  for (guint i = 0; i < report->lanes->len; i++) {
    const ReportLane *lane = g_ptr_array_index (report->lanes, i);

    if (g_strcmp0 (lane->element, element) == 0)
      continue;
    element = lane->element;
    for (guint stage = 0; stage_order[stage] != NULL; stage++) {
      lane = report_get_lane (report, element, stage_order[stage]);
      if (lane != NULL)
        json_array_add_object_element (stages, new_stage (lane));
    }
  }
  return stages;
}

/* ---- windows ----------------------------------------------------------- */

static gdouble
part_ms (const ReportWindow *window, ReportPart part)
{
  return window->parts[part].end - window->parts[part].start;
}

static JsonObject *
new_window (const ReportWindow *window)
{
  JsonObject *object = json_object_new ();

  set_string (object, "element", window->element);
  json_object_set_int_member (object, "window", window->index);
  set_number (object, "audio_start_s", window->audio_start_s);
  set_number (object, "audio_s", window->audio_s);
  set_number (object, "start_ms", window->parts[REPORT_TOTAL].start);
  for (ReportPart part = 0; part < REPORT_N_PARTS; part++) {
    g_autofree gchar *name = g_strconcat (report_part_name (part), "_ms", NULL);

    set_number (object, name, part_ms (window, part));
  }
  return object;
}

static JsonArray *
new_windows (const Report *report)
{
  JsonArray *windows = json_array_new ();

  for (guint i = 0; i < report->windows->len; i++)
    json_array_add_object_element (windows,
        new_window (&g_array_index (report->windows, ReportWindow, i)));
  return windows;
}

/* ---- latency ----------------------------------------------------------- */

/* What is measured of every window: from its first new audio (accumulated), or
 * from its last (measured), to its states. */
static JsonObject *
new_measured (const Report *report, gboolean accumulated)
{
  guint n = report->windows->len;
  gdouble *sorted = g_new (gdouble, n);
  JsonObject *object = json_object_new ();

  for (guint i = 0; i < n; i++) {
    const ReportWindow *window =
        &g_array_index (report->windows, ReportWindow, i);

    sorted[i] = part_ms (window, REPORT_TOTAL)
                - (accumulated ? 0 : part_ms (window, REPORT_WAIT));
  }
  qsort (sorted, n, sizeof (*sorted), compare_doubles);
  set_distribution (object, sorted, n);
  g_free (sorted);
  return object;
}

/* The encoder's answer has npumel's in it. */
static JsonObject *
new_latency (const Report *report)
{
  JsonObject *object = json_object_new ();
  JsonArray *reported = json_array_new ();

  for (guint i = 0; i < report->promises->len; i++) {
    const ReportPromise *promise = g_ptr_array_index (report->promises, i);
    JsonObject *one = json_object_new ();

    set_string (one, "element", promise->element);
    json_object_set_boolean_member (one, "live", promise->live);
    set_number (one, "min_ms", promise->min_ms);
    json_array_add_object_element (reported, one);
  }
  json_object_set_array_member (object, "reported", reported);
  if (report->windows->len > 0) {
    json_object_set_object_member (
        object, "measured", new_measured (report, FALSE));
    json_object_set_object_member (
        object, "accumulated", new_measured (report, TRUE));
  }
  return object;
}

/* ---- operations -------------------------------------------------------- */

/* The peak is this machine's, so it means nothing for a trace of another. */
static gboolean
measure_peak (const Report *report, BenchPeak *peak)
{
  g_autofree gchar *processor = npu_processor_name ();
  guint threads = report->encoder.threads;

  return g_strcmp0 (report->encoder.device, "cpu") == 0
         && g_strcmp0 (report->processor, processor) == 0
         && bench_peak_measure (
             NULL, threads > 0 ? threads : npu_cpu_threads (), peak, NULL);
}

static JsonObject *
new_operation (
    const Report *report, const BenchPeak *peak, NpuOp op, gdouble all_ms)
{
  const ReportEncoder *encoder = &report->encoder;
  NpuPrecision precision = NPU_PRECISION_F32;
  gdouble gflop =
      bench_peak_count_gflop (&encoder->shape, encoder->positions, op);
  gdouble ms = 0, peak_ms = 0;
  JsonObject *object = json_object_new ();

  for (guint i = 0; i < report->windows->len; i++)
    ms += g_array_index (report->windows, ReportWindow, i).op_ms[op]
          / report->windows->len;
  npu_precision_from_name (encoder->precision, &precision);
  if (peak != NULL)
    peak_ms = bench_peak_count_ms (peak, precision, op, gflop);
  set_string (object, "name", npu_op_name (op));
  set_number (object, "mean_ms", ms);
  set_number (object, "share", all_ms > 0 ? ms / all_ms : 0);
  if (gflop > 0 && ms > 0)
    set_number (object, "gflops", gflop * 1e3 / ms);
  if (peak_ms > 0 && ms > 0)
    set_number (object, "fraction_of_peak", peak_ms / ms);
  return object;
}

static JsonArray *
new_operations (const Report *report)
{
  JsonArray *operations = json_array_new ();
  BenchPeak peak;
  gboolean has_peak;
  gdouble all_ms = 0;

  if (report->windows->len == 0)
    return operations;
  for (guint i = 0; i < report->windows->len; i++)
    for (NpuOp op = 0; op < NPU_N_OPS; op++)
      all_ms += g_array_index (report->windows, ReportWindow, i).op_ms[op]
                / report->windows->len;
  has_peak = measure_peak (report, &peak);
  for (NpuOp op = 0; op < NPU_N_OPS; op++)
    json_array_add_object_element (operations,
        new_operation (report, has_peak ? &peak : NULL, op, all_ms));
  return operations;
}

/* ---- all --------------------------------------------------------------- */

static JsonObject *
new_encoder (const ReportEncoder *encoder)
{
  JsonObject *object = json_object_new ();

  set_string (object, "device", encoder->device);
  set_string (object, "precision", encoder->precision);
  set_string (object, "model", encoder->model);
  json_object_set_int_member (object, "threads", encoder->threads);
  json_object_set_int_member (object, "layers", encoder->shape.layers);
  json_object_set_int_member (object, "width", encoder->shape.width);
  json_object_set_int_member (object, "mels", encoder->shape.n_mels);
  json_object_set_int_member (object, "positions", encoder->positions);
  return object;
}

static gdouble
sum_of (const Report *report, gboolean audio)
{
  gdouble sum = 0;

  for (guint i = 0; i < report->windows->len; i++) {
    const ReportWindow *window =
        &g_array_index (report->windows, ReportWindow, i);

    sum +=
        audio ? window->audio_s
              : (part_ms (window, REPORT_TOTAL) - part_ms (window, REPORT_WAIT))
                    / 1e3;
  }
  return sum;
}

/* From the first thing that an element did to the last. */
static ReportSpan
get_extent (const Report *report)
{
  ReportSpan extent = { INFINITY, 0 };

  for (guint i = 0; i < report->lanes->len; i++) {
    const ReportLane *lane = g_ptr_array_index (report->lanes, i);

    for (guint k = 0; k < lane->spans->len; k++) {
      const ReportSpan *span = &g_array_index (lane->spans, ReportSpan, k);

      extent.start = MIN (extent.start, span->start);
      extent.end = MAX (extent.end, span->end);
    }
  }
  extent.start = MIN (extent.start, extent.end);
  return extent;
}

/* ---- the time line ----------------------------------------------------- */

#define N_BINS 120

/* The part of each bin that the stage was at work. */
static JsonArray *
new_busy (const ReportLane *lane, gdouble start, gdouble bin_ms)
{
  JsonArray *busy = json_array_new ();
  gdouble bins[N_BINS] = { 0 };

  for (guint i = 0; i < lane->spans->len; i++) {
    const ReportSpan *span = &g_array_index (lane->spans, ReportSpan, i);
    gdouble from = (span->start - start) / bin_ms;
    gdouble to = (span->end - start) / bin_ms;

    for (guint bin = (guint) MAX (from, 0); bin < N_BINS && bin < to; bin++)
      bins[bin] += MIN (to, bin + 1) - MAX (from, bin);
  }
  for (guint bin = 0; bin < N_BINS; bin++)
    json_array_add_double_element (busy, round (1e6 * bins[bin]) / 1e6);
  return busy;
}

static JsonObject *
new_timeline (const Report *report)
{
  static const gchar *const shown[] = { "convert", "mel", "run", "push" };
  JsonObject *object = json_object_new ();
  JsonArray *lanes = json_array_new ();
  ReportSpan extent = get_extent (report);
  gdouble bin_ms = (extent.end - extent.start) / N_BINS;

  for (guint i = 0; i < report->lanes->len && bin_ms > 0; i++) {
    const ReportLane *lane = g_ptr_array_index (report->lanes, i);
    JsonObject *one;

    for (guint k = 0; k < G_N_ELEMENTS (shown); k++)
      if (g_str_equal (lane->stage, shown[k])) {
        one = json_object_new ();
        set_string (one, "element", lane->element);
        set_string (one, "stage", lane->stage);
        json_object_set_array_member (
            one, "busy", new_busy (lane, extent.start, bin_ms));
        json_array_add_object_element (lanes, one);
      }
  }
  set_number (object, "start_ms", extent.start);
  set_number (object, "length_ms", extent.end - extent.start);
  json_object_set_array_member (object, "lanes", lanes);
  return object;
}

static JsonObject *
new_realtime (const Report *report)
{
  JsonObject *object = json_object_new ();
  ReportSpan extent = get_extent (report);
  gdouble wall = (extent.end - extent.start) / 1e3;
  gdouble busy = sum_of (report, FALSE);
  gdouble encoded = sum_of (report, TRUE);
  gdouble audio = report->audio_s > 0 ? report->audio_s : encoded;

  set_number (object, "audio_s", audio);
  set_number (object, "wall_s", wall);
  set_number (object, "pipeline", wall > 0 ? audio / wall : 0);
  if (busy > 0)
    set_number (object, "encoder", encoded / busy);
  return object;
}

static JsonObject *
new_mel (const ReportMel *mel)
{
  JsonObject *object = json_object_new ();
  gdouble shown = (gdouble) mel->n_columns * (gdouble) mel->frames_per_column;

  json_object_set_int_member (object, "bands", mel->n_bands);
  json_object_set_int_member (object, "frames", (gint64) mel->n_frames);
  set_number (object, "start_s", mel->start_s);
  set_number (object, "shown_s", shown / 100);
  return object;
}

static JsonObject *
new_source (const Report *report)
{
  JsonObject *object = json_object_new ();

  set_string (object, "kind", report->kind);
  set_string (object, "name", report->source);
  set_string (object, "program", report->program);
  set_string (object, "gst-npu", report->version);
  set_string (object, "gstreamer", report->gstreamer);
  set_string (object, "processor", report->processor);
  return object;
}

JsonNode *
report_to_json (const Report *report, const ReportMel *mel)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_object_member (object, "source", new_source (report));
  if (report->windows->len > 0)
    json_object_set_object_member (
        object, "encoder", new_encoder (&report->encoder));
  json_object_set_object_member (object, "realtime", new_realtime (report));
  json_object_set_object_member (object, "latency", new_latency (report));
  if (mel->n_columns > 0)
    json_object_set_object_member (object, "mel", new_mel (mel));
  json_object_set_object_member (object, "timeline", new_timeline (report));
  json_object_set_array_member (object, "stages", new_stages (report));
  json_object_set_array_member (object, "operations", new_operations (report));
  json_object_set_array_member (object, "windows", new_windows (report));
  json_node_take_object (node, object);
  return node;
}

gchar *
report_json_to_text (JsonNode *json)
{
  return json_to_string (json, TRUE);
}
