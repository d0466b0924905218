/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * windowmemory.c: many windows of one program take memory for no more of them
 * than there are CPUs.  Not for builds with a sanitizer, which has memory of its
 * own.
 */
#include <gst/check/gstcheck.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "npubackend.h"
#include "whisperencoder.h"
#include "whispermodel.h"

#define MODEL "synthetic:test"
#define MELS 80

static void
encode (WhisperProgram *program, WhisperEncoder *encoder)
{
  gsize n = whisper_encoder_get_positions (encoder);
  gfloat *mel = g_new0 (gfloat, 2 * n * MELS);
  gfloat *states =
      g_new (gfloat, n * whisper_program_get_shape (program)->width);

  fail_unless (whisper_encoder_run (encoder, mel, 2 * n, states, NULL));
  g_free (states);
  g_free (mel);
}

static gdouble
resident_kb (void)
{
  FILE *file = fopen ("/proc/self/statm", "re");
  long pages = 0;

  fail_unless (file != NULL && fscanf (file, "%*d %ld", &pages) == 1);
  fclose (file);
  return (gdouble) pages * (gdouble) sysconf (_SC_PAGESIZE) / 1024;
}

/* Runs this process on one CPU, and returns those that it had. */
static cpu_set_t
use_one_cpu (void)
{
  cpu_set_t all, one;
  int cpu = 0;

  fail_unless_equals_int (sched_getaffinity (0, sizeof all, &all), 0);
  while (!CPU_ISSET (cpu, &all))
    cpu++;
  CPU_ZERO (&one);
  CPU_SET (cpu, &one);
  fail_unless_equals_int (sched_setaffinity (0, sizeof one, &one), 0);
  return all;
}

/* Windows that are open take no memory of their own: all others together take
 * less than the first. */
GST_START_TEST (test_memory_is_shared)
{
  WhisperEncoder *encoders[12];
  cpu_set_t all = use_one_cpu ();
  gdouble before, one_kb, all_kb;
  NpuBackend *backend = npu_cpu_backend_new (NULL, NULL);
  WhisperModel *model = whisper_model_open (MODEL, NULL);
  WhisperProgram *program =
      whisper_program_new (backend, model, NPU_PRECISION_AUTO, NULL);

  before = resident_kb ();
  for (guint i = 0; i < G_N_ELEMENTS (encoders); i++) {
    encoders[i] = whisper_encoder_new (program, 0, 0, NULL);
    encode (program, encoders[i]);
    if (i == 0)
      one_kb = resident_kb () - before;
  }
  all_kb = resident_kb () - before;
  fail_unless (one_kb > 1000, "a window takes %g kB only", one_kb);
  fail_unless (all_kb < 2 * one_kb, "one window takes %g kB, %u take %g kB",
      one_kb, (guint) G_N_ELEMENTS (encoders), all_kb);
  for (guint i = 0; i < G_N_ELEMENTS (encoders); i++)
    whisper_encoder_free (encoders[i]);
  whisper_program_free (program);
  whisper_model_unref (model);
  backend->ops->free (backend);
  sched_setaffinity (0, sizeof all, &all);
}
GST_END_TEST;

static Suite *
windowmemory_suite (void)
{
  Suite *suite = suite_create ("windowmemory");
  TCase *tcase = tcase_create ("memory");

  tcase_add_test (tcase, test_memory_is_shared);
  suite_add_tcase (suite, tcase);
  return suite;
}

GST_CHECK_MAIN (windowmemory);
