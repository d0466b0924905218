/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrt-flight.c: runs that take a while: given up, freed, and waited for by
 * two threads while they are in flight.
 *
 * A machine that stops for longer than a run takes would make each of these
 * come too late; so each is tried several times, and must have come in time
 * once.
 */
#include <errno.h>
#include <string.h>

#include "xrtfixture.h"

#define RUN_MS 300
#define N_TRIES 20

static NpuXrtState
poll_state (Xrt *f, NpuXrtRun *run)
{
  NpuXrtState state;

  xrt_check_ok (f, f->api->run_state (run, &state, &f->error));
  return state;
}

static void
wait_for_completion (Xrt *f, NpuXrtRun *run)
{
  while (poll_state (f, run) != NPU_XRT_STATE_COMPLETED)
    g_usleep (10 * 1000);
}

/* XRT would end the process if the run were destroyed. */
static gboolean
free_in_flight (void)
{
  NpuXrtRun *run;
  gboolean left;
  gint code;
  Xrt f;

  xrt_init (&f);
  run = xrt_run_new (&f);
  xrt_check_ok (&f, f.api->run_start (run, &f.error));
  code = f.api->run_free (run, &f.error);
  left = code == EBUSY;
  if (left)
    fail_unless (!f.error.refused && strstr (f.error.text, "until the process"),
        "%s", f.error.text);
  else
    xrt_check_ok (&f, code);
  /* All else is given back as ever. */
  xrt_clear (&f);
  return left;
}

GST_START_TEST (test_freed_in_flight)
{
  guint tries = 0;

  while (!free_in_flight ())
    fail_unless (++tries < N_TRIES, "every run ended before it was freed");
}
GST_END_TEST;

static gboolean
give_up (void)
{
  NpuXrtState state;
  NpuXrtRun *run;
  gboolean in_time;
  gint code;
  Xrt f;

  xrt_init (&f);
  run = xrt_run_new (&f);
  xrt_check_ok (&f, f.api->run_start (run, &f.error));
  xrt_check_ok (&f, f.api->run_abort (run, &f.error));
  code = f.api->run_wait (run, NPU_XRT_MAX_SLICE_MS, &state, &f.error);
  in_time = code == ECANCELED;
  fail_unless (in_time ? !f.error.refused : code == 0, "%s", f.error.text);

  /* The device has gone on, and the run can be used again. */
  wait_for_completion (&f, run);
  xrt_check_ok (&f, f.api->run_start (run, &f.error));
  do
    xrt_check_ok (
        &f, f.api->run_wait (run, NPU_XRT_MAX_SLICE_MS, &state, &f.error));
  while (state != NPU_XRT_STATE_COMPLETED);
  xrt_check_ok (&f, f.api->run_free (run, &f.error));
  xrt_clear (&f);
  return in_time;
}

GST_START_TEST (test_given_up)
{
  guint tries = 0;

  while (!give_up ())
    fail_unless (++tries < N_TRIES, "every run ended before it was given up");
}
GST_END_TEST;

/* Runs keep the memory of their arguments; what a read of it is worth, a
 * sanitizer or valgrind says. */
GST_START_TEST (test_buffer_freed_in_flight)
{
  NpuXrtRun *run;
  void *out;
  Xrt f;

  xrt_init (&f);
  run = xrt_run_new (&f);
  xrt_check_ok (&f, f.api->buffer_map (f.out, &out, &f.error));
  xrt_check_ok (&f, f.api->run_start (run, &f.error));
  xrt_check_ok (&f, f.api->buffer_free (f.out, &f.error));
  xrt_check_ok (&f, f.api->buffer_free (f.in, &f.error));
  xrt_check_ok (&f, f.api->buffer_free (f.instructions, &f.error));
  wait_for_completion (&f, run);
  fail_unless_equals_int (*(const guint8 *) out, 0);
  xrt_check_ok (&f, f.api->run_free (run, &f.error));
  xrt_check_ok (&f, f.api->kernel_close (f.kernel, &f.error));
  xrt_check_ok (&f, f.api->context_close (f.context, &f.error));
  xrt_check_ok (&f, f.api->device_close (f.device, &f.error));
  g_byte_array_unref (f.xclbin);
}
GST_END_TEST;

typedef struct {
  const NpuXrtApi *api;
  NpuXrtRun *run;
  NpuXrtError error;
  gint code;
} Wait;

static gpointer
wait_in_thread (gpointer data)
{
  Wait *wait = data;
  NpuXrtState state;

  wait->code = wait->api->run_wait (
      wait->run, NPU_XRT_MAX_SLICE_MS, &state, &wait->error);
  return NULL;
}

/* Two threads wait, each for a run of the same context. */
static gboolean
wait_twice (void)
{
  Wait waits[2];
  GThread *thread;
  gboolean refused = FALSE;
  Xrt f;

  xrt_init (&f);
  for (guint i = 0; i < 2; i++) {
    waits[i].api = f.api;
    waits[i].run = xrt_run_new (&f);
    xrt_check_ok (&f, f.api->run_start (waits[i].run, &f.error));
  }
  thread = g_thread_new ("waiter", wait_in_thread, &waits[0]);
  wait_in_thread (&waits[1]);
  g_thread_join (thread);
  for (guint i = 0; i < 2; i++) {
    if (waits[i].code != 0) {
      fail_unless (waits[i].code == EBUSY && waits[i].error.refused, "%s",
          waits[i].error.text);
      fail_unless (!refused, "both were refused");
      refused = TRUE;
    }
    wait_for_completion (&f, waits[i].run);
    xrt_check_ok (&f, f.api->run_free (waits[i].run, &f.error));
  }
  xrt_clear (&f);
  return refused;
}

GST_START_TEST (test_one_waiter)
{
  guint tries = 0;

  while (!wait_twice ())
    fail_unless (++tries < N_TRIES, "no two threads waited at once");
}
GST_END_TEST;

static Suite *
npuxrt_flight_suite (void)
{
  Suite *suite = suite_create ("npuxrt-flight");
  TCase *tcase = tcase_create ("flight");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_freed_in_flight);
  tcase_add_test (tcase, test_given_up);
  tcase_add_test (tcase, test_buffer_freed_in_flight);
  tcase_add_test (tcase, test_one_waiter);
  return suite;
}

int
main (int argc, char **argv)
{
  return xrt_main (argc, argv, npuxrt_flight_suite, "npuxrt_flight", RUN_MS);
}
