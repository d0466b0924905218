/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* leaksfixture.c: what the leaks tracer finds. */
#include "leaksfixture.h"

#include <gst/check/gstcheck.h>

/* How often, and after how long, GStreamer's threads are given the chance to
 * drop their last references. */
#define TRIES 10
#define PAUSE_US 1000000

static GstTracer *
find_leaks_tracer (void)
{
  GList *tracers = gst_tracing_get_active_tracers ();
  GstTracer *found = NULL;

  for (GList *l = tracers; l != NULL; l = l->next)
    if (g_str_equal (G_OBJECT_TYPE_NAME (l->data), "GstLeaksTracer"))
      found = gst_object_ref (l->data);
  g_list_free_full (tracers, gst_object_unref);
  return found;
}

/* The objects that were made while tracking and are still there, a line each. */
static GString *
live_objects (GstTracer *tracer)
{
  GString *text = g_string_new (NULL);
  GstStructure *live = NULL;
  const GValue *list;

  g_signal_emit_by_name (tracer, "get-live-objects", &live);
  list = gst_structure_get_value (live, "live-objects-list");
  for (guint i = 0; i < gst_value_list_get_size (list); i++) {
    gchar *object = gst_value_serialize (gst_structure_get_value (
        gst_value_get_structure (gst_value_list_get_value (list, i)),
        "object"));

    g_string_append_printf (text, "%s\n", object);
    g_free (object);
  }
  gst_structure_free (live);
  return text;
}

static void
free_string (GString *text)
{
  g_string_free (text, TRUE);
}

gboolean
leaks_tracer_is_on (void)
{
  GstTracer *tracer = find_leaks_tracer ();
  gboolean is_on = tracer != NULL;

  g_clear_object (&tracer);
  return is_on;
}

void
leaks_check (void (*cycle) (void))
{
  GstTracer *tracer = find_leaks_tracer ();
  GstStructure *created = NULL;
  const GValue *list;
  GString *text = NULL;

  fail_unless (tracer != NULL);
  cycle ();
  g_signal_emit_by_name (tracer, "activity-start-tracking");
  cycle ();
  g_signal_emit_by_name (tracer, "activity-get-checkpoint", &created);
  fail_unless (created != NULL);
  /* the check itself sees objects come … */
  list = gst_structure_get_value (created, "objects-created-list");
  fail_unless (gst_value_list_get_size (list) > 0);
  gst_structure_free (created);
  g_signal_emit_by_name (tracer, "activity-stop-tracking");

  /* … and none is there after them.  The tracer takes references of what it
   * lists, which must not happen while GStreamer's threads drop theirs. */
  for (guint i = 0; i < TRIES; i++) {
    g_usleep (PAUSE_US);
    g_clear_pointer (&text, free_string);
    text = live_objects (tracer);
    if (text->len == 0)
      break;
  }
  fail_unless (text->len == 0, "still there:\n%s", text->str);
  g_string_free (text, TRUE);
  gst_object_unref (tracer);
}
