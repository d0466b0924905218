/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mel.c: un-normalised log-mel frames by the definition of the DFT, summed in
 * double precision.
 *
 * A real signal's even part (x[n] + x[400 - n]) meets the cosines only, its odd
 * part the sines only, which halves the work; samples 0 and 200 have no partner.
 */
#include "npukernels-private.h"

#include <math.h>

#define HALF (NPU_MEL_WINDOW / 2)

/* power[k] = |DFT of x|^2 */
static void
power_spectrum (const NpuMelPlan *plan, const double x[NPU_MEL_WINDOW],
    double power[NPU_MEL_BINS])
{
  double even[HALF], odd[HALF];

  for (unsigned n = 1; n < HALF; n++) {
    even[n] = x[n] + x[NPU_MEL_WINDOW - n];
    odd[n] = x[n] - x[NPU_MEL_WINDOW - n];
  }
  for (unsigned k = 0; k < NPU_MEL_BINS; k++) {
    double re = x[0] + (k % 2 ? -x[HALF] : x[HALF]);
    double im = 0.0;

    for (unsigned n = 1, angle = k; n < HALF; n++) {
      re += even[n] * plan->cosine[angle];
      im += odd[n] * plan->sine[angle];
      angle += k;
      angle -= angle >= NPU_MEL_WINDOW ? NPU_MEL_WINDOW : 0;
    }
    power[k] = re * re + im * im;
  }
}

static void
mel_frame (const NpuMelPlan *plan, const float *samples, float *out)
{
  double x[NPU_MEL_WINDOW], power[NPU_MEL_BINS];

  for (unsigned n = 0; n < NPU_MEL_WINDOW; n++)
    x[n] = (double) samples[n] * plan->window[n];
  power_spectrum (plan, x, power);
  for (unsigned band = 0; band < plan->n_bands; band++) {
    double sum = 0.0;

    for (unsigned i = 0; i < plan->count[band]; i++)
      sum +=
          power[plan->first[band] + i] * plan->weights[plan->offset[band] + i];
    out[band] = sum > NPU_MEL_FLOOR ? (float) log10 (sum) : NPU_MEL_SILENCE;
  }
}

static void
mel (const NpuMelPlan *plan, const float *samples, size_t n_frames, float *out)
{
  for (size_t i = 0; i < n_frames; i++)
    mel_frame (plan, samples + i * NPU_MEL_HOP, out + i * plan->n_bands);
}

void
npu_ref_mel_init (NpuKernels *kernels)
{
  kernels->mel = mel;
}
