/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gst-npu-report: where the time of a pipeline goes, per window and stage.
 *
 * Runs a media file or a pipeline under the npu tracer, or reads what that
 * tracer wrote, and tells it as a page, as JSON or as a few lines.
 * Exit status: 0 done, 1 it could not be done, 2 wrong arguments.
 */
#include "npureport.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static gchar *opt_output;
static gboolean opt_live, opt_json;

static const GOptionEntry options[] = {
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &opt_output,
      "Write a page to FILE: one file, no network needed", "FILE" },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &opt_json,
      "Print all numbers as JSON instead of a summary", NULL },
  { "live", 'l', 0, G_OPTION_ARG_NONE, &opt_live,
      "Let a media file come at its own speed, as a live source would", NULL },
  G_OPTION_ENTRY_NULL
};

typedef enum { INPUT_FILE, INPUT_PIPELINE, INPUT_TRACE } InputKind;

/* Media files begin with neither bracket; traces do, after white space. */
static gboolean
looks_like_trace (const gchar *path)
{
  gchar start[64] = "";
  FILE *file = g_fopen (path, "rb");
  gsize n = file != NULL ? fread (start, 1, sizeof (start) - 1, file) : 0;
  gsize skip;

  if (file != NULL)
    fclose (file);
  start[n] = '\0';
  skip = strspn (start, " \t\r\n");
  return g_str_has_suffix (path, ".json") || start[skip] == '['
         || start[skip] == '{';
}

static gboolean
classify (gchar **words, InputKind *kind, gchar **source, GError **error)
{
  *source = g_strjoinv (" ", words);
  if (g_file_test (*source, G_FILE_TEST_IS_DIR)) {
    g_set_error (
        error, G_FILE_ERROR, G_FILE_ERROR_ISDIR, "\"%s\" is a folder", *source);
    return FALSE;
  }
  if (g_file_test (*source, G_FILE_TEST_EXISTS))
    *kind = looks_like_trace (*source) ? INPUT_TRACE : INPUT_FILE;
  else if (strchr (*source, '!') != NULL)
    *kind = INPUT_PIPELINE;
  else {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
        "There is no file \"%s\", and it is no pipeline: those have a \"!\"",
        *source);
    return FALSE;
  }
  if (opt_live && *kind != INPUT_FILE) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--live is for media files; a pipeline has a source of its own");
    return FALSE;
  }
  return TRUE;
}

/* Nothing must have been run for an hour when this is found out. */
static gboolean
check_output (GError **error)
{
  g_autofree gchar *folder = NULL;

  if (opt_output == NULL)
    return TRUE;
  folder = g_path_get_dirname (opt_output);
  if (!g_file_test (opt_output, G_FILE_TEST_IS_DIR)
      && g_access (folder, W_OK) == 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_ACCES,
      "The page cannot be written to \"%s\": %s", opt_output,
      g_file_test (opt_output, G_FILE_TEST_IS_DIR) ? "it is a folder"
                                                   : g_strerror (errno));
  return FALSE;
}

/* ---- a trace of one's own ---------------------------------------------- */

/* The tracer is started by GStreamer's initialisation. */
static void
ask_for_trace (const gchar *path)
{
  const gchar *others = g_getenv ("GST_TRACERS");
  g_autofree gchar *escaped = g_strescape (path, NULL);
  g_autofree gchar *tracers = g_strdup_printf ("%s%snpu(file=\"%s\")",
      others != NULL ? others : "", others != NULL ? ";" : "", escaped);

  g_setenv ("GST_TRACERS", tracers, TRUE);
}

/* Runs @source, and returns its report; @png, if there is a picture. */
static Report *
run_and_report (InputKind kind, const gchar *source, ReportMel *mel,
    gchar **png, GError **error)
{
  ReportRun run = { .live = opt_live,
    .progress = isatty (STDERR_FILENO),
    .source = source,
    .is_file = kind == INPUT_FILE };
  g_autofree gchar *folder = g_dir_make_tmp ("gst-npu-report-XXXXXX", error);
  g_autofree gchar *trace = NULL;
  Report *report = NULL;
  gboolean ok;

  if (folder == NULL)
    return NULL;
  trace = g_build_filename (folder, "trace.json", NULL);
  ask_for_trace (trace);
  gst_init (NULL, NULL);
  ok = report_run (&run, mel, error);
  if (ok && mel->n_columns > 0 && opt_output != NULL)
    *png = report_mel_to_png (mel);
  gst_deinit (); /* completes the trace */
  if (ok)
    report = report_new_from_trace (trace, error);
  if (report != NULL) {
    report->kind = kind == INPUT_FILE ? "file" : "pipeline";
    g_free (report->source);
    report->source = g_strdup (source);
  }
  g_unlink (trace);
  g_rmdir (folder);
  return report;
}

/* ---- main -------------------------------------------------------------- */

/* A page that is there is replaced when the new one is complete. */
static gboolean
tell (JsonNode *json, const gchar *png, GError **error)
{
  g_autofree gchar *text =
      opt_json ? report_json_to_text (json) : report_to_text (json);

  if (opt_output != NULL) {
    g_autofree gchar *page = report_to_html (json, png);

    if (!g_file_set_contents (opt_output, page, -1, error))
      return FALSE;
  }
  g_print ("%s\n", text);
  return TRUE;
}

static gboolean
make_report (gchar **words, GError **error)
{
  g_autofree gchar *source = NULL, *png = NULL;
  ReportMel mel = { 0 };
  InputKind kind;
  Report *report;
  gboolean ok;

  if (!classify (words, &kind, &source, error) || !check_output (error))
    return FALSE;
  report = kind == INPUT_TRACE
               ? report_new_from_trace (source, error)
               : run_and_report (kind, source, &mel, &png, error);
  ok = report != NULL;
  if (ok) {
    g_autoptr (JsonNode) json = report_to_json (report, &mel);

    ok = tell (json, png, error);
    report_free (report);
  }
  g_free (mel.values);
  return ok;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context =
      g_option_context_new ("FILE | PIPELINE | TRACE.json");
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (context,
      "Tells where the time of a pipeline with npumel and npuwhisperenc goes.\n"
      "\n"
      "  gst-npu-report speech.ogg -o report.html\n"
      "  gst-npu-report 'autoaudiosrc ! npumel ! npuwhisperenc ! fakesink'\n"
      "  gst-npu-report trace.json -o report.html");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("gst-npu-report: %s\n", error->message);
    return 2;
  }
  if (argc < 2) {
    g_printerr ("gst-npu-report: name a file, a pipeline or a trace: see "
                "--help\n");
    return 2;
  }
  if (make_report (argv + 1, &error))
    return 0;
  g_printerr ("gst-npu-report: %s\n", error->message);
  return 1;
}
