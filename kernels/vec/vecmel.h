/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecmel.h: log-mel frames (ref/mel.c), VEC_LANES frames at a time, one per lane.
 *
 * A lane's arithmetic does not depend on its neighbours, so frames come out the
 * same wherever a stream is cut; missing frames of a last group are zeros.
 */
#ifndef NPU_VECMEL_H
#define NPU_VECMEL_H

#include <string.h>

#include "vecdft400.h"

/* Samples that a group of frames looks at. */
#define GROUP_SAMPLES (NPU_MEL_HOP * (VEC_LANES - 1) + NPU_MEL_WINDOW)

_Static_assert(NPU_MEL_WINDOW % VEC_LANES == 0, "no rest in window_frames()");

/* Windows a group's frames and turns them so that lane l holds frame l. */
static void
window_frames (const NpuMelPlan *plan, const float *samples, Complex *z)
{
  vec v[VEC_LANES];

  for (unsigned n = 0; n < NPU_MEL_WINDOW; n += VEC_LANES) {
    vec window = vec_load (plan->window + n);

    for (unsigned i = 0; i < VEC_LANES; i++)
      v[i] = vec_load (samples + i * NPU_MEL_HOP + n) * window;
    vec_transpose (v);
    for (unsigned i = 0; i < VEC_LANES; i += 2)
      z[(n + i) / 2] = (Complex){ v[i], v[i + 1] };
  }
}

/* The logarithm of one band's energy. */
static vec
band_log (const NpuMelPlan *plan, const vec *power, unsigned band)
{
  const float *weights = plan->weights + plan->offset[band];
  const vec *bins = power + plan->first[band];
  vec energy = vec_zero ();

  for (unsigned i = 0; i < plan->count[band]; i++)
    energy = vec_fma (vec_set1 (weights[i]), bins[i], energy);
  energy *= vec_set1 (0.25f); /* see spectrum_power() */
  return vec_log10 (vec_max (energy, vec_set1 (NPU_MEL_FLOOR)));
}

/* The bands of a group of @n_frames <= VEC_LANES frames. */
static void
store_bands (
    const NpuMelPlan *plan, const vec *power, size_t n_frames, float *out)
{
  vec v[VEC_LANES];

  for (unsigned band = 0; band < plan->n_bands; band += VEC_LANES) {
    unsigned n = plan->n_bands - band;

    for (unsigned i = 0; i < VEC_LANES; i++)
      v[i] = i < n ? band_log (plan, power, band + i) : vec_zero ();
    vec_transpose (v);
    for (size_t i = 0; i < n_frames; i++)
      if (n >= VEC_LANES)
        vec_store (out + i * plan->n_bands + band, v[i]);
      else
        vec_store_n (out + i * plan->n_bands + band, v[i], n);
  }
}

static void
mel_group (
    const NpuMelPlan *plan, const float *samples, size_t n_frames, float *out)
{
  Complex z[DFT_SIZE];
  vec power[NPU_MEL_BINS];

  window_frames (plan, samples, z);
  dft400_power (plan, z, power);
  store_bands (plan, power, n_frames, out);
}

static void
mel (const NpuMelPlan *plan, const float *samples, size_t n_frames, float *out)
{
  float padded[GROUP_SAMPLES] = { 0.0f };
  size_t i = 0;

  for (; i + VEC_LANES <= n_frames; i += VEC_LANES)
    mel_group (
        plan, samples + i * NPU_MEL_HOP, VEC_LANES, out + i * plan->n_bands);
  if (i == n_frames)
    return;
  memcpy (padded, samples + i * NPU_MEL_HOP,
      ((n_frames - i - 1) * NPU_MEL_HOP + NPU_MEL_WINDOW) * sizeof (float));
  mel_group (plan, padded, n_frames - i, out + i * plan->n_bands);
}

#endif /* NPU_VECMEL_H */
