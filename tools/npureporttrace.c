/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npureporttrace.c: a trace of the npu tracer (Chrome trace-event JSON: an
 * array of events, or an object that has one) → Report.
 *
 * What is no event of the npu tracer is left alone, so a trace may have been
 * merged with others.
 */
#include "npureport.h"

#include <string.h>

#define TITLE_SEPARATOR ": " /* between element and stage in a track's name */
#define OPERATIONS "operations (sums over layers)"
#define PROMISE "reported latency"

static const gchar *const part_names[REPORT_N_PARTS] = { "wait", "queue",
  "upload", "run", "download", "total" };

const gchar *
report_part_name (ReportPart part)
{
  return part_names[part];
}

/* A span, and what it says of itself. */
typedef struct {
  ReportSpan span;
  const gchar *name;
  JsonObject *args; /* or NULL */
} Event;

/* A track: a thread of a process in the format's words. */
typedef struct {
  gchar *element, *stage; /* NULL until it is named */
  gint64 key;             /* the element's own, as names may be alike */
  GArray *events;         /* Event */
} Track;

static void
track_free (gpointer data)
{
  Track *track = data;

  g_array_unref (track->events);
  g_free (track->element);
  g_free (track->stage);
  g_free (track);
}

/* ---- members that may be missing or of another type --------------------- */

static const gchar *
get_string (JsonObject *object, const gchar *name)
{
  JsonNode *node =
      object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : "";
}

static gdouble
get_number (JsonObject *object, const gchar *name)
{
  JsonNode *node =
      object != NULL ? json_object_get_member (object, name) : NULL;
  GType type = node != NULL ? json_node_get_value_type (node) : G_TYPE_INVALID;

  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE
             ? json_node_get_double (node)
             : 0.0;
}

static gboolean
get_boolean (JsonObject *object, const gchar *name)
{
  JsonNode *node =
      object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN
         && json_node_get_boolean (node);
}

static JsonObject *
get_object (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
             ? json_node_get_object (node)
             : NULL;
}

/* ---- events → tracks --------------------------------------------------- */

static Track *
get_track (GHashTable *tracks, JsonObject *event)
{
  gint64 key = (gint64) get_number (event, "pid") << 32
               | (gint64) get_number (event, "tid");
  Track *track = g_hash_table_lookup (tracks, &key);

  if (track == NULL) {
    track = g_new0 (Track, 1);
    track->events = g_array_new (FALSE, FALSE, sizeof (Event));
    g_hash_table_insert (tracks, g_memdup2 (&key, sizeof (key)), track);
  }
  return track;
}

static void
name_track (Track *track, gdouble pid, JsonObject *args)
{
  const gchar *title = get_string (args, "name");
  const gchar *separator = g_strrstr (title, TITLE_SEPARATOR);

  if (separator == NULL || track->element != NULL)
    return;
  track->element = g_strndup (title, (gsize) (separator - title));
  track->stage = g_strdup (separator + strlen (TITLE_SEPARATOR));
  track->key = (gint64) pid << 32 | (gint64) get_number (args, "element");
}

static void
add_event (Track *track, JsonObject *object)
{
  Event event = { .name = get_string (object, "name"),
    .args = get_object (object, "args") };

  event.span.start = get_number (object, "ts") / 1e3;
  event.span.end = event.span.start + get_number (object, "dur") / 1e3;
  g_array_append_val (track->events, event);
}

static void
take_process (Report *report, JsonObject *args)
{
  if (args == NULL || !json_object_has_member (args, "gst-npu"))
    return;
  g_free (report->program);
  g_free (report->version);
  g_free (report->gstreamer);
  g_free (report->processor);
  report->program = g_strdup (get_string (args, "name"));
  report->version = g_strdup (get_string (args, "gst-npu"));
  report->gstreamer = g_strdup (get_string (args, "gstreamer"));
  report->processor = g_strdup (get_string (args, "processor"));
}

static void
take_event (Report *report, GHashTable *tracks, JsonObject *event)
{
  const gchar *phase = get_string (event, "ph");
  const gchar *name = get_string (event, "name");
  JsonObject *args = get_object (event, "args");

  if (g_str_equal (phase, "M") && g_str_equal (name, "thread_name"))
    name_track (get_track (tracks, event), get_number (event, "pid"), args);
  else if (g_str_equal (phase, "M") && g_str_equal (name, "process_name"))
    take_process (report, args);
  else if (g_str_equal (phase, "X") || g_str_equal (phase, "i"))
    add_event (get_track (tracks, event), event);
}

static gint
compare_events (gconstpointer a, gconstpointer b)
{
  const ReportSpan *x = &((const Event *) a)->span;
  const ReportSpan *y = &((const Event *) b)->span;

  return (x->start > y->start) - (x->start < y->start);
}

static gint
compare_titles (gconstpointer a, gconstpointer b)
{
  const Track *x = *(Track *const *) a, *y = *(Track *const *) b;
  gint order = g_strcmp0 (x->element, y->element);

  if (order == 0)
    order = (x->key > y->key) - (x->key < y->key);
  return order != 0 ? order : g_strcmp0 (x->stage, y->stage);
}

/* The second element of the same name, and those behind it, get a number. */
static void
tell_elements_apart (GPtrArray *tracks)
{
  GHashTable *keys = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, NULL); /* name → a track */

  for (guint i = 0; i < tracks->len; i++) {
    Track *track = g_ptr_array_index (tracks, i);
    const Track *first = g_hash_table_lookup (keys, track->element);

    if (first == NULL) {
      g_hash_table_insert (keys, g_strdup (track->element), track);
    } else if (first->key != track->key) {
      gchar *name = g_strdup_printf (
          "%s #%u", track->element, (guint) (track->key & G_MAXUINT32));

      g_free (track->element);
      track->element = name;
    }
  }
  g_hash_table_unref (keys);
}

/* Tracks with a name and events, sorted by name; each one's events by time. */
static GPtrArray *
sort_tracks (GHashTable *tracks)
{
  GPtrArray *sorted = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, tracks);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Track *track = value;

    if (track->element == NULL || track->events->len == 0)
      continue;
    g_array_sort (track->events, compare_events);
    g_ptr_array_add (sorted, track);
  }
  g_ptr_array_sort (sorted, compare_titles);
  tell_elements_apart (sorted);
  g_ptr_array_sort (sorted, compare_titles);
  return sorted;
}

/* ---- tracks → report --------------------------------------------------- */

static const Track *
find_track (GPtrArray *tracks, const gchar *element, const gchar *stage)
{
  for (guint i = 0; i < tracks->len; i++) {
    const Track *track = g_ptr_array_index (tracks, i);

    if (g_str_equal (track->element, element)
        && g_str_equal (track->stage, stage))
      return track;
  }
  return NULL;
}

static void
add_lane (Report *report, const Track *track)
{
  ReportLane *lane = g_new0 (ReportLane, 1);

  lane->element = g_strdup (track->element);
  lane->stage = g_strdup (track->stage);
  lane->spans = g_array_new (FALSE, FALSE, sizeof (ReportSpan));
  for (guint i = 0; i < track->events->len; i++)
    g_array_append_val (
        lane->spans, g_array_index (track->events, Event, i).span);
  g_ptr_array_add (report->lanes, lane);
}

static void
add_promise (Report *report, const Track *track)
{
  const Event *last =
      &g_array_index (track->events, Event, track->events->len - 1);
  ReportPromise *promise = g_new0 (ReportPromise, 1);

  promise->element = g_strdup (track->element);
  promise->live = get_boolean (last->args, "live");
  promise->min_ms = get_number (last->args, "min_ns") / 1e6;
  g_ptr_array_add (report->promises, promise);
}

static void
take_encoder (ReportEncoder *encoder, JsonObject *args)
{
  g_free (encoder->device);
  g_free (encoder->precision);
  g_free (encoder->model);
  encoder->device = g_strdup (get_string (args, "device"));
  encoder->precision = g_strdup (get_string (args, "precision"));
  encoder->model = g_strdup (get_string (args, "model"));
  encoder->threads = (guint) get_number (args, "threads");
  encoder->positions = (guint) get_number (args, "positions");
  encoder->shape.n_mels = (guint) get_number (args, "mels");
  encoder->shape.width = (guint) get_number (args, "width");
  encoder->shape.ffn = (guint) get_number (args, "ffn");
  encoder->shape.layers = (guint) get_number (args, "layers");
}

static void
take_operations (ReportWindow *window, const Track *track, guint index)
{
  for (guint i = 0; i < NPU_N_OPS; i++) {
    guint at = index * NPU_N_OPS + i;
    const Event *event;

    if (track == NULL || at >= track->events->len)
      return;
    event = &g_array_index (track->events, Event, at);
    for (NpuOp op = 0; op < NPU_N_OPS; op++)
      if (g_str_equal (event->name, npu_op_name (op)))
        window->op_ms[op] += event->span.end - event->span.start;
  }
}

/* An element tells all parts of every window, so the n-th spans of its tracks
 * belong together.  A trace that ended early may lack the last one's. */
static void
add_windows (Report *report, GPtrArray *tracks, const Track *windows)
{
  const Track *parts[REPORT_N_PARTS];
  const Track *operations = find_track (tracks, windows->element, OPERATIONS);
  guint n = windows->events->len;

  for (ReportPart part = 0; part < REPORT_N_PARTS; part++) {
    parts[part] = find_track (tracks, windows->element, part_names[part]);
    n = MIN (n, parts[part] != NULL ? parts[part]->events->len : 0);
  }
  for (guint i = 0; i < n; i++) {
    JsonObject *args = g_array_index (windows->events, Event, i).args;
    ReportWindow window = { .element = windows->element,
      .index = (gint64) get_number (args, "window"),
      .audio_start_s = get_number (args, "pts_ns") / 1e9,
      .audio_s = get_number (args, "duration_ns") / 1e9 };

    for (ReportPart part = 0; part < REPORT_N_PARTS; part++)
      window.parts[part] = g_array_index (parts[part]->events, Event, i).span;
    take_operations (&window, operations, i);
    take_encoder (&report->encoder, args);
    g_array_append_val (report->windows, window);
  }
}

static void
add_input (Report *report, const Track *track)
{
  for (guint i = 0; i < track->events->len; i++)
    report->audio_s +=
        get_number (g_array_index (track->events, Event, i).args, "duration_ns")
        / 1e9;
}

static void
fill_report (Report *report, GPtrArray *tracks)
{
  for (guint i = 0; i < tracks->len; i++) {
    const Track *track = g_ptr_array_index (tracks, i);

    if (g_str_equal (track->stage, PROMISE))
      add_promise (report, track);
    else if (!g_str_equal (track->stage, OPERATIONS))
      add_lane (report, track);
    if (g_str_equal (track->stage, "window"))
      add_windows (report, tracks, track);
    else if (g_str_equal (track->stage, "input"))
      add_input (report, track);
  }
  for (guint i = 0; i < report->windows->len; i++) {
    ReportWindow *window = &g_array_index (report->windows, ReportWindow, i);

    window->element = g_intern_string (window->element);
  }
}

/* ---- files ------------------------------------------------------------- */

static JsonArray *
get_events (JsonNode *root)
{
  JsonNode *node = root;

  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    node = json_object_get_member (json_node_get_object (root), "traceEvents");
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node)
             ? json_node_get_array (node)
             : NULL;
}

static void
take_events (Report *report, JsonArray *events)
{
  GHashTable *tracks =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, track_free);
  GPtrArray *sorted;

  for (guint i = 0; i < json_array_get_length (events); i++) {
    JsonNode *event = json_array_get_element (events, i);

    if (JSON_NODE_HOLDS_OBJECT (event))
      take_event (report, tracks, json_node_get_object (event));
  }
  sorted = sort_tracks (tracks);
  fill_report (report, sorted);
  g_ptr_array_unref (sorted);
  g_hash_table_unref (tracks);
}

static Report *
report_new (const gchar *path)
{
  Report *report = g_new0 (Report, 1);

  report->kind = "trace";
  report->source = g_strdup (path);
  report->lanes = g_ptr_array_new ();
  report->promises = g_ptr_array_new ();
  report->windows = g_array_new (FALSE, FALSE, sizeof (ReportWindow));
  return report;
}

Report *
report_new_from_trace (const gchar *path, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) cause = NULL;
  JsonArray *events;
  Report *report;

  if (!json_parser_load_from_file (parser, path, &cause)) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        "\"%s\" cannot be read as a trace: %s", path, cause->message);
    return NULL;
  }
  events = get_events (json_parser_get_root (parser));
  report = report_new (path);
  if (events != NULL)
    take_events (report, events);
  if (report->version != NULL && report->lanes->len > 0)
    return report;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
      "\"%s\" has nothing that the npu tracer wrote: make a trace with "
      "GST_TRACERS='npu(file=trace.json)' and a pipeline with npumel or "
      "npuwhisperenc",
      path);
  report_free (report);
  return NULL;
}

void
report_free (Report *report)
{
  for (guint i = 0; i < report->lanes->len; i++) {
    ReportLane *lane = g_ptr_array_index (report->lanes, i);

    g_array_unref (lane->spans);
    g_free (lane->element);
    g_free (lane->stage);
    g_free (lane);
  }
  for (guint i = 0; i < report->promises->len; i++) {
    ReportPromise *promise = g_ptr_array_index (report->promises, i);

    g_free (promise->element);
    g_free (promise);
  }
  g_ptr_array_unref (report->lanes);
  g_ptr_array_unref (report->promises);
  g_array_unref (report->windows);
  g_free (report->encoder.device);
  g_free (report->encoder.precision);
  g_free (report->encoder.model);
  g_free (report->source);
  g_free (report->program);
  g_free (report->version);
  g_free (report->gstreamer);
  g_free (report->processor);
  g_free (report);
}

const ReportLane *
report_get_lane (const Report *report, const gchar *element, const gchar *stage)
{
  for (guint i = 0; i < report->lanes->len; i++) {
    const ReportLane *lane = g_ptr_array_index (report->lanes, i);

    if (g_str_equal (lane->element, element)
        && g_str_equal (lane->stage, stage))
      return lane;
  }
  return NULL;
}
