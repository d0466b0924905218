/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecint8rows.h: the left side of int8's products (ref/gemmint8.c): rows of floats,
 * or LayerNorm's result, to rows of int8.  From an instruction set's header:
 *
 *   INT8_OFFSET      what is added to q: some dot products of bytes take an
 *                    unsigned left side
 *   int8_value       how q + INT8_OFFSET is stored
 *   int8_store       stores VEC_LANES of them
 *
 * A row: q + offset, [k] padded to a multiple of 64, then its groups' scales.
 * What the padding holds does not matter, as W has zeros there.
 */
#ifndef NPU_VECINT8ROWS_H
#define NPU_VECINT8ROWS_H

#define GROUP NPU_INT8_GROUP
#define INT8_MAX_Q 127.0f
/* Smaller magnitudes count as zero, so that their inverse is finite. */
#define INT8_SMALLEST 1e-30f

static inline size_t
int8_scales_offset (size_t k)
{
  return (k + 63) / 64 * 64 * sizeof (int8_value);
}

static size_t
gemm_int8_row_bytes (size_t k)
{
  size_t groups = (k + GROUP - 1) / GROUP;

  return int8_scales_offset (k) + (groups + 15) / 16 * 16 * sizeof (float);
}

static float
int8_inverse (float largest)
{
  return largest > INT8_SMALLEST ? INT8_MAX_Q / largest : 0.0f;
}

static float
int8_scale (float largest)
{
  return largest > INT8_SMALLEST ? largest / INT8_MAX_Q : 0.0f;
}

/* The first @n values; zeros up to VEC_LANES. */
static inline vec
load_some (const float *x, size_t n)
{
  return n >= VEC_LANES ? vec_load (x) : vec_load_n (x, n);
}

static inline float
largest_magnitude (const float *x, size_t n)
{
  vec highest = vec_zero ();

  for (size_t i = 0; i < n; i += VEC_LANES)
    highest = vec_max (highest, vec_abs (load_some (x + i, n - i)));
  return vec_highest (highest);
}

static inline void
quantize (const float *x, size_t n, float inverse, int8_value *out)
{
  for (size_t i = 0; i < n; i += VEC_LANES)
    int8_store (out + i, load_some (x + i, n - i) * vec_set1 (inverse));
}

/* @n <= GROUP values.  Returns their scale. */
static float
quantize_group (const float *x, size_t n, int8_value *out)
{
  float largest = largest_magnitude (x, n);

  quantize (x, n, int8_inverse (largest), out);
  return int8_scale (largest);
}

static void
gemm_int8_prepare (const float *x, size_t ldx, size_t rows, size_t k, void *out,
    size_t out_stride)
{
  for (size_t r = 0; r < rows; r++) {
    char *row = (char *) out + r * out_stride;
    float *scales = (float *) (row + int8_scales_offset (k));

    for (size_t i = 0; i < k; i += GROUP)
      *scales++ = quantize_group (x + r * ldx + i,
          k - i < GROUP ? k - i : GROUP, (int8_value *) row + i);
  }
}

static void
layernorm_int8_row (
    const float *x, size_t d, const float *gamma, const float *beta, char *row)
{
  float *scales = (float *) (row + int8_scales_offset (d));
  float group[GROUP];
  Norm norm = norm_of_row (x, d);

  for (size_t i = 0; i < d; i += GROUP) {
    size_t n = d - i < GROUP ? d - i : GROUP;

    normalize (&norm, x + i, n, gamma + i, beta + i, group);
    *scales++ = quantize_group (group, n, (int8_value *) row + i);
  }
}

static void
gemm_int8_layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, void *out, size_t out_stride)
{
  for (size_t r = 0; r < rows; r++)
    layernorm_int8_row (
        x + r * ldx, d, gamma, beta, (char *) out + r * out_stride);
}

#endif /* NPU_VECINT8ROWS_H */
