/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * refnorm.h: LayerNorm: a row to mean 0 and variance 1, then times gamma plus
 * beta.  The variance is that of the population (divided by d).
 */
#ifndef NPU_REFNORM_H
#define NPU_REFNORM_H

#include <math.h>

#include "npukernels-private.h"

typedef struct {
  float mean, scale;
} NpuRefNorm;

static inline NpuRefNorm
npu_ref_norm (const float *x, size_t d)
{
  double sum = 0.0, squares = 0.0;
  NpuRefNorm norm;

  for (size_t i = 0; i < d; i++)
    sum += x[i];
  norm.mean = (float) (sum / (double) d);
  for (size_t i = 0; i < d; i++) {
    double deviation = (double) x[i] - norm.mean;
    squares += deviation * deviation;
  }
  norm.scale =
      (float) (1.0 / sqrt (squares / (double) d + NPU_LAYERNORM_EPSILON));
  return norm;
}

static inline float
npu_ref_normalize (const NpuRefNorm *norm, float x, float gamma, float beta)
{
  return (x - norm->mean) * norm->scale * gamma + beta;
}

static inline void
npu_ref_layernorm_row (
    const float *x, size_t d, const float *gamma, const float *beta, float *out)
{
  NpuRefNorm norm = npu_ref_norm (x, d);

  for (size_t i = 0; i < d; i++)
    out[i] = npu_ref_normalize (&norm, x[i], gamma[i], beta[i]);
}

#endif /* NPU_REFNORM_H */
