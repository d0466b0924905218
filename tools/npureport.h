/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npureport.h: where the time of a pipeline went.
 *
 *   gst-npu-report.c     options, and which of these to do
 *   npureportrun.c       runs a pipeline under the npu tracer
 *   npureportmel.c       keeps its log-mel as a picture
 *   npureporttrace.c     a trace → Report
 *   npureportjson.c      Report → JSON, from which the rest is made
 *   npureporttext.c      … a summary for the terminal
 *   npureporthtml.c      … a page
 *   npureportcharts.c    … its charts
 *   npureportstyle.c     … and what it looks like
 */
#ifndef NPU_REPORT_H
#define NPU_REPORT_H

#include <gst/gst.h>
#include <json-glib/json-glib.h>

#include "npubackend.h"

G_BEGIN_DECLS

/* Milliseconds since the trace began. */
typedef struct {
  gdouble start, end;
} ReportSpan;

/* All spans of one stage of one element, in order. */
typedef struct {
  gchar *element, *stage;
  GArray *spans; /* ReportSpan */
} ReportLane;

/* The parts of a window's time, in order, and all of it. */
typedef enum {
  REPORT_WAIT,
  REPORT_QUEUE,
  REPORT_UPLOAD,
  REPORT_RUN,
  REPORT_DOWNLOAD,
  REPORT_TOTAL,
  REPORT_N_PARTS
} ReportPart;

typedef struct {
  const gchar *element;
  gint64 index;
  gdouble audio_start_s, audio_s; /* the new audio in it */
  ReportSpan parts[REPORT_N_PARTS];
  gdouble op_ms[NPU_N_OPS];
} ReportWindow;

/* What an element answers to a latency query. */
typedef struct {
  gchar *element;
  gboolean live;
  gdouble min_ms;
} ReportPromise;

/* What the encoder was, as its last window tells. */
typedef struct {
  gchar *device, *precision, *model;
  guint threads; /* 0: all */
  guint positions;
  NpuEncoderShape shape; /* but for the heads */
} ReportEncoder;

/* Log-mel, as a picture in time: [n_columns][n_bands]. */
typedef struct {
  guint n_bands, n_columns;
  guint64 frames_per_column;
  guint64 n_frames;
  gdouble start_s; /* of the first frame */
  gfloat *values;
} ReportMel;

typedef struct {
  const gchar *kind; /* "file", "pipeline" or "trace" */
  gchar *source;     /* … which */
  gchar *program, *version, *gstreamer, *processor;
  GPtrArray *lanes;    /* ReportLane */
  GArray *windows;     /* ReportWindow */
  GPtrArray *promises; /* ReportPromise, one to an element */
  ReportEncoder encoder;
  gdouble audio_s; /* that went into npumel */
} Report;

/* Reads a trace of the npu tracer; NULL with an error that names the file. */
Report *report_new_from_trace (const gchar *path, GError **error);
void report_free (Report *report);
/* NULL if there is none. */
const ReportLane *report_get_lane (
    const Report *report, const gchar *element, const gchar *stage);

const gchar *report_part_name (ReportPart part);

/* ---- running ---- */

typedef struct _ReportMelCollector ReportMelCollector;

/* Keeps what @element, an npumel, sends; to be freed when it sends no more. */
ReportMelCollector *report_mel_collector_new (GstElement *element);
void report_mel_collector_free (ReportMelCollector *collector);
/* FALSE if nothing came that can be shown. */
gboolean report_mel_collector_get (
    ReportMelCollector *collector, ReportMel *mel);
/* A PNG, as base64 text; NULL if GStreamer lacks an encoder. */
gchar *report_mel_to_png (const ReportMel *mel);

typedef struct {
  gboolean live;       /* a file comes at its own speed */
  gboolean progress;   /* a bar on the terminal */
  const gchar *source; /* a file or a pipeline's description */
  gboolean is_file;
} ReportRun;

/* Runs it to its end.  @mel: n_columns 0 if there is nothing to show. */
gboolean report_run (const ReportRun *run, ReportMel *mel, GError **error);

/* ---- telling ---- */

/* All numbers.  @mel: n_columns 0 if there is none. */
JsonNode *report_to_json (const Report *report, const ReportMel *mel);
gchar *report_json_to_text (JsonNode *json);
/* For the terminal. */
gchar *report_to_text (JsonNode *json);
/* A page of its own.  @png: base64 or NULL. */
gchar *report_to_html (JsonNode *json, const gchar *png);

/* Charts: SVG or nothing but HTML, as wide as there is room. */
void report_chart_mel (GString *html, JsonObject *json, const gchar *png);
void report_chart_latency (GString *html, JsonObject *json);
void report_chart_windows (GString *html, JsonObject *json);
void report_chart_histogram (
    GString *html, JsonObject *stage, const gchar *path);
void report_chart_operations (GString *html, JsonObject *json);

extern const gchar report_style[];

/* @text with what HTML has a meaning for replaced. */
void report_append_text (GString *html, const gchar *text);
/* Three digits that matter, at least; whatever the locale. */
void report_append_number (GString *text, gdouble value);
/* A number of @json with its path in the page's data, so that it can be
 * checked. */
void report_append_member (
    GString *html, JsonObject *object, const gchar *path, const gchar *name);

G_END_DECLS
#endif /* NPU_REPORT_H */
