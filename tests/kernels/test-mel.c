/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-mel.c: the log-mel frames of every table against the formulas in double
 * precision: dense filters, the DFT as it is defined, no shared tables.
 *
 * Bound: single precision leaves an error of up to A = 5e-7 of a frame's
 * greatest possible amplitude, sqrt (400 sum (w x)^2), in every bin.  A band's
 * energy is a weighted sum of squares, so its root is within A sqrt (sum of
 * weights) of the exact one; the logarithm adds 2e-6 of the root.
 */
#include "testutil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define MAX_FRAMES 40
#define SAMPLES(n_frames) (((n_frames) -1) * NPU_MEL_HOP + NPU_MEL_WINDOW)

static double filters[NPU_MEL_MAX_BANDS][NPU_MEL_BINS];
static double cosines[NPU_MEL_WINDOW];

/* Frequencies of mels: 66.7 Hz each up to 15, then 27 for a factor of 6.4. */
static double
slaney_hz (double mel)
{
  return mel <= 15.0 ? mel * 200.0 / 3.0
                     : 1000.0 * pow (6.4, (mel - 15.0) / 27.0);
}

static void
make_filters (unsigned n_bands)
{
  double top = 15.0 + 27.0 * log (8.0) / log (6.4);

  for (unsigned b = 0; b < n_bands; b++) {
    double low = slaney_hz (top * b / (n_bands + 1));
    double middle = slaney_hz (top * (b + 1) / (n_bands + 1));
    double high = slaney_hz (top * (b + 2) / (n_bands + 1));

    for (unsigned k = 0; k < NPU_MEL_BINS; k++) {
      double hz = 40.0 * k, height = 0.0;

      if (hz > low && hz <= middle)
        height = (hz - low) / (middle - low);
      else if (hz > middle && hz < high)
        height = (high - hz) / (high - middle);
      filters[b][k] = height / (0.5 * (high - low));
    }
  }
}

static void
check_plan (unsigned n_bands)
{
  NpuMelPlan plan;

  test_name ("mel plan of %u bands", n_bands);
  make_filters (n_bands);
  npu_mel_plan_init (&plan, n_bands);
  for (unsigned b = 0; b < n_bands; b++)
    for (unsigned k = 0; k < NPU_MEL_BINS; k++) {
      unsigned i = k - plan.first[b];
      double weight = k >= plan.first[b] && i < plan.count[b]
                          ? plan.weights[plan.offset[b] + i]
                          : 0.0;

      test_check (
          fabs (weight - filters[b][k]) <= 0x1p-24 * filters[b][k] + 1e-15,
          "band %u bin %u weighs %.12g, not %.12g", b, k, weight,
          filters[b][k]);
    }
  for (unsigned i = 0; i < NPU_MEL_WINDOW; i++) {
    double half = sin (PI * i / NPU_MEL_WINDOW);

    test_check (fabs (plan.window[i] - half * half) <= 1e-7, "window %u", i);
  }
}

/* |DFT|^2 of the windowed frame; returns the bound of a bin's amplitude. */
static double
spectrum (const float *samples, double power[NPU_MEL_BINS])
{
  double x[NPU_MEL_WINDOW], energy = 0.0;

  for (unsigned n = 0; n < NPU_MEL_WINDOW; n++) {
    x[n] = samples[n] * (0.5 - 0.5 * cosines[n]);
    energy += x[n] * x[n];
  }
  for (unsigned k = 0; k < NPU_MEL_BINS; k++) {
    double re = 0.0, im = 0.0;

    for (unsigned n = 0; n < NPU_MEL_WINDOW; n++) {
      re += x[n] * cosines[k * n % 400];
      im += x[n] * cosines[(k * n + 100) % 400];
    }
    power[k] = re * re + im * im;
  }
  return sqrt (400.0 * energy);
}

static void
compare_frame (const float *samples, unsigned n_bands, const float *out)
{
  double power[NPU_MEL_BINS];
  double amplitude = 5e-7 * spectrum (samples, power);

  for (unsigned b = 0; b < n_bands; b++) {
    double energy = 0.0, weights = 0.0, root, value;

    for (unsigned k = 0; k < NPU_MEL_BINS; k++) {
      energy += filters[b][k] * power[k];
      weights += filters[b][k];
    }
    root = sqrt (fmax (energy, 1e-10));
    value = sqrt (pow (10.0, out[b]));
    test_check (fabs (value - root) <= amplitude * sqrt (weights) + 2e-6 * root,
        "band %u is %.7g, not %.7g", b, (double) out[b], 2.0 * log10 (root));
  }
}

typedef void (*Signal) (float *samples, size_t n);

static void
noise (float *samples, size_t n)
{
  test_fill_random (samples, n, 0.5f);
}

static void
faint_noise (float *samples, size_t n)
{
  test_fill_random (samples, n, 3e-5f);
}

static void
tone (float *samples, size_t n)
{
  for (size_t i = 0; i < n; i++)
    samples[i] = (float) sin (2.0 * PI * 1234.5 / NPU_MEL_RATE * (double) i);
}

static void
clicks (float *samples, size_t n)
{
  for (size_t i = 0; i < n; i++)
    samples[i] = i % 331 == 7 ? 1.0f : 0.0f;
}

static void
silence (float *samples, size_t n)
{
  memset (samples, 0, n * sizeof *samples);
}

static const struct {
  const char *name;
  Signal make;
} signals[] = { { "noise", noise }, { "faint noise", faint_noise },
  { "tone", tone }, { "clicks", clicks }, { "silence", silence } };

static void
check_signal (const NpuKernels *kernels, const char *name, Signal make,
    size_t n_frames, unsigned n_bands)
{
  NpuMelPlan plan;
  Guarded samples_memory, out_memory;
  float *samples = guarded_floats (&samples_memory, SAMPLES (n_frames));
  float *out = guarded_floats (&out_memory, n_frames * n_bands);
  float part[MAX_FRAMES * NPU_MEL_MAX_BANDS];
  size_t n;

  test_name ("%s mel of %s, %zu frames, %u bands", kernels->isa, name, n_frames,
      n_bands);
  npu_mel_plan_init (&plan, n_bands);
  make_filters (n_bands);
  make (samples, SAMPLES (n_frames));
  kernels->mel (&plan, samples, n_frames, out);
  for (size_t i = 0; i < n_frames; i++)
    compare_frame (samples + i * NPU_MEL_HOP, n_bands, out + i * n_bands);
  for (size_t i = 0; make == silence && i < n_frames * n_bands; i++)
    test_check (out[i] == NPU_MEL_SILENCE, "silence is %.9g", (double) out[i]);
  test_check (guarded_intact (&out_memory), "output overrun");
  for (size_t i = 0; i < n_frames; i += n) {
    n = 1 + test_random_below (n_frames - i);
    kernels->mel (&plan, samples + i * NPU_MEL_HOP, n, part);
    test_check (
        memcmp (part, out + i * n_bands, n * n_bands * sizeof *out) == 0,
        "frames %zu to %zu alone differ", i, i + n - 1);
  }
  guarded_free (&samples_memory);
  guarded_free (&out_memory);
}

static void
check (const NpuKernels *c, const NpuKernels *kernels)
{
  static const unsigned band_counts[] = { 1, 7, 8, 79, 80, 127, 128 };
  NpuMelPlan plan;
  float nothing;

  memset (&nothing, 0xff, sizeof nothing);
  npu_mel_plan_init (&plan, 80);
  test_name ("%s mel of no frames", kernels->isa);
  kernels->mel (&plan, NULL, 0, &nothing);
  test_check (test_is_untouched (nothing), "wrote");
  for (size_t s = 0; s < sizeof signals / sizeof signals[0]; s++) {
    for (size_t i = 0; i < sizeof band_counts / sizeof band_counts[0]; i++)
      check_signal (
          kernels, signals[s].name, signals[s].make, 3, band_counts[i]);
    for (size_t n = 1; n <= MAX_FRAMES; n += 1 + n / 6)
      check_signal (kernels, signals[s].name, signals[s].make, n, 80);
  }
}

int
main (void)
{
  for (unsigned i = 0; i < NPU_MEL_WINDOW; i++)
    cosines[i] = cos (2.0 * PI * i / NPU_MEL_WINDOW);
  for (unsigned n = 1; n <= NPU_MEL_MAX_BANDS; n++)
    check_plan (n);
  npu_cpu_enter_float_mode ();
  test_each_isa (check);
  return test_result ();
}
