/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * refmel.h: Whisper's log-mel spectrogram from its definition, in double
 * precision, for tests.  Written apart from kernels/: the DFT is a plain sum,
 * and the filter bank is made in librosa's way, from the differences of the
 * bands' edges to the bins' frequencies.
 */
#ifndef REFMEL_H
#define REFMEL_H

#include <glib.h>
#include <math.h>

#define REFMEL_BINS 201
#define REFMEL_EDGES (128 + 2)

static inline double
refmel_edge (guint i, guint n_bands)
{
  double max_mel = 15.0 + 27.0 * log (8.0) / log (6.4);
  double mel = max_mel * i / (n_bands + 1);

  return mel < 15.0 ? mel * 200.0 / 3.0
                    : 1000.0 * pow (6.4, (mel - 15.0) / 27.0);
}

/* filters[n_bands][REFMEL_BINS] */
static inline double *
refmel_filters (guint n_bands)
{
  double *filters = g_new0 (double, n_bands *REFMEL_BINS);
  double edges[REFMEL_EDGES];

  for (guint i = 0; i < n_bands + 2; i++)
    edges[i] = refmel_edge (i, n_bands);
  for (guint b = 0; b < n_bands; b++) {
    for (guint k = 0; k < REFMEL_BINS; k++) {
      double hz = k * 40.0;
      double lower = -(edges[b] - hz) / (edges[b + 1] - edges[b]);
      double upper = (edges[b + 2] - hz) / (edges[b + 2] - edges[b + 1]);

      filters[b * REFMEL_BINS + k] =
          MAX (0.0, MIN (lower, upper)) * 2.0 / (edges[b + 2] - edges[b]);
    }
  }
  return filters;
}

/* Sample @i of @x with what numpy's reflect padding puts before it and zeros
 * behind it. */
static inline double
refmel_sample (const gfloat *x, gsize n, gint64 i)
{
  i = ABS (i);
  return (gsize) i < n ? x[i] : 0.0;
}

static inline void
refmel_power (const gfloat *x, gsize n, gint64 centre, double *power)
{
  static double cosine[400], sine[400];
  double windowed[400];

  if (cosine[0] == 0.0) {
    for (guint i = 0; i < 400; i++) {
      cosine[i] = cos (2.0 * G_PI * i / 400.0);
      sine[i] = sin (2.0 * G_PI * i / 400.0);
    }
  }
  for (guint i = 0; i < 400; i++)
    windowed[i] =
        refmel_sample (x, n, centre - 200 + i) * (0.5 - 0.5 * cosine[i]);
  for (guint k = 0; k < REFMEL_BINS; k++) {
    double re = 0.0, im = 0.0;

    for (guint i = 0; i < 400; i++) {
      re += windowed[i] * cosine[k * i % 400];
      im -= windowed[i] * sine[k * i % 400];
    }
    power[k] = re * re + im * im;
  }
}

static inline gsize
refmel_content_frames (gsize n_samples)
{
  return (n_samples + 159) / 160;
}

static inline gsize
refmel_all_frames (gsize n_samples)
{
  return n_samples == 0 ? 0 : (n_samples + 200 + 159) / 160;
}

/* The first @n_frames un-normalised frames [n_frames][n_bands]. */
static inline double *
refmel_frames (const gfloat *x, gsize n, gsize n_frames, guint n_bands)
{
  double *filters = refmel_filters (n_bands);
  double *out = g_new (double, MAX (n_frames, 1) * n_bands);
  double power[REFMEL_BINS];

  for (gsize t = 0; t < n_frames; t++) {
    refmel_power (x, n, 160 * (gint64) t, power);
    for (guint b = 0; b < n_bands; b++) {
      double sum = 0.0;

      for (guint k = 0; k < REFMEL_BINS; k++)
        sum += filters[b * REFMEL_BINS + k] * power[k];
      out[t * n_bands + b] = log10 (MAX (sum, 1e-10));
    }
  }
  g_free (filters);
  return out;
}

/* Whisper's normalisation, in place; returns the maximum it used. */
static inline double
refmel_normalize (double *x, gsize n)
{
  double maximum = -10.0;

  for (gsize i = 0; i < n; i++)
    maximum = MAX (maximum, x[i]);
  for (gsize i = 0; i < n; i++)
    x[i] = (MAX (x[i], maximum - 8.0) + 4.0) / 4.0;
  return maximum;
}

/* The greatest difference between float frames and the reference, both
 * normalised by the reference's maximum, as Whisper would see them. */
static inline double
refmel_max_error (const gfloat *frames, const double *reference, gsize n)
{
  double maximum = -10.0, error = 0.0;

  for (gsize i = 0; i < n; i++)
    maximum = MAX (maximum, reference[i]);
  for (gsize i = 0; i < n; i++) {
    double a = MAX (frames[i], maximum - 8.0);
    double b = MAX (reference[i], maximum - 8.0);

    /* not fmax(), which would pass over a NaN */
    if (!(fabs (a - b) / 4.0 <= error))
      error = fabs (a - b) / 4.0;
  }
  return error;
}

#endif /* REFMEL_H */
