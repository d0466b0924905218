/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputracer.c: the tracer "npu".
 *
 *   GST_TRACERS="npu(file=trace.json)" gst-launch-1.0 …
 *   GST_TRACERS="npu(file=\"a b.json\",max-events=2000000);latency" …
 *
 * It learns the stages from the elements themselves (gstnputrace.h), and from
 * the core's hooks what goes in and out of them: a span "input" while a buffer
 * is pushed into npumel, a span "push" while an element waits for what is
 * downstream of it, and the answers to latency queries.  An input and the
 * window that it became part of are tied by a flow, whose number travels with
 * npumel's buffers.
 *
 * It installs no signal handler: those are the application's.  The file is
 * whole after every write anyway (gstnputracefile.h), and closed when
 * GStreamer or the process ends.
 */
#include "gstnputracer.h"

#include "gstnpumel.h"
#include "gstnputrace.h"
#include "gstnputracesession.h"
#include "gstnpuwhisperenc.h"

#include <string.h>

#define DEFAULT_FILE "npu-trace.json"
#define DEFAULT_MAX_EVENTS 1000000 /* 100 to 150 MB, about 3 h of audio */

struct _GstNpuTracer {
  GstTracer parent;
  gboolean active; /* the trace is this one's */
};

G_DEFINE_TYPE (GstNpuTracer, gst_npu_tracer, GST_TYPE_TRACER)

/* ---- what the elements tell -------------------------------------------- */

static void
on_span (GstElement *element, const gchar *stage, GstClockTime start,
    GstClockTime end)
{
  GstNpuTraceLanes *lanes = gst_npu_trace_session_get_lanes (element);

  if (lanes == NULL)
    return;
  gst_npu_trace_lanes_span (lanes, stage, stage, start, end, NULL);
  gst_npu_trace_session_release ();
}

static void
on_counter (GstElement *element, const gchar *name, gdouble value)
{
  GstNpuTraceLanes *lanes = gst_npu_trace_session_get_lanes (element);

  if (lanes == NULL)
    return;
  gst_npu_trace_lanes_counter (lanes, name, value);
  gst_npu_trace_session_release ();
}

static gchar *
describe_window (const GstNpuTraceWindow *window, guint threads)
{
  const NpuEncoderShape *shape = window->shape;
  GString *json = g_string_new (NULL);

  g_string_append_printf (json,
      "{\"window\":%" G_GUINT64_FORMAT ",\"pts_ns\":%" G_GUINT64_FORMAT
      ",\"duration_ns\":%" G_GUINT64_FORMAT ",\"frames\":%" G_GUINT64_FORMAT,
      window->index, window->pts, window->duration, window->frames);
  gst_npu_trace_append_member (json, "device", window->device);
  gst_npu_trace_append_member (json, "precision", window->precision);
  gst_npu_trace_append_member (json, "model", window->model);
  g_string_append_printf (json,
      ",\"threads\":%u,\"mels\":%u,\"width\":%u,\"ffn\":%u,\"layers\":%u"
      ",\"positions\":%u}",
      threads, shape->n_mels, shape->width, shape->ffn, shape->layers,
      window->positions);
  return g_string_free (json, FALSE);
}

/* What is known per operation is its sum over the layers, so the operations lie
 * end to end here, and not where they ran. */
static void
add_operations (GstNpuTraceLanes *lanes, const GstNpuTraceWindow *window)
{
  GstClockTime start = window->started;

  for (guint op = 0; op < NPU_N_OPS; op++) {
    gst_npu_trace_lanes_span (lanes, GST_NPU_TRACE_OPERATIONS, npu_op_name (op),
        start, start + window->op_ns[op], NULL);
    start += window->op_ns[op];
  }
}

/* Every input's flow ends in its window, just before the window does. */
static void
end_flows (GstNpuTraceLanes *lanes, GstClockTime time)
{
  for (guint i = 0; i < lanes->arrived->len; i++) {
    const GstNpuTraceFlows *flows =
        &g_array_index (lanes->arrived, GstNpuTraceFlows, i);

    for (guint64 id = flows->first; id <= flows->last; id++)
      gst_npu_trace_lanes_flow (
          lanes, GST_NPU_TRACE_FLOW_END, "window", time, id);
  }
  g_array_set_size (lanes->arrived, 0);
}

static void
on_window (GstElement *element, const GstNpuTraceWindow *window)
{
  GstClockTime busy = window->ended - window->started;
  GstNpuTraceLanes *lanes;
  guint threads;

  g_object_get (element, "threads", &threads, NULL);
  lanes = gst_npu_trace_session_get_lanes (element);
  if (lanes == NULL)
    return;
  gst_npu_trace_lanes_span (lanes, "window", "window", window->started,
      window->ended, describe_window (window, threads));
  end_flows (lanes, window->ended - busy / 2);
  add_operations (lanes, window);
  if (busy > 0)
    gst_npu_trace_lanes_counter (
        lanes, "realtime factor", (gdouble) window->duration / (gdouble) busy);
  gst_npu_trace_session_release ();
}

static const GstNpuTraceListener listener = { on_span, on_window, on_counter };

/* ---- what the core tells ----------------------------------------------- */

static GQuark
flows_quark (void)
{
  return g_quark_from_static_string ("gst-npu-trace-flows");
}

/* The elements that a push goes from and to, if they are ours.  Hooks run where
 * pads cannot lose their parents: in a push. */
static GstElement *
get_sender (GstPad *pad)
{
  GstObject *parent = GST_OBJECT_PARENT (pad);

  return GST_IS_NPU_MEL (parent) || GST_IS_NPU_WHISPER_ENC (parent)
             ? GST_ELEMENT_CAST (parent)
             : NULL;
}

static GstElement *
get_receiver (GstPad *pad)
{
  GstPad *peer = GST_PAD_PEER (pad);
  GstObject *parent = peer != NULL ? GST_OBJECT_PARENT (peer) : NULL;

  return GST_IS_NPU_MEL (parent) || GST_IS_NPU_WHISPER_ENC (parent)
             ? GST_ELEMENT_CAST (parent)
             : NULL;
}

/* npumel sends @buffer (NULL: something else): all that came in since the last
 * one is part of it. */
static void
begin_push (GstNpuTraceLanes *lanes, GstBuffer *buffer)
{
  lanes->push_started = gst_util_get_timestamp ();
  if (buffer == NULL || lanes->fresh.first >= lanes->next_flow)
    return;
  lanes->fresh.last = lanes->next_flow - 1;
  gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (buffer), flows_quark (),
      g_memdup2 (&lanes->fresh, sizeof (lanes->fresh)), g_free);
  lanes->fresh.first = lanes->next_flow;
}

static void
begin_input (GstNpuTraceLanes *lanes, GstBuffer *buffer)
{
  lanes->input_started = gst_util_get_timestamp ();
  lanes->input_pts = GST_BUFFER_PTS (buffer);
  lanes->input_duration = GST_BUFFER_DURATION (buffer);
  lanes->next_flow++;
}

static void
end_input (GstNpuTraceLanes *lanes, guint64 id)
{
  GstClockTime now = gst_util_get_timestamp ();
  GString *args = g_string_new ("{\"buffer\":");

  g_string_append_printf (args, "%" G_GUINT64_FORMAT, id & G_MAXUINT32);
  if (GST_CLOCK_TIME_IS_VALID (lanes->input_pts))
    g_string_append_printf (
        args, ",\"pts_ns\":%" G_GUINT64_FORMAT, lanes->input_pts);
  if (GST_CLOCK_TIME_IS_VALID (lanes->input_duration))
    g_string_append_printf (
        args, ",\"duration_ns\":%" G_GUINT64_FORMAT, lanes->input_duration);
  g_string_append_c (args, '}');
  gst_npu_trace_lanes_span (lanes, "input", "input", lanes->input_started, now,
      g_string_free (args, FALSE));
  /* Within the span, which has all that the input led to in it. */
  gst_npu_trace_lanes_flow (
      lanes, GST_NPU_TRACE_FLOW_START, "input", lanes->input_started + 1, id);
  lanes->input_started = GST_CLOCK_TIME_NONE;
}

static void
push_pre (GstPad *pad, GstBuffer *buffer)
{
  GstElement *sender = get_sender (pad), *receiver = get_receiver (pad);
  const GstNpuTraceFlows *flows = NULL;
  GstNpuTraceLanes *lanes;

  if (sender != NULL
      && (lanes = gst_npu_trace_session_get_lanes (sender)) != NULL) {
    begin_push (lanes, GST_IS_NPU_MEL (sender) ? buffer : NULL);
    gst_npu_trace_session_release ();
  }
  if (receiver == NULL
      || (lanes = gst_npu_trace_session_get_lanes (receiver)) == NULL)
    return;
  if (GST_IS_NPU_MEL (receiver))
    begin_input (lanes, buffer);
  else
    flows = gst_mini_object_get_qdata (
        GST_MINI_OBJECT_CAST (buffer), flows_quark ());
  if (flows != NULL)
    gst_npu_trace_lanes_add_arrived (lanes, flows);
  gst_npu_trace_session_release ();
}

static void
push_post (GstPad *pad)
{
  GstElement *sender = get_sender (pad), *receiver = get_receiver (pad);
  GstNpuTraceLanes *lanes;

  if (sender != NULL
      && (lanes = gst_npu_trace_session_get_lanes (sender)) != NULL) {
    if (GST_CLOCK_TIME_IS_VALID (lanes->push_started))
      gst_npu_trace_lanes_span (lanes, "push", "push", lanes->push_started,
          gst_util_get_timestamp (), NULL);
    lanes->push_started = GST_CLOCK_TIME_NONE;
    gst_npu_trace_session_release ();
  }
  if (receiver != NULL && GST_IS_NPU_MEL (receiver)
      && (lanes = gst_npu_trace_session_get_lanes (receiver)) != NULL) {
    if (GST_CLOCK_TIME_IS_VALID (lanes->input_started))
      end_input (lanes, lanes->next_flow - 1);
    gst_npu_trace_session_release ();
  }
}

static void
on_push_pre (GObject *self, GstClockTime time, GstPad *pad, GstBuffer *buffer)
{
  push_pre (pad, buffer);
}

static void
on_push_post (
    GObject *self, GstClockTime time, GstPad *pad, GstFlowReturn result)
{
  push_post (pad);
}

static void
on_push_list_pre (
    GObject *self, GstClockTime time, GstPad *pad, GstBufferList *list)
{
  if (gst_buffer_list_length (list) > 0)
    push_pre (pad, gst_buffer_list_get (list, 0));
}

static void
on_query_post (GObject *self, GstClockTime time, GstPad *pad, GstQuery *query,
    gboolean answered)
{
  GstElement *element = answered && GST_QUERY_TYPE (query) == GST_QUERY_LATENCY
                                && GST_PAD_IS_SRC (pad)
                            ? get_sender (pad)
                            : NULL;
  GstNpuTraceLanes *lanes =
      element != NULL ? gst_npu_trace_session_get_lanes (element) : NULL;
  GstClockTime min, max;
  gboolean live;

  if (lanes == NULL)
    return;
  gst_query_parse_latency (query, &live, &min, &max);
  gst_npu_trace_lanes_instant (lanes, GST_NPU_TRACE_REPORTED,
      g_strdup_printf ("{\"live\":%s,\"min_ns\":%" G_GUINT64_FORMAT "}",
          live ? "true" : "false", min));
  gst_npu_trace_session_release ();
}

/* ---- the object -------------------------------------------------------- */

/* Tools that describe plugins make a tracer too, and ask it for nothing. */
static gboolean
is_asked_for (const gchar *params)
{
  const gchar *tracers = g_getenv ("GST_TRACERS");

  return params != NULL || (tracers != NULL && strstr (tracers, "npu") != NULL);
}

/* NULL if there are none, after a warning if they cannot be understood. */
static GstStructure *
parse_params (GstNpuTracer *self)
{
  GstStructure *structure = NULL;
  gchar *params, *text;

  g_object_get (self, "params", &params, NULL);
  if (is_asked_for (params)) {
    text = g_strdup_printf (
        "npu%s%s", params != NULL ? "," : "", params != NULL ? params : "");
    structure = gst_structure_from_string (text, NULL);
    if (structure == NULL)
      g_warning ("The npu tracer does not understand \"%s\": write "
                 "GST_TRACERS='npu(file=\"trace.json\",max-events=1000000)'.",
          params);
    g_free (text);
  }
  g_free (params);
  return structure;
}

/* FALSE for a wrong one. */
static gboolean
get_max_events (const GstStructure *params, guint64 *max_events)
{
  gint value;

  *max_events = DEFAULT_MAX_EVENTS;
  if (!gst_structure_has_field (params, "max-events"))
    return TRUE;
  if (!gst_structure_get_int (params, "max-events", &value) || value < 0)
    return FALSE;
  *max_events = (guint64) value;
  return TRUE;
}

static GstNpuTraceFile *
open_trace_file (const GstStructure *params)
{
  const gchar *path = gst_structure_get_string (params, "file");
  GstNpuTraceFile *file;
  GError *error = NULL;
  guint64 max_events;

  if (!get_max_events (params, &max_events)) {
    g_warning ("The npu tracer's max-events is a whole number, 0 for no limit: "
               "nothing is traced.");
    return NULL;
  }
  file = gst_npu_trace_file_new (
      path != NULL ? path : DEFAULT_FILE, max_events, &error);
  if (file == NULL) {
    g_warning ("%s.  Nothing is traced; the pipeline goes on.", error->message);
    g_error_free (error);
  }
  return file;
}

static GstNpuTraceFile *
open_only_trace_file (GstNpuTracer *self)
{
  GstStructure *params = parse_params (self);
  GstNpuTraceFile *file = NULL;

  if (params != NULL && gst_npu_trace_session_is_open ())
    g_warning ("There is one npu trace in a process: the second is left out.");
  else if (params != NULL)
    file = open_trace_file (params);
  g_clear_pointer (&params, gst_structure_free);
  return file;
}

/* GStreamer makes its tracers one after the other. */
static void
gst_npu_tracer_constructed (GObject *object)
{
  static const struct {
    const gchar *name;
    GCallback callback;
  } hooks[] = { { "pad-push-pre", G_CALLBACK (on_push_pre) },
    { "pad-push-post", G_CALLBACK (on_push_post) },
    { "pad-push-list-pre", G_CALLBACK (on_push_list_pre) },
    { "pad-push-list-post", G_CALLBACK (on_push_post) },
    { "pad-query-post", G_CALLBACK (on_query_post) } };
  GstNpuTracer *self = GST_NPU_TRACER (object);
  GstNpuTraceFile *file;

  G_OBJECT_CLASS (gst_npu_tracer_parent_class)->constructed (object);
  file = open_only_trace_file (self);
  if (file == NULL)
    return;
  self->active = TRUE;
  gst_npu_trace_session_begin (file);
  atomic_store (&gst_npu_trace_listener, &listener);
  for (guint i = 0; i < G_N_ELEMENTS (hooks); i++)
    gst_tracing_register_hook (
        GST_TRACER (self), hooks[i].name, hooks[i].callback);
}

static void
gst_npu_tracer_finalize (GObject *object)
{
  if (GST_NPU_TRACER (object)->active)
    gst_npu_trace_session_end ();
  G_OBJECT_CLASS (gst_npu_tracer_parent_class)->finalize (object);
}

static void
gst_npu_tracer_class_init (GstNpuTracerClass *klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);

  gobject_class->constructed = gst_npu_tracer_constructed;
  gobject_class->finalize = gst_npu_tracer_finalize;
}

static void
gst_npu_tracer_init (GstNpuTracer *self)
{
}
