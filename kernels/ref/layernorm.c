/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layernorm.c: each row to mean 0 and variance 1, then times gamma plus beta.
 *
 * The variance is that of the population (divided by d).  @out may be @x.
 */
#include "npukernels-private.h"

#include <math.h>

static void
layernorm_row (
    const float *x, size_t d, const float *gamma, const float *beta, float *out)
{
  double sum = 0.0, squares = 0.0;
  float mean, scale;

  for (size_t i = 0; i < d; i++)
    sum += x[i];
  mean = (float)(sum / (double)d);
  for (size_t i = 0; i < d; i++) {
    double deviation = (double)x[i] - mean;
    squares += deviation * deviation;
  }
  scale = (float)(1.0 / sqrt (squares / (double)d + NPU_LAYERNORM_EPSILON));
  for (size_t i = 0; i < d; i++)
    out[i] = (x[i] - mean) * scale * gamma[i] + beta[i];
}

static void
layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, float *out, size_t ldo)
{
  for (size_t r = 0; r < rows; r++)
    layernorm_row (x + r * ldx, d, gamma, beta, out + r * ldo);
}

void
npu_ref_layernorm_init (NpuKernels *kernels)
{
  kernels->layernorm = layernorm;
}
