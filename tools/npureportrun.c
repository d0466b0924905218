/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npureportrun.c: runs a pipeline to its end, with a progress bar.
 *
 * The trace is the npu tracer's, which was asked for before GStreamer was
 * initialised (gst-npu-report.c).  Ctrl-C ends the stream, as a live source has
 * no end of its own; a second one ends the program.
 */
#include "npureport.h"

#include <glib-unix.h>
#include <string.h>

#define BAR_WIDTH 30
#define BAR_INTERVAL (100 * GST_MSECOND)
/* For what is in the pipeline when Ctrl-C ends the stream. */
#define LAST_WORDS (30 * GST_SECOND)

static volatile gint interrupted;

static void
on_interrupt (int signal_number)
{
  g_atomic_int_set (&interrupted, 1);
  signal (signal_number, SIG_DFL);
}

/* ---- the bar ----------------------------------------------------------- */

static void
draw_bar (GstElement *pipeline, gint64 started)
{
  gint64 position = 0, duration = 0;
  gdouble elapsed = (gdouble) (g_get_monotonic_time () - started) / 1e6;
  gchar bar[BAR_WIDTH + 1];
  guint filled = 0;

  gst_element_query_position (pipeline, GST_FORMAT_TIME, &position);
  gst_element_query_duration (pipeline, GST_FORMAT_TIME, &duration);
  if (duration > 0)
    filled = (guint) (BAR_WIDTH * CLAMP (position, 0, duration) / duration);
  memset (bar, ' ', BAR_WIDTH);
  memset (bar, '#', filled);
  bar[BAR_WIDTH] = '\0';
  g_printerr ("\r[%s] %.1f s of audio in %.1f s ", bar,
      (gdouble) MAX (position, 0) / 1e9, elapsed);
}

static void
clear_bar (void)
{
  g_printerr ("\r%*s\r", BAR_WIDTH + 40, "");
}

/* ---- the pipeline ------------------------------------------------------ */

static GstElement *
parse (const gchar *description, GError **error)
{
  GError *cause = NULL;
  GstElement *pipeline = gst_parse_launch (description, &cause);

  if (cause != NULL) {
    g_clear_pointer (&pipeline, gst_object_unref);
    g_propagate_prefixed_error (
        error, cause, "The pipeline \"%s\" cannot be made: ", description);
  }
  return pipeline;
}

static GstElement *
new_file_pipeline (const ReportRun *run, GError **error)
{
  GstElement *pipeline =
      parse (run->live ? "filesrc name=report-file ! decodebin ! clocksync ! "
                         "npumel ! npuwhisperenc ! fakesink"
                       : "filesrc name=report-file ! decodebin ! npumel ! "
                         "npuwhisperenc ! fakesink",
          error);
  GstElement *source;

  if (pipeline == NULL)
    return NULL;
  source = gst_bin_get_by_name (GST_BIN (pipeline), "report-file");
  g_object_set (source, "location", run->source, NULL);
  gst_object_unref (source);
  return pipeline;
}

/* (transfer full): the first element of a factory, or NULL. */
static GstElement *
find_element (GstElement *pipeline, const gchar *factory)
{
  GstIterator *iter;
  GValue item = G_VALUE_INIT;
  GstElement *found = NULL;

  if (!GST_IS_BIN (pipeline))
    return NULL;
  iter =
      gst_bin_iterate_all_by_element_factory_name (GST_BIN (pipeline), factory);
  if (gst_iterator_next (iter, &item) == GST_ITERATOR_OK) {
    found = g_value_dup_object (&item);
    g_value_unset (&item);
  }
  gst_iterator_free (iter);
  return found;
}

static gboolean
has_our_elements (GstElement *pipeline, GError **error)
{
  static const gchar *const factories[] = { "npumel", "npuwhisperenc" };

  for (guint i = 0; i < G_N_ELEMENTS (factories); i++) {
    GstElement *element = find_element (pipeline, factories[i]);

    if (element != NULL) {
      gst_object_unref (element);
      return TRUE;
    }
  }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "The pipeline has neither npumel nor npuwhisperenc: there is nothing to "
      "report");
  return FALSE;
}

/* ---- running ----------------------------------------------------------- */

/* What elements say that the user should know. */
static void
print_warning (GstMessage *message)
{
  g_autoptr (GError) warning = NULL;

  gst_message_parse_warning (message, &warning, NULL);
  g_printerr ("gst-npu-report: %s: %s\n",
      GST_OBJECT_NAME (GST_MESSAGE_SRC (message)), warning->message);
}

/* An audio file's cover, or video beside the audio, need not be linked. */
static gboolean
is_harmless (GstMessage *message)
{
  g_autoptr (GError) warning = NULL;

  gst_message_parse_warning (message, &warning, NULL);
  return !g_error_matches (
      warning, GST_PARSE_ERROR, GST_PARSE_ERROR_DELAYED_LINK);
}

/* TRUE if @message is the last one. */
static gboolean
handle_message (GstElement *pipeline, GstMessage *message, GError **error)
{
  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_EOS:
      return TRUE;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, error, NULL);
      return TRUE;
    case GST_MESSAGE_WARNING:
      if (is_harmless (message)) {
        print_warning (message);
        return FALSE;
      }
      gst_message_parse_warning (message, error, NULL);
      return TRUE;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (pipeline));
      return FALSE;
    default:
      return FALSE;
  }
}

static void
wait_for_end (GstElement *pipeline, gboolean progress, GError **error)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  gint64 started = g_get_monotonic_time (), asked_to_end = 0;
  gboolean done = FALSE;

  while (!done) {
    GstMessage *message = gst_bus_timed_pop (bus, BAR_INTERVAL);

    if (message != NULL) {
      done = handle_message (pipeline, message, error);
      gst_message_unref (message);
    }
    if (g_atomic_int_get (&interrupted) && asked_to_end == 0) {
      asked_to_end = g_get_monotonic_time ();
      gst_element_send_event (pipeline, gst_event_new_eos ());
    }
    done |= asked_to_end != 0
            && g_get_monotonic_time () - asked_to_end
                   > (gint64) (LAST_WORDS / GST_USECOND);
    if (progress && !done)
      draw_bar (pipeline, started);
  }
  if (progress)
    clear_bar ();
  gst_object_unref (bus);
}

/* Asks what elements promise, so that the trace has the answers at the end of
 * the stream as well. */
static void
ask_for_latency (GstElement *pipeline)
{
  static const gchar *const factories[] = { "npumel", "npuwhisperenc" };

  for (guint i = 0; i < G_N_ELEMENTS (factories); i++) {
    GstElement *element = find_element (pipeline, factories[i]);
    GstQuery *query = gst_query_new_latency ();
    GstPad *pad;

    if (element != NULL) {
      pad = gst_element_get_static_pad (element, "src");
      gst_pad_query (pad, query);
      gst_object_unref (pad);
      gst_object_unref (element);
    }
    gst_query_unref (query);
  }
}

static gboolean
play (GstElement *pipeline, gboolean progress, GError **error)
{
  GError *cause = NULL;
  GstBus *bus;
  GstMessage *message;

  signal (SIGINT, on_interrupt);
  if (gst_element_set_state (pipeline, GST_STATE_PLAYING)
      != GST_STATE_CHANGE_FAILURE) {
    wait_for_end (pipeline, progress, &cause);
  } else {
    bus = gst_element_get_bus (pipeline);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    if (message != NULL)
      gst_message_parse_error (message, &cause, NULL);
    else
      g_set_error (&cause, GST_CORE_ERROR, GST_CORE_ERROR_STATE_CHANGE,
          "An element refused to start");
    gst_clear_message (&message);
    gst_object_unref (bus);
  }
  if (cause == NULL)
    ask_for_latency (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  signal (SIGINT, SIG_DFL);
  if (cause == NULL)
    return TRUE;
  g_propagate_prefixed_error (error, cause, "The pipeline failed: ");
  return FALSE;
}

gboolean
report_run (const ReportRun *run, ReportMel *mel, GError **error)
{
  g_autoptr (GstElement) pipeline = run->is_file
                                        ? new_file_pipeline (run, error)
                                        : parse (run->source, error);
  ReportMelCollector *collector = NULL;
  GstElement *element;
  gboolean ok;

  memset (mel, 0, sizeof (*mel));
  if (pipeline == NULL || !has_our_elements (pipeline, error))
    return FALSE;
  element = find_element (pipeline, "npumel");
  if (element != NULL)
    collector = report_mel_collector_new (element);
  ok = play (pipeline, run->progress, error);
  if (collector != NULL) {
    if (!report_mel_collector_get (collector, mel))
      mel->n_columns = 0;
    report_mel_collector_free (collector);
    gst_object_unref (element);
  }
  return ok;
}
