/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hidden-states.c: an application that opens the device itself, hands it to a
 * pipeline, and pulls the hidden states of a file out of an appsink.
 *
 *   hidden-states FILE [MODEL]
 *
 * prints a line for each window: its time, how much audio is in it, and the mean
 * and the norm of the states of that audio.
 */
#include <gst/app/app.h>
#include <gst/npu/npu.h>
#include <math.h>
#include <stdio.h>

/* An encoder position stands for 20 ms. */
#define POSITION_TIME (20 * GST_MSECOND)

static GstElement *
make_pipeline (const char *file, const char *model, GError **error)
{
  GstElement *pipeline =
      gst_parse_launch ("filesrc name=file ! decodebin ! npumel ! "
                        "npuwhisperenc name=encoder ! "
                        "appsink name=states sync=false",
          error);
  GstElement *element;

  if (pipeline == NULL)
    return NULL;
  element = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_object_set (element, "location", file, NULL);
  gst_object_unref (element);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "encoder");
  g_object_set (element, "model", model, NULL);
  gst_object_unref (element);
  return pipeline;
}

/* [positions][width] float32, of which the first positions heard audio; the
 * others saw silence. */
static void
print_window (GstSample *sample)
{
  GstStructure *caps = gst_caps_get_structure (gst_sample_get_caps (sample), 0);
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstClockTime duration = GST_BUFFER_DURATION (buffer);
  gsize valid = (duration + POSITION_TIME - 1) / POSITION_TIME;
  gint width = 0, positions = 0;
  double sum = 0, squares = 0;
  GstMapInfo map;

  gst_structure_get_int (caps, "width", &width);
  gst_structure_get_int (caps, "positions", &positions);
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  for (gsize i = 0; i < valid * width; i++) {
    double x = ((const float *) map.data)[i];

    sum += x;
    squares += x * x;
  }
  gst_buffer_unmap (buffer, &map);
  printf ("pts=%.3f duration=%.3f shape=%dx%d mean=%.6f norm=%.3f\n",
      (double) GST_BUFFER_PTS (buffer) / GST_SECOND,
      (double) duration / GST_SECOND, positions, width,
      sum / ((double) valid * width), sqrt (squares));
}

/* On the streaming thread, which waits for us. */
static GstFlowReturn
pull_window (GstAppSink *sink, gpointer user_data)
{
  GstSample *sample = gst_app_sink_pull_sample (sink);

  (void) user_data;
  if (sample != NULL) {
    print_window (sample);
    gst_sample_unref (sample);
  }
  return GST_FLOW_OK;
}

/* Waits for the end of the stream.  FALSE if an error was the end. */
static gboolean
wait_for_end (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gboolean ok = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  GError *error = NULL;

  if (!ok) {
    gst_message_parse_error (message, &error, NULL);
    fprintf (stderr, "%s\n", error->message);
    g_error_free (error);
  }
  gst_message_unref (message);
  gst_object_unref (bus);
  return ok;
}

/* The pipeline uses @context, and so may others at the same time. */
static gboolean
run (GstElement *pipeline, GstNpuContext *context)
{
  GstContext *carrier = gst_context_new_npu_context (context, TRUE);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "states");
  GstAppSinkCallbacks callbacks = { .new_sample = pull_window };
  gboolean ok;

  gst_element_set_context (pipeline, carrier);
  gst_context_unref (carrier);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, NULL, NULL);
  gst_object_unref (sink);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  ok = wait_for_end (pipeline);

  gst_element_set_state (pipeline, GST_STATE_NULL);
  return ok;
}

/* What the device is, and what it did. */
static void
print_stats (GstNpuContext *context)
{
  GstStructure *stats = gst_npu_context_get_stats (context);
  gchar *text = gst_structure_to_string (stats);

  fprintf (stderr, "%s\n", text);
  g_free (text);
  gst_structure_free (stats);
}

int
main (int argc, char **argv)
{
  GstElement *pipeline = NULL;
  GstNpuContext *context = NULL;
  GError *error = NULL;
  gboolean ok = FALSE;

  gst_init (&argc, &argv);
  if (argc != 2 && argc != 3) {
    fprintf (stderr, "Usage: hidden-states FILE [MODEL]\n");
    return 2;
  }

  context = gst_npu_context_new ("auto", &error);
  if (context != NULL)
    pipeline = make_pipeline (argv[1], argc == 3 ? argv[2] : NULL, &error);
  if (pipeline != NULL)
    ok = run (pipeline, context);
  else
    fprintf (stderr, "%s\n", error->message);
  if (ok)
    print_stats (context);

  g_clear_error (&error);
  gst_clear_object (&pipeline);
  gst_clear_object (&context);
  return ok ? 0 : 1;
}
