/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * context.c: the life of a context around running elements: what its statistics
 * tell, elements that come late, who may drop the last reference, and what a
 * forked child may do.
 */
#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gstnpucontext.h"
#include "gstnpuutils.h"

#define N_SAMPLES 16000
#define AUDIO_CAPS                                                             \
  "audio/x-raw, format=" GST_AUDIO_NE (                                        \
      F32) ", rate=16000, channels=1, layout=interleaved"
/* A window is a second long. */
#define ENCODER "npuwhisperenc model=synthetic:test audio-ctx=50 "
#define ENC_F32 "npumel ! " ENCODER "precision=f32"
#define ENC_INT8 "npumel ! " ENCODER "precision=int8"

static GstNpuContext *
new_context (void)
{
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);

  fail_unless (context != NULL);
  return context;
}

static GstHarness *
open_elements (const gchar *description)
{
  GstHarness *h = gst_harness_new_parse (description);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, AUDIO_CAPS);
  return h;
}

/* (transfer full) (nullable): the states of a second of audio. */
static GBytes *
encode (GstHarness *h)
{
  gfloat *samples = g_new (gfloat, N_SAMPLES);
  GstBuffer *buffer;
  GstMapInfo map;
  GBytes *states;

  for (guint i = 0; i < N_SAMPLES; i++)
    samples[i] = (gfloat) (i * 7919 % 20011) / 20011.0f - 0.5f;
  gst_harness_push (
      h, gst_buffer_new_wrapped (samples, N_SAMPLES * sizeof (gfloat)));
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_try_pull (h);
  if (buffer == NULL)
    return NULL;
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  states = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  return states;
}

static GstHarness *
open_and_encode (const gchar *description)
{
  GstHarness *h = open_elements (description);
  GBytes *states = encode (h);

  fail_unless (states != NULL);
  g_bytes_unref (states);
  return h;
}

/* ---- statistics -------------------------------------------------------- */

/* Checks every field of the statistics; returns the bytes of the weights. */
static guint64
check_stats (
    GstNpuContext *context, guint users, guint programs, guint64 windows)
{
  GstStructure *stats = gst_npu_context_get_stats (context);
  guint64 bytes = 0, n = 0, queue_time = 0;
  guint waiting = 0, m = 0;

  fail_unless_equals_string (
      gst_structure_get_name (stats), "npu-context-stats");
  fail_unless_equals_int (gst_structure_n_fields (stats), 9);
  fail_unless_equals_string (gst_structure_get_string (stats, "device"), "cpu");
  fail_unless_equals_string (
      gst_structure_get_string (stats, "backend"), "cpu");
  fail_unless (
      strstr (gst_structure_get_string (stats, "description"), " threads")
      != NULL);
  fail_unless (gst_structure_get_uint (stats, "users", &m));
  fail_unless_equals_int (m, users);
  fail_unless (gst_structure_get_uint (stats, "programs", &m));
  fail_unless_equals_int (m, programs);
  fail_unless (gst_structure_get_uint64 (stats, "windows", &n));
  fail_unless_equals_uint64 (n, windows);
  fail_unless (gst_structure_get_uint64 (stats, "packed-bytes", &bytes));
  fail_unless (gst_structure_get_uint64 (stats, "queue-time", &queue_time));
  fail_unless (gst_structure_get_uint (stats, "waiting", &waiting));
  /* One window after the other waits for none. */
  fail_unless_equals_uint64 (queue_time, 0);
  fail_unless_equals_int (waiting, 0);
  gst_structure_free (stats);
  return bytes;
}

GST_START_TEST (test_stats)
{
  GstNpuContext *context = new_context ();
  GstHarness *h[3];
  guint64 bytes;

  fail_unless_equals_uint64 (check_stats (context, 0, 0, 0), 0);
  h[0] = open_and_encode (ENC_F32);
  bytes = check_stats (context, 1, 1, 1);
  fail_unless (bytes > 0);

  /* The same weights once more cost nothing; in another precision they do. */
  h[1] = open_and_encode (ENC_F32);
  fail_unless_equals_uint64 (check_stats (context, 2, 1, 2), bytes);
  h[2] = open_and_encode (ENC_INT8);
  fail_unless (check_stats (context, 3, 2, 3) > bytes);
  gst_harness_teardown (h[2]);
  gst_harness_teardown (h[1]);
  fail_unless_equals_uint64 (check_stats (context, 1, 1, 3), bytes);
  gst_harness_teardown (h[0]);
  fail_unless_equals_uint64 (check_stats (context, 0, 0, 3), 0);
  gst_object_unref (context);
}
GST_END_TEST;

/* ---- elements that come late ------------------------------------------- */

static void
count_buffer (GstElement *sink, GstBuffer *buffer, GstPad *pad, gint *n)
{
  g_atomic_int_inc (n);
}

static GstBusSyncReply
count_have_context (GstBus *bus, GstMessage *message, gpointer n)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_HAVE_CONTEXT)
    g_atomic_int_inc ((gint *) n);
  return GST_BUS_PASS;
}

/* Adds a branch with an encoder to a pipeline that plays, and waits until it
 * has encoded something. */
static GstElement *
add_branch (GstElement *pipeline, GstElement *tee)
{
  GstElement *bin = gst_parse_bin_from_description (
      "queue ! " ENCODER "name=enc ! fakesink name=sink signal-handoffs=true "
      "async=false",
      TRUE, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (bin), "sink");
  gint n = 0;

  gulong handler =
      g_signal_connect (sink, "handoff", G_CALLBACK (count_buffer), &n);
  gst_bin_add (GST_BIN (pipeline), bin);
  fail_unless (gst_element_sync_state_with_parent (bin));
  fail_unless (gst_element_link (tee, bin));
  while (g_atomic_int_get (&n) == 0)
    g_usleep (1000);
  g_signal_handler_disconnect (sink, handler);
  gst_object_unref (sink);
  return bin;
}

static GstPadProbeReturn
unlink_branch (GstPad *pad, GstPadProbeInfo *info, gpointer unlinked)
{
  GstPad *peer = gst_pad_get_peer (pad);

  gst_pad_unlink (pad, peer);
  gst_object_unref (peer);
  g_atomic_int_set ((gint *) unlinked, TRUE);
  return GST_PAD_PROBE_REMOVE;
}

static void
remove_branch (GstElement *pipeline, GstElement *tee, GstElement *bin)
{
  GstPad *sink = gst_element_get_static_pad (bin, "sink");
  GstPad *src = gst_pad_get_peer (sink);
  gint unlinked = FALSE;

  gst_pad_add_probe (
      src, GST_PAD_PROBE_TYPE_IDLE, unlink_branch, &unlinked, NULL);
  while (!g_atomic_int_get (&unlinked))
    g_usleep (1000);
  gst_element_release_request_pad (tee, src);
  gst_object_unref (src);
  gst_object_unref (sink);
  gst_object_ref (bin);
  gst_bin_remove (GST_BIN (pipeline), bin);
  gst_element_set_state (bin, GST_STATE_NULL);
  gst_object_unref (bin);
}

static void
check_late_elements (GstElement *pipeline, GstNpuContext *context)
{
  GstElement *tee = gst_bin_get_by_name (GST_BIN (pipeline), "tee");

  check_stats (context, 0, 0, 0);
  for (guint i = 0; i < 3; i++) {
    GstElement *bin = add_branch (pipeline, tee);
    GstStructure *stats = gst_npu_context_get_stats (context);
    guint users = 0;

    fail_unless (gst_structure_get_uint (stats, "users", &users));
    fail_unless_equals_int (users, 1);
    gst_structure_free (stats);
    remove_branch (pipeline, tee, bin);
  }
  gst_object_unref (tee);
}

GST_START_TEST (test_late_elements)
{
  GstElement *pipeline = gst_parse_launch ("audiotestsrc samplesperbuffer=1600 "
                                           "! npumel ! tee name=tee ! queue ! "
                                           "fakesink",
      NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstNpuContext *context;
  gint n_made = 0;

  gst_bus_set_sync_handler (bus, count_have_context, &n_made, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE),
      GST_STATE_CHANGE_SUCCESS);
  /* That of npumel, which is the only one. */
  context = new_context ();
  ASSERT_OBJECT_REFCOUNT_BETWEEN (context, "context", 2, 4);
  check_late_elements (pipeline, context);
  /* The encoders needed to make none. */
  fail_unless_equals_int (n_made, 1);

  gst_element_set_state (pipeline, GST_STATE_NULL);
  ASSERT_OBJECT_REFCOUNT (context, "context", 1);
  gst_object_unref (context);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}
GST_END_TEST;

/* ---- the last reference ------------------------------------------------ */

static GstPadProbeReturn
end_probe (GstPad *pad, GstPadProbeInfo *info, gpointer context)
{
  return GST_PAD_PROBE_REMOVE;
}

/* On a streaming thread, after the context's workers ran. */
GST_START_TEST (test_last_reference_on_streaming_thread)
{
  GstElement *pipeline =
      gst_parse_launch ("fakesrc num-buffers=5 ! fakesink name=sink", NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstNpuContext *context = new_context ();
  GWeakRef weak;

  g_weak_ref_init (&weak, context);
  gst_harness_teardown (open_and_encode (ENC_F32 " threads=4"));
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, end_probe, context,
      (GDestroyNotify) gst_object_unref);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_message_unref (gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  fail_unless (g_weak_ref_get (&weak) == NULL);

  g_weak_ref_clear (&weak);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}
GST_END_TEST;

static gpointer
stop_and_unref (gpointer pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return NULL;
}

/* With a pipeline that made it and is stopped while it plays. */
GST_START_TEST (test_last_reference_with_pipeline)
{
  GstElement *pipeline =
      gst_parse_launch ("audiotestsrc ! " ENC_F32 " ! fakesink", NULL);
  GstNpuContext *context;
  GWeakRef weak;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE),
      GST_STATE_CHANGE_SUCCESS);
  context = new_context ();
  g_weak_ref_init (&weak, context);
  gst_object_unref (context);
  g_thread_join (g_thread_new ("stop", stop_and_unref, pipeline));
  fail_unless (g_weak_ref_get (&weak) == NULL);
  g_weak_ref_clear (&weak);
}
GST_END_TEST;

/* ---- forks ------------------------------------------------------------- */

/* What went wrong, told by the child's exit status. */
enum {
  CHILD_FINE,
  CHILD_GOT_NO_STATES,
  CHILD_GOT_OTHER_STATES,
  CHILD_USES_PARENTS_CONTEXT,
  CHILD_GOT_NO_CONTEXT
};

typedef struct {
  GstHarness *h; /* the parent's, open */
  GstNpuContext *context;
  GBytes *states;
} Parent;

static gint
compare_states (GstHarness *h, GBytes *expected)
{
  GBytes *states = encode (h);
  gint result = CHILD_GOT_NO_STATES;

  if (states != NULL) {
    result =
        g_bytes_equal (states, expected) ? CHILD_FINE : CHILD_GOT_OTHER_STATES;
    g_bytes_unref (states);
  }
  gst_harness_teardown (h);
  return result;
}

/* Elements of its own, on a device of its own. */
static gint
use_own (const Parent *parent)
{
  GstHarness *h = open_elements (ENC_F32);
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);

  if (context == NULL)
    return CHILD_GOT_NO_CONTEXT;
  if (context == parent->context)
    return CHILD_USES_PARENTS_CONTEXT;
  gst_object_unref (context);
  return compare_states (h, parent->states);
}

/* What it inherited, and drops. */
static gint
use_inherited (const Parent *parent)
{
  GstHarness *h = parent->h;

  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (h, gst_event_new_stream_start ("again"));
  gst_harness_set_src_caps_str (h, AUDIO_CAPS);
  return compare_states (h, parent->states);
}

static gint
drop_inherited (const Parent *parent)
{
  gst_harness_teardown (parent->h);
  gst_object_unref (parent->context);
  return CHILD_FINE;
}

static gint
ensure_own (const Parent *parent)
{
  GstElement *element = gst_element_factory_make ("identity", NULL);
  GstNpuContext *context = NULL;

  return gst_npu_ensure_element_context (element, "cpu", &context, NULL)
             ? CHILD_FINE
             : CHILD_GOT_NO_CONTEXT;
}

static gint
do_nothing (const Parent *parent)
{
  return CHILD_FINE;
}

/* Runs @run in a child.  A child that hangs is ended. */
static void
check_child (gint (*run) (const Parent *parent), const Parent *parent)
{
  gint status = -1;
  pid_t child = fork ();

  fail_if (child < 0);
  if (child == 0) {
    alarm (100);
    _exit (run (parent));
  }
  fail_unless (waitpid (child, &status, 0) == child);
  fail_unless (
      WIFEXITED (status), "the child ended by signal %d", WTERMSIG (status));
  fail_unless_equals_int (WEXITSTATUS (status), CHILD_FINE);
}

GST_START_TEST (test_fork_after_use)
{
  Parent parent = { open_elements (ENC_F32 " threads=4"), new_context (),
    NULL };

  parent.states = encode (parent.h);
  fail_unless (parent.states != NULL);
  check_child (do_nothing, &parent);
  check_child (use_own, &parent);
  check_child (use_inherited, &parent);
  check_child (drop_inherited, &parent);

  /* The parent goes on. */
  fail_unless_equals_int (use_inherited (&parent), CHILD_FINE);
  g_bytes_unref (parent.states);
  ASSERT_OBJECT_REFCOUNT (parent.context, "context", 1);
  gst_object_unref (parent.context);
}
GST_END_TEST;

typedef struct {
  GMutex lock;
  GCond cond;
  gboolean asked, may_answer;
} Question;

/* Holds the search for a context up. */
static GstBusSyncReply
answer_late (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Question *question = user_data;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_NEED_CONTEXT) {
    g_mutex_lock (&question->lock);
    question->asked = TRUE;
    g_cond_broadcast (&question->cond);
    while (!question->may_answer)
      g_cond_wait (&question->cond, &question->lock);
    g_mutex_unlock (&question->lock);
  }
  return GST_BUS_PASS;
}

static gpointer
go_ready (gpointer element)
{
  gst_element_set_state (element, GST_STATE_READY);
  return NULL;
}

/* Another thread is looking for a context when the child is made. */
GST_START_TEST (test_fork_while_searching)
{
  GstElement *element = gst_element_factory_make ("npumel", NULL);
  GstBus *bus = gst_bus_new ();
  Question question = { .asked = FALSE };
  Parent parent = { NULL, NULL, NULL };
  GThread *thread;

  g_mutex_init (&question.lock);
  g_cond_init (&question.cond);
  gst_element_set_bus (element, bus);
  gst_bus_set_sync_handler (bus, answer_late, &question, NULL);
  thread = g_thread_new ("search", go_ready, element);
  g_mutex_lock (&question.lock);
  while (!question.asked)
    g_cond_wait (&question.cond, &question.lock);
  g_mutex_unlock (&question.lock);

  check_child (ensure_own, &parent);

  g_mutex_lock (&question.lock);
  question.may_answer = TRUE;
  g_cond_broadcast (&question.cond);
  g_mutex_unlock (&question.lock);
  g_thread_join (thread);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_object_unref (bus);
  g_cond_clear (&question.cond);
  g_mutex_clear (&question.lock);
}
GST_END_TEST;

static Suite *
context_suite (void)
{
  Suite *s = suite_create ("context");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_stats);
  tcase_add_test (tc, test_late_elements);
  tcase_add_test (tc, test_last_reference_on_streaming_thread);
  tcase_add_test (tc, test_last_reference_with_pipeline);
  tcase_add_test (tc, test_fork_after_use);
  tcase_add_test (tc, test_fork_while_searching);
  return s;
}

GST_CHECK_MAIN (context)
