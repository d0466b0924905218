/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * veclayernorm.h: LayerNorm (ref/layernorm.c), a row at a time, which the first
 * level cache holds over the three passes: mean, variance, result.
 *
 * Two sums run side by side, to hide the latency of additions.
 */
#ifndef NPU_VECLAYERNORM_H
#define NPU_VECLAYERNORM_H

#include <math.h>

static inline float
row_mean (const float *x, size_t d)
{
  vec even = vec_zero (), odd = vec_zero ();
  size_t i = 0;

  for (; i + 2 * VEC_LANES <= d; i += 2 * VEC_LANES) {
    even += vec_load (x + i);
    odd += vec_load (x + i + VEC_LANES);
  }
  if (i + VEC_LANES <= d) {
    even += vec_load (x + i);
    i += VEC_LANES;
  }
  if (i < d)
    odd += vec_load_n (x + i, d - i);
  return vec_sum (even + odd) / (float) d;
}

static inline float
row_variance (const float *x, size_t d, float mean)
{
  vec even = vec_zero (), odd = vec_zero (), centre = vec_set1 (mean);
  size_t i = 0;

  for (; i + 2 * VEC_LANES <= d; i += 2 * VEC_LANES) {
    vec a = vec_load (x + i) - centre;
    vec b = vec_load (x + i + VEC_LANES) - centre;

    even = vec_fma (a, a, even);
    odd = vec_fma (b, b, odd);
  }
  if (i + VEC_LANES <= d) {
    vec a = vec_load (x + i) - centre;

    even = vec_fma (a, a, even);
    i += VEC_LANES;
  }
  if (i < d) {
    vec a = vec_keep_n (vec_load_n (x + i, d - i) - centre, d - i);

    odd = vec_fma (a, a, odd);
  }
  return vec_sum (even + odd) / (float) d;
}

typedef struct {
  vec mean, scale;
} Norm;

static inline Norm
norm_of_row (const float *x, size_t d)
{
  float mean = row_mean (x, d);
  float variance = row_variance (x, d, mean);

  return (Norm){ vec_set1 (mean),
    vec_set1 (1.0f / sqrtf (variance + NPU_LAYERNORM_EPSILON)) };
}

/* @n values of a row, or all. */
static inline void
normalize (const Norm *norm, const float *x, size_t n, const float *gamma,
    const float *beta, float *out)
{
  size_t i = 0;

  for (; i + VEC_LANES <= n; i += VEC_LANES)
    vec_store (out + i, vec_fma ((vec_load (x + i) - norm->mean) * norm->scale,
                            vec_load (gamma + i), vec_load (beta + i)));
  if (i < n)
    vec_store_n (out + i,
        vec_fma ((vec_load_n (x + i, n - i) - norm->mean) * norm->scale,
            vec_load_n (gamma + i, n - i), vec_load_n (beta + i, n - i)),
        n - i);
}

static inline void
layernorm_row (
    const float *x, size_t d, const float *gamma, const float *beta, float *out)
{
  Norm norm = norm_of_row (x, d);

  normalize (&norm, x, d, gamma, beta, out);
}

static inline void
layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, float *out, size_t ldo)
{
  for (size_t r = 0; r < rows; r++)
    layernorm_row (x + r * ldx, d, gamma, beta, out + r * ldo);
}

#endif /* NPU_VECLAYERNORM_H */
