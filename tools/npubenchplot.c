/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubenchplot.c: the table as a picture: a bar for each row of log-mel and of
 * the encoder, whose bar is made of its operations.
 *
 * SVG with nothing but rectangles and text, in colours that people with any
 * kind of colour vision can tell apart (Okabe's and Ito's), light or dark as
 * the reader's system is.  GStreamer makes a PNG of it, where it can.
 */
#include "npubench.h"

#include <gst/gst.h>
#include <math.h>
#include <string.h>

#include "npuprocessor.h"

#define WIDTH 820
#define LABELS 210  /* left of the bars */
#define FIGURES 150 /* right of them */
#define BARS (WIDTH - LABELS - FIGURES)
#define ROW 24
#define BAR 16

static const gchar *const colours[NPU_N_OPS] = { "#cc79a7", "#0072b2",
  "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#999999" };

static const gchar style[] =
    "<style>text{font:13px system-ui,sans-serif;fill:#1b1f24}"
    ".soft{fill:#57606a}.title{font-size:17px;font-weight:bold}"
    ".paper{fill:#fff}.mel{fill:#0072b2}.line{stroke:#57606a}"
    "@media (prefers-color-scheme:dark){text{fill:#e6e9ee}.soft{fill:#9aa4b0}"
    ".paper{fill:#14171c}.line{stroke:#9aa4b0}}</style>";

typedef struct {
  GString *svg;
  gdouble y; /* of the next row */
} Plot;

/* ---- small things ------------------------------------------------------ */

static void
append_number (GString *svg, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (svg, g_ascii_formatd (text, sizeof (text),
                            value < 10 ? "%.2f" : "%.1f", value));
}

static void
append_attribute (GString *svg, const gchar *name, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (svg, " %s=\"%s\"", name,
      g_ascii_formatd (text, sizeof (text), "%.2f", value));
}

static void
append_text (
    Plot *plot, gdouble x, gdouble y, const gchar *class, const gchar *text)
{
  g_autofree gchar *escaped = g_markup_escape_text (text, -1);

  g_string_append_printf (plot->svg, "<text class=\"%s\"", class);
  append_attribute (plot->svg, "x", x);
  append_attribute (plot->svg, "y", y);
  g_string_append_printf (plot->svg, ">%s</text>\n", escaped);
}

static void
append_bar (Plot *plot, gdouble x, gdouble width, const gchar *paint,
    const gchar *name, gdouble ms)
{
  g_string_append_printf (plot->svg, "<rect %s", paint);
  append_attribute (plot->svg, "x", x);
  append_attribute (plot->svg, "y", plot->y);
  append_attribute (plot->svg, "width", width);
  g_string_append_printf (plot->svg, " height=\"%d\"><title>%s ", BAR, name);
  append_number (plot->svg, ms);
  g_string_append (plot->svg, " ms</title></rect>\n");
}

/* ---- rows -------------------------------------------------------------- */

static gboolean
is_shown (const BenchRow *row, const gchar *stage)
{
  return g_str_equal (row->stage, stage) && row->passed && row->skipped == NULL
         && row->time.median_ms > 0;
}

static gdouble
longest (const GArray *rows, const gchar *stage)
{
  gdouble ms = 0;

  for (guint i = 0; i < rows->len; i++) {
    const BenchRow *row = &g_array_index (rows, BenchRow, i);

    if (is_shown (row, stage))
      ms = MAX (ms, row->time.max_ms);
  }
  return ms;
}

/* The label before a bar and the figures behind it; from the shortest run to
 * the longest goes a line. */
static void
append_frame (
    Plot *plot, const BenchInput *input, const BenchRow *row, gdouble scale)
{
  g_autofree gchar *label = g_strdup_printf ("%s %s, %u thread%s", row->isa,
      row->precision, row->threads, row->threads == 1 ? "" : "s");
  g_autoptr (GString) figures = g_string_new (NULL);
  gdouble middle = plot->y + BAR / 2.0;

  append_text (plot, 10, plot->y + 13, "label", label);
  g_string_append (plot->svg, "<line class=\"line\"");
  append_attribute (plot->svg, "x1", LABELS + row->time.min_ms * scale);
  append_attribute (plot->svg, "x2", LABELS + row->time.max_ms * scale);
  append_attribute (plot->svg, "y1", middle);
  append_attribute (plot->svg, "y2", middle);
  g_string_append (plot->svg, "/>\n");
  append_number (figures, row->time.median_ms);
  g_string_append (figures, " ms, ");
  append_number (figures, input->positions * 20.0 / row->time.median_ms);
  g_string_append (figures, " ×");
  append_text (plot, LABELS + row->time.max_ms * scale + 8, plot->y + 13,
      "label", figures->str);
  plot->y += ROW;
}

/* @row is the encoder's, and its operations follow it. */
static void
append_encoder (
    Plot *plot, const BenchInput *input, const BenchRow *row, gdouble scale)
{
  gdouble x = LABELS, sum = 0;

  for (NpuOp op = 0; op < NPU_N_OPS; op++)
    sum += row[1 + op].time.median_ms;
  for (NpuOp op = 0; op < NPU_N_OPS && sum > 0; op++) {
    /* Medians of parts do not add up to the whole's; their shares do. */
    gdouble ms = row[1 + op].time.median_ms;
    gdouble width = ms / sum * row->time.median_ms * scale;
    g_autofree gchar *paint = g_strdup_printf ("fill=\"%s\"", colours[op]);

    append_bar (plot, x, width, paint, npu_op_name (op), ms);
    x += width;
  }
  append_frame (plot, input, row, scale);
}

static void
append_rows (
    Plot *plot, const BenchInput *input, const GArray *rows, const gchar *stage)
{
  gdouble max = longest (rows, stage);

  for (guint i = 0; i < rows->len && max > 0; i++) {
    const BenchRow *row = &g_array_index (rows, BenchRow, i);

    if (!is_shown (row, stage))
      continue;
    if (g_str_equal (stage, "encoder") && i + NPU_N_OPS < rows->len) {
      append_encoder (plot, input, row, BARS / max);
    } else {
      append_bar (plot, LABELS, row->time.median_ms * BARS / max,
          "class=\"mel\"", stage, row->time.median_ms);
      append_frame (plot, input, row, BARS / max);
    }
  }
}

static void
append_legend (Plot *plot)
{
  gdouble x = 10;

  for (NpuOp op = 0; op < NPU_N_OPS; op++) {
    g_string_append_printf (
        plot->svg, "<rect fill=\"%s\" width=\"12\" height=\"12\"", colours[op]);
    append_attribute (plot->svg, "x", x);
    append_attribute (plot->svg, "y", plot->y - 11);
    g_string_append (plot->svg, "/>");
    append_text (plot, x + 17, plot->y, "soft", npu_op_name (op));
    x += 34 + 7.2 * (gdouble) strlen (npu_op_name (op));
  }
  plot->y += 12;
}

/* ---- the picture ------------------------------------------------------- */

static void
append_head (Plot *plot, const BenchInput *input)
{
  g_autofree gchar *processor = npu_processor_name ();
  g_autofree gchar *facts = g_strdup_printf ("%s, %u threads; model %s",
      processor, npu_cpu_threads (), whisper_model_get_name (input->model));
  g_autoptr (GString) title = g_string_new ("Encoder, one window of ");

  append_number (title, input->positions * 0.02);
  g_string_append (title, " s: milliseconds, × real time");
  append_text (plot, 10, 26, "title", title->str);
  append_text (plot, 10, 47, "soft", facts);
  plot->y = 72;
  append_legend (plot);
}

static gchar *
draw (const BenchInput *input, const GArray *rows)
{
  Plot plot = { .svg = g_string_new (NULL) };
  GString *svg = g_string_new (NULL);

  append_head (&plot, input);
  append_rows (&plot, input, rows, "encoder");
  plot.y += 28;
  append_text (
      &plot, 10, plot.y, "title", "Log-mel of 30 s: milliseconds, × real time");
  plot.y += 14;
  append_rows (&plot, input, rows, "mel");
  plot.y += 14;
  append_text (&plot, 10, plot.y, "soft",
      "Bars: the median of all runs; lines: from the fastest to the slowest. "
      "Shorter is better.");

  g_string_append_printf (svg,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
      "viewBox=\"0 0 %d %.0f\" role=\"img\"><title>gst-npu-bench</title>%s"
      "<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n%s</svg>\n",
      WIDTH, plot.y + 14, WIDTH, plot.y + 14, style, plot.svg->str);
  g_string_free (plot.svg, TRUE);
  return g_string_free (svg, FALSE);
}

/* @svg as a PNG in @path, by GStreamer. */
static gboolean
convert (const gchar *svg, const gchar *path, GError **error)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "appsrc name=in caps=image/svg+xml format=time ! rsvgdec ! "
      "videoconvert ! pngenc snapshot=false ! filesink name=out",
      NULL);
  GstElement *in, *out;
  GstMessage *message;
  GstBuffer *buffer;
  GstFlowReturn flow;
  GstBus *bus;
  gboolean ok;

  if (pipeline == NULL || !GST_IS_BIN (pipeline)
      || (in = gst_bin_get_by_name (GST_BIN (pipeline), "in")) == NULL) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSYS,
        "A PNG needs GStreamer's rsvgdec and pngenc: write a .svg instead");
    return FALSE;
  }
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  g_object_set (out, "location", path, NULL);
  buffer = gst_buffer_new_memdup (svg, strlen (svg));
  GST_BUFFER_PTS (buffer) = 0;
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name (in, "push-buffer", buffer, &flow);
  g_signal_emit_by_name (in, "end-of-stream", &flow);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  ok = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  if (!ok)
    gst_message_parse_error (message, error, NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_message_unref (message);
  gst_buffer_unref (buffer);
  gst_object_unref (bus);
  gst_object_unref (out);
  gst_object_unref (in);
  return ok;
}

gboolean
bench_plot_check (const gchar *path, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (path);

  if (!g_str_has_suffix (path, ".svg") && !g_str_has_suffix (path, ".png")) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--plot writes a .svg or a .png, not \"%s\"", path);
    return FALSE;
  }
  if (g_file_test (folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
      "\"%s\" cannot be written: there is no folder \"%s\"", path, folder);
  return FALSE;
}

gboolean
bench_plot (const BenchInput *input, const GArray *rows, const gchar *path,
    GError **error)
{
  g_autofree gchar *svg = draw (input, rows);

  if (g_str_has_suffix (path, ".svg"))
    return g_file_set_contents (path, svg, -1, error);
  gst_init (NULL, NULL);
  return convert (svg, path, error);
}
