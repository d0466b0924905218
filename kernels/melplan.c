/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * melplan.c: the constants of the log-mel front end, from their formulas.
 *
 * Slaney's mel scale is linear below 1000 Hz (200/3 Hz per mel) and logarithmic
 * above (27 mels for a factor of 6.4).  n_bands + 2 points lie evenly on it
 * from 0 to 8000 Hz; band b is the triangle over points b, b + 1, b + 2, scaled
 * to an area of one per Hz (2 / (upper - lower)).
 */
#include "npukernels.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define MEL_LINEAR_HZ (200.0 / 3.0)
#define MEL_BREAK_HZ 1000.0
#define MEL_BREAK (MEL_BREAK_HZ / MEL_LINEAR_HZ)
#define MELS_PER_FACTOR 27.0
#define FACTOR 6.4
#define BIN_HZ ((double) NPU_MEL_RATE / NPU_MEL_WINDOW)

static double
hz_to_mel (double hz)
{
  if (hz < MEL_BREAK_HZ)
    return hz / MEL_LINEAR_HZ;
  return MEL_BREAK + log (hz / MEL_BREAK_HZ) * MELS_PER_FACTOR / log (FACTOR);
}

static double
mel_to_hz (double mel)
{
  if (mel < MEL_BREAK)
    return mel * MEL_LINEAR_HZ;
  return MEL_BREAK_HZ
         * exp ((mel - MEL_BREAK) * log (FACTOR) / MELS_PER_FACTOR);
}

static double
point_hz (unsigned i, unsigned n_bands)
{
  return mel_to_hz (hz_to_mel (NPU_MEL_RATE / 2.0) * i / (n_bands + 1));
}

/* The weight of frequency @hz in the triangle, not above 0 outside of it. */
static double
triangle (double hz, double lower, double centre, double upper)
{
  double rise = (hz - lower) / (centre - lower);
  double fall = (upper - hz) / (upper - centre);

  return fmin (rise, fall) * 2.0 / (upper - lower);
}

/* Returns the offset of the next band's weights. */
static unsigned
init_band (NpuMelPlan *plan, unsigned band, unsigned offset)
{
  double lower = point_hz (band, plan->n_bands);
  double centre = point_hz (band + 1, plan->n_bands);
  double upper = point_hz (band + 2, plan->n_bands);

  plan->offset[band] = (uint16_t) offset;
  for (unsigned bin = 0; bin < NPU_MEL_BINS; bin++) {
    double weight = triangle (bin * BIN_HZ, lower, centre, upper);

    if (weight <= 0.0)
      continue;
    if (plan->count[band]++ == 0)
      plan->first[band] = (uint16_t) bin;
    plan->weights[offset++] = (float) weight;
  }
  return offset;
}

void
npu_mel_plan_init (NpuMelPlan *plan, unsigned n_bands)
{
  unsigned offset = 0;

  memset (plan, 0, sizeof *plan);
  plan->n_bands = n_bands;
  for (unsigned band = 0; band < n_bands; band++)
    offset = init_band (plan, band, offset);
  for (unsigned i = 0; i < NPU_MEL_WINDOW; i++) {
    double angle = 2.0 * PI * i / NPU_MEL_WINDOW;

    plan->window[i] = (float) (0.5 - 0.5 * cos (angle));
    plan->cosine[i] = (float) cos (angle);
    plan->sine[i] = (float) sin (angle);
  }
}
