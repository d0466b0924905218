/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npureporthtml.c: a page from a report's JSON, which it carries with it.
 *
 * Every number that comes from the JSON stands in a <data> element with its
 * path there, so that page and JSON can be compared (tests/check/report.py).
 * There are no scripts and nothing is loaded.
 */
#include "npureport.h"

#include <string.h>

void
report_append_text (GString *html, const gchar *text)
{
  g_autofree gchar *escaped = g_markup_escape_text (text, -1);

  g_string_append (html, escaped);
}

void
report_append_member (
    GString *html, JsonObject *object, const gchar *path, const gchar *name)
{
  gchar value[G_ASCII_DTOSTR_BUF_SIZE];
  gdouble number = json_object_get_double_member (object, name);

  g_string_append_printf (html, "<data value=\"%s\" data-path=\"%s.%s\">",
      g_ascii_dtostr (value, sizeof (value), number), path, name);
  report_append_number (html, number);
  g_string_append (html, "</data>");
}

static void
append_fact (GString *html, const gchar *name, const gchar *value)
{
  if (value == NULL || *value == '\0')
    return;
  g_string_append_printf (html, "<div><dt>%s</dt><dd>", name);
  report_append_text (html, value);
  g_string_append (html, "</dd></div>");
}

static void
append_facts (GString *html, JsonObject *json)
{
  JsonObject *source = json_object_get_object_member (json, "source");

  g_string_append (html, "<dl>");
  append_fact (html, "source", json_object_get_string_member (source, "name"));
  if (json_object_has_member (json, "encoder")) {
    JsonObject *encoder = json_object_get_object_member (json, "encoder");

    append_fact (
        html, "model", json_object_get_string_member (encoder, "model"));
    append_fact (html, "precision",
        json_object_get_string_member (encoder, "precision"));
    append_fact (
        html, "device", json_object_get_string_member (encoder, "device"));
  }
  append_fact (
      html, "processor", json_object_get_string_member (source, "processor"));
  append_fact (
      html, "gst-npu", json_object_get_string_member (source, "gst-npu"));
  append_fact (
      html, "GStreamer", json_object_get_string_member (source, "gstreamer"));
  g_string_append (html, "</dl>");
}

static void
append_tile (GString *html, JsonObject *object, const gchar *path,
    const gchar *name, const gchar *unit, const gchar *meaning)
{
  g_string_append (html, "<div class=\"tile\"><div class=\"big\">");
  report_append_member (html, object, path, name);
  g_string_append_printf (
      html, "<small> %s</small></div>%s</div>", unit, meaning);
}

static void
append_tiles (GString *html, JsonObject *json)
{
  JsonObject *realtime = json_object_get_object_member (json, "realtime");
  JsonObject *latency = json_object_get_object_member (json, "latency");

  g_string_append (html, "<section class=\"tiles\">");
  append_tile (
      html, realtime, "realtime", "pipeline", "×", "real time, whole pipeline");
  if (json_object_has_member (realtime, "encoder"))
    append_tile (
        html, realtime, "realtime", "encoder", "×", "real time, encoder alone");
  append_tile (html, realtime, "realtime", "audio_s", "s", "of audio");
  append_tile (html, realtime, "realtime", "wall_s", "s", "it took");
  if (json_object_has_member (latency, "measured"))
    append_tile (html, json_object_get_object_member (latency, "measured"),
        "latency.measured", "count", "", "windows");
  g_string_append (html, "</section>");
}

static void
append_stage_row (GString *html, JsonObject *stage, const gchar *path)
{
  static const gchar *const columns[] = { "count", "total_ms", "mean_ms",
    "p50_ms", "p95_ms", "p99_ms", "max_ms" };

  g_string_append (html, "<tr><th scope=\"row\">");
  report_append_text (html, json_object_get_string_member (stage, "element"));
  g_string_append_printf (
      html, " <b>%s</b></th>", json_object_get_string_member (stage, "stage"));
  for (guint i = 0; i < G_N_ELEMENTS (columns); i++) {
    g_string_append (html, "<td>");
    report_append_member (html, stage, path, columns[i]);
    g_string_append (html, "</td>");
  }
  g_string_append (html, "</tr>");
}

static void
append_stages (GString *html, JsonObject *json)
{
  JsonArray *stages = json_object_get_array_member (json, "stages");
  guint n = json_array_get_length (stages);

  g_string_append (html,
      "<section><h2>Stages</h2><div class=\"scroll\" tabindex=\"0\"><table>"
      "<thead><tr><th scope=\"col\">milliseconds</th><th>count</th>"
      "<th>total</th><th>mean</th><th>p50</th><th>p95</th><th>p99</th>"
      "<th>max</th></tr></thead><tbody>");
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *path = g_strdup_printf ("stages.%u", i);

    append_stage_row (html, json_array_get_object_element (stages, i), path);
  }
  g_string_append (html, "</tbody></table></div><div class=\"grid\">");
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *path = g_strdup_printf ("stages.%u", i);
    JsonObject *stage = json_array_get_object_element (stages, i);

    if (json_object_has_member (stage, "histogram"))
      report_chart_histogram (html, stage, path);
  }
  g_string_append (html,
      "</div><p class=\"note\">How often a stage took how long, on a "
      "logarithmic "
      "axis. Lines: half, 95 % and 99 % took less.</p></section>");
}

static void
append_sections (GString *html, JsonObject *json, const gchar *png)
{
  if (png != NULL) {
    g_string_append (html, "<section><h2>What was heard</h2>");
    report_chart_mel (html, json, png);
    g_string_append (html, "</section>");
  }
  g_string_append (html, "<section><h2>Windows over time</h2>");
  report_chart_windows (html, json);
  g_string_append (html, "</section><section><h2>Three latencies</h2>");
  report_chart_latency (html, json);
  g_string_append (html, "</section>");
  if (json_array_get_length (json_object_get_array_member (json, "operations"))
      > 0) {
    g_string_append (html, "<section><h2>Operations of the encoder</h2>");
    report_chart_operations (html, json);
    g_string_append (html, "</section>");
  }
  append_stages (html, json);
}

/* "</" would end the script element wherever it stands. */
static void
append_data (GString *html, JsonNode *json)
{
  g_autofree gchar *text = json_to_string (json, FALSE);

  g_string_append (html, "<script type=\"application/json\" id=\"report\">");
  for (const gchar *c = text; *c != '\0'; c++) {
    if (*c == '<')
      g_string_append (html, "\\u003c");
    else
      g_string_append_c (html, *c);
  }
  g_string_append (html, "</script>");
}

gchar *
report_to_html (JsonNode *json, const gchar *png)
{
  JsonObject *object = json_node_get_object (json);
  GString *html = g_string_new (
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\">"
      "<link rel=\"icon\" href=\"data:,\">"
      "<title>gst-npu report</title><style>");

  g_string_append (html, report_style);
  g_string_append (html,
      "</style></head>\n<body><main><header><h1>Where the time goes</h1>");
  append_facts (html, object);
  g_string_append (html, "</header>\n");
  append_tiles (html, object);
  append_sections (html, object, png);
  g_string_append (html,
      "</main>\n<footer>Made by gst-npu-report. docs/latency.md says what the "
      "words mean.</footer>");
  append_data (html, json);
  g_string_append (html, "</body></html>\n");
  return g_string_free (html, FALSE);
}
