/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npureporttext.c: a summary for the terminal; how numbers are written. */
#include "npureport.h"

#include <math.h>
#include <string.h>

/* Three digits that matter, without an exponent. */
void
report_append_number (GString *text, gdouble value)
{
  gchar format[8], number[G_ASCII_DTOSTR_BUF_SIZE];
  gint decimals = 0;

  if (value != 0 && value != rint (value))
    decimals = CLAMP (2 - (gint) floor (log10 (fabs (value))), 0, 6);
  g_snprintf (format, sizeof (format), "%%.%df", decimals);
  g_string_append (
      text, g_ascii_formatd (number, sizeof (number), format, value));
}

static gdouble
get (JsonObject *object, const gchar *name)
{
  return json_object_has_member (object, name)
             ? json_object_get_double_member (object, name)
             : 0;
}

/* In a column. */
static void
append_cell (GString *text, JsonObject *object, const gchar *name)
{
  g_autoptr (GString) cell = g_string_new (NULL);

  if (json_object_has_member (object, name))
    report_append_number (cell, get (object, name));
  g_string_append_printf (text, " %9s", cell->str);
}

static void
append_head (GString *text, JsonObject *json)
{
  JsonObject *source = json_object_get_object_member (json, "source");
  JsonObject *realtime = json_object_get_object_member (json, "realtime");

  g_string_append_printf (text, "%-10s %s\n",
      json_object_get_string_member (source, "kind"),
      json_object_get_string_member (source, "name"));
  if (json_object_has_member (json, "encoder")) {
    JsonObject *encoder = json_object_get_object_member (json, "encoder");

    g_string_append_printf (text, "encoder    %s, %s on %s\n",
        json_object_get_string_member (encoder, "model"),
        json_object_get_string_member (encoder, "precision"),
        json_object_get_string_member (encoder, "device"));
  }
  g_string_append (text, "audio      ");
  report_append_number (text, get (realtime, "audio_s"));
  g_string_append (text, " s in ");
  report_append_number (text, get (realtime, "wall_s"));
  g_string_append (text, " s: ");
  report_append_number (text, get (realtime, "pipeline"));
  g_string_append (text, " x real time");
  if (json_object_has_member (realtime, "encoder")) {
    g_string_append (text, "; the encoder alone ");
    report_append_number (text, get (realtime, "encoder"));
    g_string_append (text, " x");
  }
  g_string_append_c (text, '\n');
}

static void
append_latency (GString *text, JsonObject *json)
{
  JsonObject *latency = json_object_get_object_member (json, "latency");
  JsonArray *reported = json_object_get_array_member (latency, "reported");

  g_string_append (text, "latency   ");
  for (guint i = 0; i < json_array_get_length (reported); i++) {
    JsonObject *one = json_array_get_object_element (reported, i);

    g_string_append_printf (
        text, " %s reports ", json_object_get_string_member (one, "element"));
    report_append_number (text, get (one, "min_ms"));
    g_string_append (text, " ms;");
  }
  if (json_object_has_member (latency, "measured")) {
    g_string_append (text, " measured p50 ");
    report_append_number (text,
        get (json_object_get_object_member (latency, "measured"), "p50_ms"));
    g_string_append (text, " ms, accumulated p50 ");
    report_append_number (text,
        get (json_object_get_object_member (latency, "accumulated"), "p50_ms"));
    g_string_append (text, " ms");
  }
  g_string_append_c (text, '\n');
}

static void
append_stages (GString *text, JsonObject *json)
{
  static const gchar *const columns[] = { "count", "total_ms", "mean_ms",
    "p50_ms", "p95_ms", "p99_ms", "max_ms" };
  JsonArray *stages = json_object_get_array_member (json, "stages");

  g_string_append_printf (text, "\n%-18s %-9s %9s %9s %9s %9s %9s %9s %9s\n",
      "times in ms", "stage", "count", "total", "mean", "p50", "p95", "p99",
      "max");
  for (guint i = 0; i < json_array_get_length (stages); i++) {
    JsonObject *stage = json_array_get_object_element (stages, i);

    g_string_append_printf (text, "%-18s %-9s",
        json_object_get_string_member (stage, "element"),
        json_object_get_string_member (stage, "stage"));
    for (guint column = 0; column < G_N_ELEMENTS (columns); column++)
      append_cell (text, stage, columns[column]);
    g_string_append_c (text, '\n');
  }
}

static void
append_operations (GString *text, JsonObject *json)
{
  static const gchar *const columns[] = { "mean_ms", "share", "gflops",
    "fraction_of_peak" };
  JsonArray *operations = json_object_get_array_member (json, "operations");

  if (json_array_get_length (operations) == 0)
    return;
  g_string_append_printf (text, "\n%-18s %9s %9s %9s %9s\n", "operation", "ms",
      "share", "GFLOP/s", "of peak");
  for (guint i = 0; i < json_array_get_length (operations); i++) {
    JsonObject *operation = json_array_get_object_element (operations, i);

    g_string_append_printf (
        text, "%-18s", json_object_get_string_member (operation, "name"));
    for (guint column = 0; column < G_N_ELEMENTS (columns); column++)
      append_cell (text, operation, columns[column]);
    g_string_append_c (text, '\n');
  }
}

gchar *
report_to_text (JsonNode *json)
{
  JsonObject *object = json_node_get_object (json);
  GString *text = g_string_new (NULL);

  append_head (text, object);
  append_latency (text, object);
  append_stages (text, object);
  append_operations (text, object);
  g_string_truncate (text, text->len - 1); /* the last line's end */
  return g_string_free (text, FALSE);
}
