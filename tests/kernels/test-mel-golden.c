/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-mel-golden.c: real speech through the log-mel of every table, against
 * what OpenAI's reference code makes of it: 1e-4 after normalisation.
 *
 * NPU_TEST_DATA names the folder that holds golden/.
 */
#include "testutil.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_FRAMES 3000
#define N_BANDS 80
#define HISTORY (NPU_MEL_WINDOW / 2)
#define N_SAMPLES (NPU_MEL_HOP * (N_FRAMES - 1) + NPU_MEL_WINDOW)
#define MAX_ERROR 1e-4

static float golden[N_BANDS][N_FRAMES];
static float samples[N_SAMPLES]; /* sample 0 of the audio at HISTORY */

static FILE *
open_data (const char *data, const char *name)
{
  char path[4096];
  FILE *file;

  snprintf (path, sizeof path, "%s/golden/%s", data, name);
  file = fopen (path, "rb");
  if (!file) {
    perror (path);
    exit (EXIT_FAILURE);
  }
  return file;
}

/* 16-bit mono, as the file is known to be: whatever follows "data". */
static void
read_wav (const char *data)
{
  FILE *file = open_data (data, "jfk.wav");
  unsigned char chunk[8], bytes[2];
  size_t n = HISTORY;

  fseek (file, 12, SEEK_SET);
  while (fread (chunk, 1, 8, file) == 8 && memcmp (chunk, "data", 4) != 0)
    fseek (file, chunk[4] | chunk[5] << 8 | chunk[6] << 16, SEEK_CUR);
  for (; n < N_SAMPLES && fread (bytes, 1, 2, file) == 2; n++)
    samples[n] = (float) (int16_t) (bytes[0] | bytes[1] << 8) / 32768.0f;
  fclose (file);
  test_check (n == HISTORY + 176000, "jfk.wav has %zu samples", n - HISTORY);
  for (size_t i = 1; i <= HISTORY; i++)
    samples[HISTORY - i] = samples[HISTORY + i];
}

static void
read_golden (const char *data)
{
  FILE *file = open_data (data, "jfk.logmel.f32");

  test_check (fread (golden, sizeof golden, 1, file) == 1, "too short");
  fclose (file);
}

static void
check (const NpuKernels *c, const NpuKernels *kernels)
{
  static float out[N_FRAMES][N_BANDS];
  NpuMelPlan plan;
  float highest = -INFINITY;
  double error = 0.0;

  test_name ("%s mel of jfk.wav", kernels->isa);
  npu_mel_plan_init (&plan, N_BANDS);
  kernels->mel (&plan, samples, N_FRAMES, out[0]);
  for (size_t t = 0; t < N_FRAMES; t++)
    for (size_t b = 0; b < N_BANDS; b++)
      highest = fmaxf (highest, out[t][b]);
  for (size_t t = 0; t < N_FRAMES; t++)
    for (size_t b = 0; b < N_BANDS; b++) {
      float y = (fmaxf (out[t][b], highest - 8.0f) + 4.0f) / 4.0f;

      error = fmax (error, fabs ((double) y - golden[b][t]));
    }
  printf ("%s: max abs error %.3g\n", kernels->isa, error);
  test_check (
      error <= MAX_ERROR, "max abs error %g, bound %g", error, MAX_ERROR);
}

int
main (void)
{
  const char *data = getenv ("NPU_TEST_DATA");

  if (!data) {
    printf ("skipped: NPU_TEST_DATA is not set, so there is no golden data\n");
    return TEST_SKIPPED;
  }
  test_name ("golden data");
  read_wav (data);
  read_golden (data);
  npu_cpu_enter_float_mode ();
  test_each_isa (check);
  return test_result ();
}
