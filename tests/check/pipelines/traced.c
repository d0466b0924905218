/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * traced.c: runs a pipeline to its end; trace.py starts it under tracers.
 *
 * Usage: traced [--exit] DESCRIPTION
 *   --exit  end without gst_deinit(), as many applications do
 * It installs no signal handler.
 */
#include <gst/gst.h>

#include <stdlib.h>
#include <string.h>

/* FALSE if it ended with an error. */
static gboolean
play (const gchar *description)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstBus) bus = NULL;

  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    return FALSE;
  }
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr ("%s\n", error->message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return error == NULL;
}

int
main (int argc, char **argv)
{
  gboolean leave_early = argc > 2 && strcmp (argv[1], "--exit") == 0;
  gboolean ok;

  gst_init (NULL, NULL);
  ok = play (argv[argc - 1]);
  if (!leave_early)
    gst_deinit ();
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
