/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * process.c: what the elements leave of the process around them: the float
 * mode of the thread that calls them, and the processors it may use.
 */
#include "audiofixture.h"

#include <fenv.h>
#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>
#include <sched.h>

#include "cpu.h"
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#define N_SAMPLES 16000
/* Converting S16 is what leaves the flushing of denormals on in GStreamer's
 * own converter. */
#define CAPS                                                                   \
  "audio/x-raw, format=" GST_AUDIO_NE (                                        \
      S16) ", rate=16000, channels=1, layout=interleaved"
#define DESCRIPTION "npumel ! npuwhisperenc model=synthetic:test audio-ctx=50"

static GstHarness *
open_elements (const gchar *description)
{
  GstHarness *h = gst_harness_new_parse (description);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

/* Encodes a second of audio in this thread. */
static void
encode (GstHarness *h)
{
  gint16 *samples = g_new (gint16, N_SAMPLES);
  GstBuffer *buffer;

  for (guint i = 0; i < N_SAMPLES; i++)
    samples[i] = (gint16) (i * 7919 % 20011) - 10000;
  buffer = gst_buffer_new_wrapped (samples, N_SAMPLES * sizeof (gint16));

  GST_BUFFER_PTS (buffer) = 0;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 1);
}

/* No one else's: rounding towards zero and, where there are such, denormals
 * taken for zeros but not made so. */
static void
set_odd_mode (void)
{
  fail_unless_equals_int (fesetround (FE_TOWARDZERO), 0);
#ifdef __SSE__
  _mm_setcsr (_mm_getcsr () | 0x0040);
#endif
}

static guint
control_word (void)
{
#ifdef __SSE__
  return _mm_getcsr () & ~0x3fu; /* without the flags of what happened */
#else
  return 0;
#endif
}

GST_START_TEST (test_float_mode_is_kept)
{
  GstHarness *h = open_elements (DESCRIPTION);
  guint before;

  set_odd_mode ();
  before = control_word ();
  encode (h);
  fail_unless_equals_int (fegetround (), FE_TOWARDZERO);
  fail_unless_equals_int (control_word (), before);
  /* opening and closing neither */
  gst_harness_teardown (h);
  gst_harness_teardown (open_elements (DESCRIPTION));
  fail_unless_equals_int (fegetround (), FE_TOWARDZERO);
  fail_unless_equals_int (control_word (), before);
}
GST_END_TEST;

static guint
count_threads (void)
{
  GDir *tasks = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  fail_unless (tasks != NULL);
  while (g_dir_read_name (tasks) != NULL)
    n++;
  g_dir_close (tasks);
  return n;
}

/* Threads that encoding adds while its element is open. */
static guint
count_workers (const gchar *description)
{
  GstHarness *h = open_elements (description);
  guint before = count_threads (), after;

  encode (h);
  after = count_threads ();
  gst_harness_teardown (h);
  return after - before;
}

GST_START_TEST (test_one_processor_no_worker)
{
  cpu_set_t all, one;
  int cpu = 0;

  count_workers (DESCRIPTION); /* what GStreamer starts only once */
  fail_unless_equals_int (count_workers (DESCRIPTION), npu_cpu_threads () - 1);
  fail_unless_equals_int (count_workers (DESCRIPTION " threads=3"), 2);

  fail_unless_equals_int (sched_getaffinity (0, sizeof all, &all), 0);
  while (!CPU_ISSET (cpu, &all))
    cpu++;
  CPU_ZERO (&one);
  CPU_SET (cpu, &one);
  fail_unless_equals_int (sched_setaffinity (0, sizeof one, &one), 0);
  fail_unless_equals_int (count_workers (DESCRIPTION), 0);
  sched_setaffinity (0, sizeof all, &all);
}
GST_END_TEST;

static Suite *
process_suite (void)
{
  Suite *s = suite_create ("process");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_float_mode_is_kept);
  tcase_add_test (tc, test_one_processor_no_worker);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (process)
