/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputracesession.c: the one trace of the process.  It is static, so that a
 * hook that runs late finds it closed and not gone.
 */
#include "gstnputracesession.h"

#include "gstnputrace.h"
#include "npuprocessor.h"

#include <stdlib.h>
#include <unistd.h>

static GMutex lock;
static GstNpuTraceFile *trace_file; /* under lock, to n_elements */
static GQuark lanes_quark;          /* another for each trace */
static guint n_elements;

GstNpuTraceLanes *
gst_npu_trace_session_get_lanes (GstElement *element)
{
  GstNpuTraceLanes *lanes;
  gchar *name;

  g_mutex_lock (&lock);
  if (trace_file == NULL) {
    g_mutex_unlock (&lock);
    return NULL;
  }
  lanes = g_object_get_qdata (G_OBJECT (element), lanes_quark);
  if (lanes == NULL) {
    name = gst_object_get_name (GST_OBJECT (element));
    lanes = gst_npu_trace_lanes_new (trace_file, name, n_elements++);
    g_object_set_qdata_full (G_OBJECT (element), lanes_quark, lanes,
        (GDestroyNotify) gst_npu_trace_lanes_free);
    g_free (name);
  }
  return lanes;
}

void
gst_npu_trace_session_release (void)
{
  g_mutex_unlock (&lock);
}

void
gst_npu_trace_session_end (void)
{
  GstNpuTraceFile *file;

  atomic_store (&gst_npu_trace_listener, NULL);
  g_mutex_lock (&lock);
  file = g_steal_pointer (&trace_file);
  g_mutex_unlock (&lock);
  g_clear_pointer (&file, gst_npu_trace_file_free);
}

static void
describe_process (GstNpuTraceFile *file)
{
  gchar *processor = npu_processor_name ();
  gchar *gstreamer;
  const gchar *program = g_get_prgname ();
  guint major, minor, micro, nano;
  GString *args = g_string_new ("{\"name\":");
  GstNpuTraceEvent event = { .phase = GST_NPU_TRACE_METADATA,
    .track = (guint) getpid (),
    .name = "process_name" };

  gst_version (&major, &minor, &micro, &nano);
  gstreamer = g_strdup_printf ("%u.%u.%u", major, minor, micro);
  gst_npu_trace_append_string (args, program != NULL ? program : "gst-npu");
  gst_npu_trace_append_member (args, "gst-npu", PACKAGE_VERSION);
  gst_npu_trace_append_member (args, "gstreamer", gstreamer);
  gst_npu_trace_append_member (args, "processor", processor);
  g_string_append_c (args, '}');
  event.args = g_string_free (args, FALSE);
  gst_npu_trace_file_add (file, &event);
  g_free (gstreamer);
  g_free (processor);
}

gboolean
gst_npu_trace_session_is_open (void)
{
  gboolean there;

  g_mutex_lock (&lock);
  there = trace_file != NULL;
  g_mutex_unlock (&lock);
  return there;
}

void
gst_npu_trace_session_begin (GstNpuTraceFile *file)
{
  static guint n_traces;
  gchar *quark_name;

  describe_process (file);
  g_mutex_lock (&lock);
  if (n_traces == 0)
    atexit (
        gst_npu_trace_session_end); /* of processes that never call gst_deinit() */
  quark_name = g_strdup_printf ("gst-npu-trace-lanes-%u", n_traces++);
  lanes_quark = g_quark_from_string (quark_name);
  g_free (quark_name);
  n_elements = 0;
  trace_file = file;
  g_mutex_unlock (&lock);
}
