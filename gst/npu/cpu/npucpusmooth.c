/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucpusmooth.c: makes a layer easier to quantise to int8.
 *
 * The values of a group share one scale, set by the largest: a channel that is
 * always large costs the others their accuracy.  What a channel of a product's
 * left side is divided by, the weights of that channel can be multiplied by;
 * halfway between (in the geometric mean) both sides have even ranges.  The
 * division costs nothing: it goes into LayerNorm's gamma and beta, before QKV
 * and FC1.
 *
 * No recording is looked at.  How large a channel is follows from the weights:
 * LayerNorm makes its input a sample of mean 0 and variance 1, so a channel
 * behind it has the mean beta and the deviation gamma.  (The same for FC2, with
 * sizes behind GELU foretold so, made its results worse.)
 */
#include "npucpusmooth.h"

#include <math.h>

/* Channels are not balanced further than this, in either direction. */
#define MAX_BALANCE 32.0f
#define SMALLEST 1e-12f

/* Sets scale[j] to what channel @j is to be divided by. */
void
npu_cpu_smooth_balance (
    const float *activation, const float *weight, gsize n, float *scale)
{
  double sum = 0;
  float middle;

  for (gsize j = 0; j < n; j++) {
    scale[j] =
        sqrtf (MAX (activation[j], SMALLEST) / MAX (weight[j], SMALLEST));
    sum += log (scale[j]);
  }
  middle = (float) exp (sum / (double) n);
  for (gsize j = 0; j < n; j++)
    scale[j] = CLAMP (scale[j] / middle, 1 / MAX_BALANCE, MAX_BALANCE);
}

/* Raises size[j] to the magnitude of row[j], in units of the row's own. */
void
npu_cpu_smooth_add_row (const float *row, gsize n, float *size)
{
  float squares = SMALLEST, inverse;

  for (gsize j = 0; j < n; j++)
    squares += row[j] * row[j];
  inverse = 1 / sqrtf (squares / (float) n);
  for (gsize j = 0; j < n; j++)
    size[j] = MAX (size[j], fabsf (row[j]) * inverse);
}

/* Behind LayerNorm. */
void
npu_cpu_smooth_norm_size (const NpuCpuNorm *norm, gsize n, float *size)
{
  for (gsize j = 0; j < n; j++)
    size[j] =
        sqrtf (norm->gamma[j] * norm->gamma[j] + norm->beta[j] * norm->beta[j]);
}
