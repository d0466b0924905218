/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npureportcharts.c: the page's charts.
 *
 * Places along an axis are percentages of the width there is, everything else
 * is in pixels: so charts are as wide as the page, and their text is as large
 * as the rest, on a phone and on paper.
 */
#include "npureport.h"

#include <math.h>
#include <string.h>

#define ROW_HEIGHT 18
#define HISTOGRAM_HEIGHT 64
#define MAX_WINDOW_ROWS 60
#define MIN_PERCENT 0.15 /* so that what is short can be seen */

/* ---- small things ------------------------------------------------------ */

static void
append_percent (GString *html, const gchar *name, gdouble fraction)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (html, " %s=\"%s%%\"", name,
      g_ascii_formatd (text, sizeof (text), "%.3f", 100 * fraction));
}

/* Opens it: a title, which says the same in words, comes next. */
static void
begin_bar (GString *html, const gchar *class, gdouble start, gdouble width,
    gint height)
{
  g_string_append_printf (
      html, "<rect class=\"%s\" y=\"0\" height=\"%d\"", class, height);
  append_percent (html, "x", start);
  append_percent (html, "width", MAX (width, MIN_PERCENT / 100));
  g_string_append (html, "><title>");
}

static void
end_bar (GString *html)
{
  g_string_append (html, "</title></rect>");
}

static void
append_ms (GString *html, gdouble ms)
{
  report_append_number (html, ms);
  g_string_append (html, " ms");
}

/* 1, 2 or 5 times a power of ten: about five of them in @range. */
static gdouble
tick_step (gdouble range)
{
  gdouble power = pow (10, floor (log10 (range / 5)));

  if (range / power <= 7.5)
    return power;
  if (range / power <= 15)
    return 2 * power;
  return range / power <= 37.5 ? 5 * power : 10 * power;
}

static void
append_axis (GString *html, gdouble start, gdouble range, const gchar *unit)
{
  gchar format[8], text[G_ASCII_DTOSTR_BUF_SIZE];
  gdouble step;

  if (!(range > 0))
    return;
  step = tick_step (range);
  g_snprintf (format, sizeof (format), "%%.%df",
      CLAMP ((gint) ceil (-log10 (step) - 1e-9), 0, 6));
  g_string_append (html, "<svg class=\"axis\" width=\"100%\" height=\"26\" "
                         "aria-hidden=\"true\">");
  for (gdouble at = ceil (start / step) * step; at <= start + range * 1.0001;
       at += step) {
    gdouble x = (at - start) / range;
    const gchar *anchor = x < 0.04 ? "start" : x > 0.94 ? "end" : "middle";

    g_string_append (html, "<line y1=\"0\" y2=\"6\"");
    append_percent (html, "x1", x);
    append_percent (html, "x2", x);
    g_string_append_printf (
        html, "/><text y=\"20\" text-anchor=\"%s\"", anchor);
    append_percent (html, "x", x);
    g_string_append_printf (html, ">%s %s</text>",
        g_ascii_formatd (text, sizeof (text), format, at), unit);
  }
  g_string_append (html, "</svg>");
}

static gdouble
get (JsonObject *object, const gchar *name)
{
  return json_object_has_member (object, name)
             ? json_object_get_double_member (object, name)
             : 0;
}

/* ---- log-mel ----------------------------------------------------------- */

static void
append_window_marks (
    GString *html, JsonArray *windows, gdouble start, gdouble range)
{
  for (guint i = 0; i < json_array_get_length (windows); i++) {
    JsonObject *window = json_array_get_object_element (windows, i);
    gdouble x = (get (window, "audio_start_s") - start) / range;

    if (x <= 0 || x >= 1)
      continue;
    g_string_append (html, "<line y1=\"0\" y2=\"100%\"");
    append_percent (html, "x1", x);
    append_percent (html, "x2", x);
    g_string_append (html, "/>");
  }
}

void
report_chart_mel (GString *html, JsonObject *json, const gchar *png)
{
  JsonObject *mel = json_object_get_object_member (json, "mel");
  JsonArray *windows = json_object_get_array_member (json, "windows");
  gdouble start = get (mel, "start_s"), range = get (mel, "shown_s");

  g_string_append_printf (html,
      "<figure><div class=\"mel\"><img alt=\"Log-mel spectrogram, %d bands "
      "from "
      "low at the bottom to high, over time\" src=\"data:image/png;base64,%s\">"
      "<svg width=\"100%%\" height=\"100%%\" aria-hidden=\"true\">",
      (gint) get (mel, "bands"), png);
  append_window_marks (html, windows, start, range);
  g_string_append (html, "</svg></div>");
  append_axis (html, start, range, "s");
  g_string_append (html, "<figcaption>");
  report_append_member (html, mel, "mel", "frames");
  g_string_append (html, " frames of ");
  report_append_member (html, mel, "mel", "bands");
  g_string_append (html,
      " bands, low ones at the bottom; bright is loud. White lines: a window "
      "begins with new audio here.</figcaption></figure>");
}

/* ---- latency ----------------------------------------------------------- */

static void
append_latency_row (GString *html, const gchar *class, const gchar *label,
    gdouble ms, gdouble range, const gchar *path, JsonObject *object,
    const gchar *name, const gchar *meaning)
{
  g_string_append_printf (
      html, "<div class=\"row\"><div class=\"label\"><b>%s</b> ", label);
  report_append_member (html, object, path, name);
  g_string_append_printf (html,
      " ms</div><svg width=\"100%%\" height=\"%d\" role=\"img\">", ROW_HEIGHT);
  begin_bar (html, class, 0, range > 0 ? ms / range : 0, ROW_HEIGHT);
  g_string_append_printf (html, "%s: ", label);
  append_ms (html, ms);
  end_bar (html);
  g_string_append_printf (html, "</svg><p>%s</p></div>", meaning);
}

/* The answer of the last element that gave one: it has the others' in it. */
static JsonObject *
get_promise (JsonObject *latency, guint *index)
{
  JsonArray *reported = json_object_get_array_member (latency, "reported");
  guint n = json_array_get_length (reported);
  JsonObject *found = NULL;

  for (guint i = 0; i < n; i++) {
    JsonObject *one = json_array_get_object_element (reported, i);

    if (found == NULL || get (one, "min_ms") > get (found, "min_ms")) {
      found = one;
      *index = i;
    }
  }
  return found;
}

void
report_chart_latency (GString *html, JsonObject *json)
{
  JsonObject *latency = json_object_get_object_member (json, "latency");
  guint index = 0;
  JsonObject *promise = get_promise (latency, &index);
  g_autofree gchar *path = g_strdup_printf ("latency.reported.%u", index);
  gdouble range = promise != NULL ? get (promise, "min_ms") : 0;
  JsonObject *measured = NULL, *accumulated = NULL;

  if (json_object_has_member (latency, "measured")) {
    measured = json_object_get_object_member (latency, "measured");
    accumulated = json_object_get_object_member (latency, "accumulated");
    range = MAX (range, get (accumulated, "p50_ms"));
  }
  if (promise != NULL)
    append_latency_row (html, "reported", "Reported", get (promise, "min_ms"),
        range, path, promise, "min_ms",
        "What the elements promise to a latency query: how much later than it "
        "was heard a sound may come out, at most, in a live pipeline.");
  if (measured == NULL)
    return;
  append_latency_row (html, "measured", "Measured", get (measured, "p50_ms"),
      range, "latency.measured", measured, "p50_ms",
      "From the last audio of a window to its states: half of the windows took "
      "less. What is computed, without the waiting.");
  append_latency_row (html, "accumulated", "Accumulated",
      get (accumulated, "p50_ms"), range, "latency.accumulated", accumulated,
      "p50_ms",
      "From the first new audio of a window to its states: half of the windows "
      "took less. How old a sound is when its states come out.");
}

/* ---- windows ----------------------------------------------------------- */

static void
append_legend (GString *html)
{
  g_string_append (html, "<ul class=\"legend\">");
  for (ReportPart part = 0; part < REPORT_TOTAL; part++)
    g_string_append_printf (html,
        "<li><svg width=\"12\" height=\"12\" aria-hidden=\"true\"><rect "
        "class=\"%s\" width=\"12\" height=\"12\"/></svg>%s</li>",
        report_part_name (part), report_part_name (part));
  g_string_append (html, "</ul>");
}

static void
append_window (GString *html, JsonObject *window, guint index, gdouble start,
    gdouble range, gboolean with_element)
{
  gdouble at = get (window, "start_ms") - start;
  g_autofree gchar *path = g_strdup_printf ("windows.%u", index);

  g_string_append (html, "<div class=\"row\"><div class=\"label\">");
  if (with_element) {
    report_append_text (
        html, json_object_get_string_member (window, "element"));
    g_string_append_c (html, ' ');
  }
  g_string_append (html, "window ");
  report_append_member (html, window, path, "window");
  g_string_append (html, ": ");
  report_append_member (html, window, path, "total_ms");
  g_string_append_printf (html,
      " ms</div><svg width=\"100%%\" height=\"%d\" role=\"img\">", ROW_HEIGHT);
  for (ReportPart part = 0; part < REPORT_TOTAL; part++) {
    g_autofree gchar *name = g_strconcat (report_part_name (part), "_ms", NULL);
    gdouble ms = get (window, name);

    if (ms > 0) {
      begin_bar (
          html, report_part_name (part), at / range, ms / range, ROW_HEIGHT);
      g_string_append_printf (html, "%s ", report_part_name (part));
      append_ms (html, ms);
      end_bar (html);
    }
    at += ms;
  }
  g_string_append (html, "</svg></div>");
}

/* Windows are sorted by element. */
static gboolean
has_many_elements (JsonArray *windows)
{
  guint n = json_array_get_length (windows);

  return n > 0
         && !g_str_equal (
             json_object_get_string_member (
                 json_array_get_object_element (windows, 0), "element"),
             json_object_get_string_member (
                 json_array_get_object_element (windows, n - 1), "element"));
}

static void
append_activity (GString *html, JsonObject *lane)
{
  JsonArray *busy = json_object_get_array_member (lane, "busy");
  guint n = json_array_get_length (busy);

  g_string_append (html, "<div class=\"row\"><div class=\"label\">");
  report_append_text (html, json_object_get_string_member (lane, "element"));
  g_string_append_printf (
      html, " %s", json_object_get_string_member (lane, "stage"));
  g_string_append_printf (html,
      "</div><svg width=\"100%%\" height=\"%d\" role=\"img\" "
      "aria-label=\"how busy, over time\">",
      ROW_HEIGHT / 2);
  for (guint i = 0; i < n; i++) {
    gdouble fraction = json_array_get_double_element (busy, i);
    gchar text[G_ASCII_DTOSTR_BUF_SIZE];

    if (fraction <= 0)
      continue;
    g_string_append_printf (html,
        "<rect class=\"%s\" y=\"0\" height=\"%d\" fill-opacity=\"%s\"",
        json_object_get_string_member (lane, "stage"), ROW_HEIGHT / 2,
        g_ascii_formatd (
            text, sizeof (text), "%.2f", 0.15 + 0.85 * MIN (fraction, 1)));
    append_percent (html, "x", (gdouble) i / n);
    append_percent (html, "width", 1.0 / n);
    g_string_append (html, "/>");
  }
  g_string_append (html, "</svg></div>");
}

void
report_chart_windows (GString *html, JsonObject *json)
{
  JsonArray *windows = json_object_get_array_member (json, "windows");
  JsonObject *timeline = json_object_get_object_member (json, "timeline");
  JsonArray *lanes = json_object_get_array_member (timeline, "lanes");
  gdouble start = get (timeline, "start_ms");
  gdouble range = get (timeline, "length_ms");
  guint n = json_array_get_length (windows);
  gboolean many = has_many_elements (windows);

  if (!(range > 0))
    return;
  g_string_append (html, "<figure>");
  if (n > 0)
    append_legend (html);
  for (guint i = 0; i < MIN (n, MAX_WINDOW_ROWS); i++)
    append_window (html, json_array_get_object_element (windows, i), i, start,
        range, many);
  for (guint i = 0; i < json_array_get_length (lanes); i++)
    append_activity (html, json_array_get_object_element (lanes, i));
  g_string_append (
      html, "<div class=\"row\"><div class=\"label\">time</div><div>");
  append_axis (html, 0, range / 1e3, "s");
  g_string_append (html, "</div></div><figcaption>");
  if (n > MAX_WINDOW_ROWS)
    g_string_append_printf (
        html, "The first %d of %u windows. ", MAX_WINDOW_ROWS, n);
  g_string_append (html,
      "A bar is one window, from its first new audio to its states. The strips "
      "below are darker where a stage was busier; “push” is waiting for what "
      "is "
      "downstream.</figcaption></figure>");
}

/* ---- histograms -------------------------------------------------------- */

static void
append_buckets (GString *html, JsonArray *buckets)
{
  guint n = json_array_get_length (buckets);
  gint64 most = 1;

  for (guint i = 0; i < n; i++)
    most = MAX (most, json_object_get_int_member (
                          json_array_get_object_element (buckets, i), "count"));
  for (guint i = 0; i < n; i++) {
    JsonObject *bucket = json_array_get_object_element (buckets, i);
    gint64 count = json_object_get_int_member (bucket, "count");
    gint height = (gint) ((count * HISTOGRAM_HEIGHT + most - 1) / most);

    if (count == 0)
      continue;
    g_string_append_printf (html,
        "<rect class=\"bucket\" y=\"%d\" height=\"%d\"",
        HISTOGRAM_HEIGHT - height, height);
    append_percent (html, "x", (i + 0.04) / n);
    append_percent (html, "width", 0.92 / n);
    g_string_append_printf (html, "><title>%" G_GINT64_FORMAT " from ", count);
    report_append_number (html, get (bucket, "from_ms"));
    g_string_append (html, " to ");
    append_ms (html, get (bucket, "to_ms"));
    end_bar (html);
  }
}

/* Where @ms lies between the first bucket and the last, in logarithm. */
static gdouble
place (JsonArray *buckets, gdouble ms)
{
  guint n = json_array_get_length (buckets);
  gdouble low = get (json_array_get_object_element (buckets, 0), "from_ms");
  gdouble high = get (json_array_get_object_element (buckets, n - 1), "to_ms");

  if (!(ms > low) || !(low > 0))
    return 0;
  return MIN (log (ms / low) / log (high / low), 1);
}

void
report_chart_histogram (GString *html, JsonObject *stage, const gchar *path)
{
  static const gchar *const marks[] = { "p50", "p95", "p99" };
  JsonArray *buckets = json_object_get_array_member (stage, "histogram");
  guint n = json_array_get_length (buckets);

  g_string_append (html, "<figure class=\"small\"><figcaption><b>");
  report_append_text (html, json_object_get_string_member (stage, "element"));
  g_string_append_printf (
      html, "</b> %s × ", json_object_get_string_member (stage, "stage"));
  report_append_member (html, stage, path, "count");
  g_string_append_printf (html,
      "</figcaption><svg width=\"100%%\" height=\"%d\" role=\"img\" "
      "aria-label=\"how often which time was taken\">",
      HISTOGRAM_HEIGHT);
  append_buckets (html, buckets);
  for (guint i = 0; i < G_N_ELEMENTS (marks); i++) {
    g_autofree gchar *name = g_strconcat (marks[i], "_ms", NULL);

    g_string_append_printf (html, "<line class=\"%s\" y1=\"0\" y2=\"%d\"",
        marks[i], HISTOGRAM_HEIGHT);
    append_percent (html, "x1", place (buckets, get (stage, name)));
    append_percent (html, "x2", place (buckets, get (stage, name)));
    g_string_append_printf (html, "><title>%s ", marks[i]);
    append_ms (html, get (stage, name));
    g_string_append (html, "</title></line>");
  }
  g_string_append (html, "</svg><div class=\"ends\"><span>");
  append_ms (html, get (json_array_get_object_element (buckets, 0), "from_ms"));
  g_string_append (html, "</span><span>");
  append_ms (
      html, get (json_array_get_object_element (buckets, n - 1), "to_ms"));
  g_string_append (html, "</span></div></figure>");
}

/* ---- operations -------------------------------------------------------- */

static void
append_operation (
    GString *html, JsonObject *operation, const gchar *path, gdouble range)
{
  gdouble ms = get (operation, "mean_ms");

  g_string_append_printf (html,
      "<div class=\"row\"><div class=\"label\"><b>%s</b> ",
      json_object_get_string_member (operation, "name"));
  report_append_member (html, operation, path, "mean_ms");
  g_string_append (html, " ms<small>");
  if (json_object_has_member (operation, "gflops")) {
    report_append_member (html, operation, path, "gflops");
    g_string_append (html, " GFLOP/s");
  }
  if (json_object_has_member (operation, "fraction_of_peak")) {
    g_string_append (html, ", ");
    report_append_member (html, operation, path, "fraction_of_peak");
    g_string_append (html, " of peak");
  }
  g_string_append_printf (html,
      "</small></div><svg width=\"100%%\" height=\"%d\" role=\"img\">",
      ROW_HEIGHT);
  begin_bar (html, "operation", 0, ms / range, ROW_HEIGHT);
  append_ms (html, ms);
  end_bar (html);
  if (json_object_has_member (operation, "fraction_of_peak")) {
    gdouble at_peak = ms * get (operation, "fraction_of_peak");

    begin_bar (html, "peak", 0, at_peak / range, ROW_HEIGHT);
    g_string_append (html, "at the peak ");
    append_ms (html, at_peak);
    end_bar (html);
  }
  g_string_append (html, "</svg></div>");
}

void
report_chart_operations (GString *html, JsonObject *json)
{
  JsonArray *operations = json_object_get_array_member (json, "operations");
  gdouble range = 0;

  for (guint i = 0; i < json_array_get_length (operations); i++)
    range = MAX (
        range, get (json_array_get_object_element (operations, i), "mean_ms"));
  if (!(range > 0))
    return;
  g_string_append (html, "<figure>");
  for (guint i = 0; i < json_array_get_length (operations); i++) {
    g_autofree gchar *path = g_strdup_printf ("operations.%u", i);

    append_operation (
        html, json_array_get_object_element (operations, i), path, range);
  }
  g_string_append (html, "<figcaption>Mean time in a window, summed over the "
                         "layers. The inner part "
                         "is what the products would take if the processor did "
                         "nothing else at its "
                         "measured peak.</figcaption></figure>");
}
