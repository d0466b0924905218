/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * multi.c: many streams at once in one process: the same states as alone, one
 * device, one copy of the weights, and nothing left of those that went.
 */
#include <gst/check/gstcheck.h>
#include <stdlib.h>
#include <unistd.h>

#include "gstnpucontext.h"
#include "leaksfixture.h"

#define N_STREAMS 8
#define N_THREADS 4
#define N_ROUNDS 3
/* Windows of a second, of which the audio fills 4.6. */
#define N_WINDOWS 5
#define AUDIO                                                                  \
  "audiotestsrc wave=ticks tick-interval=730000000 samplesperbuffer=1600 "
#define CAPS "audio/x-raw, rate=16000, channels=1 "
#define ENCODER "npuwhisperenc model=synthetic:tiny audio-ctx=50 "
#define SINK "fakesink signal-handoffs=true "
#define STREAM                                                                 \
  AUDIO "num-buffers=46 ! " CAPS "! npumel ! " ENCODER "! " SINK "name=sink"

/* What came to a sink. */
typedef struct {
  GChecksum *states;
  guint n_windows;
} Digest;

static void
digest_init (Digest *digest)
{
  digest->states = g_checksum_new (G_CHECKSUM_SHA256);
  digest->n_windows = 0;
}

static void
digest_clear (Digest *digest)
{
  g_checksum_free (digest->states);
}

/* On the streaming thread. */
static void
digest_add (GstElement *sink, GstBuffer *buffer, GstPad *pad, Digest *digest)
{
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_checksum_update (digest->states, map.data, (gssize) map.size);
  gst_buffer_unmap (buffer, &map);
  digest->n_windows++;
}

static GstElement *
open_stream (const gchar *description)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);

  fail_unless (pipeline != NULL && error == NULL);
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  return pipeline;
}

static void
listen_to (GstElement *pipeline, const gchar *name, Digest *digest)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);

  digest_init (digest);
  g_signal_connect (sink, "handoff", G_CALLBACK (digest_add), digest);
  gst_object_unref (sink);
}

static void
wait_for_end (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_object_unref (bus);
}

static void
close_stream (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* The digest of a stream that is alone, and the bytes of its weights. */
static gchar *
digest_alone (guint64 *packed_bytes)
{
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);
  GstElement *pipeline = open_stream (STREAM);
  GstStructure *stats = gst_npu_context_get_stats (context);
  Digest digest;
  gchar *text;

  fail_unless (gst_structure_get_uint64 (stats, "packed-bytes", packed_bytes));
  gst_structure_free (stats);
  listen_to (pipeline, "sink", &digest);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_end (pipeline);
  fail_unless_equals_int (digest.n_windows, N_WINDOWS);
  text = g_strdup (g_checksum_get_string (digest.states));
  digest_clear (&digest);
  close_stream (pipeline);
  gst_object_unref (context);
  return text;
}

static void
check_use (GstNpuContext *context, guint users, guint programs, guint64 bytes)
{
  GstStructure *stats = gst_npu_context_get_stats (context);
  guint n_users, n_programs;
  guint64 packed;

  fail_unless (gst_structure_get_uint (stats, "users", &n_users));
  fail_unless (gst_structure_get_uint (stats, "programs", &n_programs));
  fail_unless (gst_structure_get_uint64 (stats, "packed-bytes", &packed));
  fail_unless_equals_int (n_users, users);
  fail_unless_equals_int (n_programs, programs);
  fail_unless_equals_uint64 (packed, bytes);
  gst_structure_free (stats);
}

GST_START_TEST (test_eight_at_once)
{
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);
  GstElement *pipelines[N_STREAMS];
  Digest digests[N_STREAMS];
  guint64 bytes = 0;
  gchar *alone = digest_alone (&bytes);

  for (guint i = 0; i < N_STREAMS; i++) {
    pipelines[i] = open_stream (STREAM);
    listen_to (pipelines[i], "sink", &digests[i]);
  }
  fail_unless (bytes > 0);
  check_use (context, N_STREAMS, 1, bytes);

  for (guint i = 0; i < N_STREAMS; i++)
    gst_element_set_state (pipelines[i], GST_STATE_PLAYING);
  for (guint i = 0; i < N_STREAMS; i++)
    wait_for_end (pipelines[i]);
  for (guint i = 0; i < N_STREAMS; i++) {
    fail_unless_equals_int (digests[i].n_windows, N_WINDOWS);
    fail_unless_equals_string (
        g_checksum_get_string (digests[i].states), alone);
    digest_clear (&digests[i]);
    close_stream (pipelines[i]);
  }

  check_use (context, 0, 0, 0);
  ASSERT_OBJECT_REFCOUNT (context, "context", 1);
  gst_object_unref (context);
  g_free (alone);
}
GST_END_TEST;

/* Two encoders behind one npumel. */
GST_START_TEST (test_two_encoders)
{
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);
  guint64 bytes = 0;
  gchar *alone = digest_alone (&bytes);
  GstElement *pipeline =
      open_stream (AUDIO "num-buffers=46 ! " CAPS "! npumel ! tee name=tee  "
                         "tee. ! queue ! " ENCODER "! " SINK "name=one  "
                         "tee. ! queue ! " ENCODER "! " SINK "name=two");
  Digest digests[2];

  check_use (context, 2, 1, bytes);
  listen_to (pipeline, "one", &digests[0]);
  listen_to (pipeline, "two", &digests[1]);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_end (pipeline);
  for (guint i = 0; i < 2; i++) {
    fail_unless_equals_string (
        g_checksum_get_string (digests[i].states), alone);
    digest_clear (&digests[i]);
  }
  close_stream (pipeline);
  gst_object_unref (context);
  g_free (alone);
}
GST_END_TEST;

/* Other arithmetic needs other weights. */
GST_START_TEST (test_two_precisions)
{
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);
  GstElement *f32 =
      open_stream ("fakesrc ! " ENCODER "precision=f32 ! fakesink");
  GstElement *int8 =
      open_stream ("fakesrc ! " ENCODER "precision=int8 ! fakesink");
  GstElement *again =
      open_stream ("fakesrc ! " ENCODER "precision=f32 ! fakesink");
  GstStructure *stats = gst_npu_context_get_stats (context);
  guint users, programs;

  fail_unless (gst_structure_get_uint (stats, "users", &users));
  fail_unless (gst_structure_get_uint (stats, "programs", &programs));
  fail_unless_equals_int (users, 3);
  fail_unless_equals_int (programs, 2);
  gst_structure_free (stats);
  close_stream (f32);
  close_stream (again);
  close_stream (int8);
  check_use (context, 0, 0, 0);
  gst_object_unref (context);
}
GST_END_TEST;

/* ---- streams that come and go ------------------------------------------ */

/* Some play to their end, some are stopped before. */
static gpointer
come_and_go (gpointer expected)
{
  for (guint round = 0; round < N_ROUNDS; round++) {
    GstElement *pipeline = open_stream (STREAM);
    Digest digest;

    listen_to (pipeline, "sink", &digest);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    if (round % 2 == 0) {
      wait_for_end (pipeline);
      fail_unless_equals_string (
          g_checksum_get_string (digest.states), expected);
    }
    gst_element_set_state (pipeline, GST_STATE_NULL);
    digest_clear (&digest);
    gst_object_unref (pipeline);
  }
  return NULL;
}

static void
run_threads (gchar *expected)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("stream", come_and_go, expected);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

/* Beside one that plays all the time. */
static void
cycle (void)
{
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);
  guint64 bytes = 0;
  gchar *alone = digest_alone (&bytes);
  GstElement *stays =
      open_stream (AUDIO "! " CAPS "! npumel ! " ENCODER "! fakesink");

  gst_element_set_state (stays, GST_STATE_PLAYING);
  run_threads (alone);
  check_use (context, 1, 1, bytes);
  close_stream (stays);
  check_use (context, 0, 0, 0);
  ASSERT_OBJECT_REFCOUNT (context, "context", 1);
  gst_object_unref (context);
  g_free (alone);
}

GST_START_TEST (test_come_and_go)
{
  cycle ();
}
GST_END_TEST;

#ifdef MEASURE_MEMORY
static gsize
resident_bytes (void)
{
  gchar *text = NULL;
  gulong pages;

  fail_unless (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  pages = strtoul (strchr (text, ' '), NULL, 10);
  g_free (text);
  return pages * (gsize) sysconf (_SC_PAGESIZE);
}

/* What a stream needs is its weights (17 MB and more) and its activations.  If
 * one in ten of the last streams kept them, it would show. */
GST_START_TEST (test_memory_is_bounded)
{
  guint64 bytes = 0;
  gchar *alone = digest_alone (&bytes);
  gsize before;

  run_threads (alone);
  before = resident_bytes ();
  for (guint i = 0; i < 3; i++)
    run_threads (alone);
  fail_unless (resident_bytes () < before + 2 * bytes,
      "%" G_GSIZE_FORMAT " bytes, then %" G_GSIZE_FORMAT, before,
      resident_bytes ());
  g_free (alone);
}
GST_END_TEST;

#endif

GST_START_TEST (test_nothing_leaks)
{
  leaks_check (cycle);
}
GST_END_TEST;

static Suite *
multi_suite (void)
{
  Suite *s = suite_create ("multi");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  if (leaks_tracer_is_on ()) {
    tcase_add_test (tc, test_nothing_leaks);
    return s;
  }
  tcase_add_test (tc, test_eight_at_once);
  tcase_add_test (tc, test_two_encoders);
  tcase_add_test (tc, test_two_precisions);
  tcase_add_test (tc, test_come_and_go);
#ifdef MEASURE_MEMORY
  tcase_add_test (tc, test_memory_is_bounded);
#endif
  return s;
}

GST_CHECK_MAIN (multi)
