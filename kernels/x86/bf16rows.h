/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bf16rows.h: the left side of bf16's products (ref/gemmbf16.c): rows of floats, or
 * LayerNorm's result, rounded by AVX512_BF16.
 *
 * A row: [k], padded with a zero to an even number.
 */
#ifndef NPU_X86_BF16ROWS_H
#define NPU_X86_BF16ROWS_H

/* Pairs of values: what a dot product takes at once. */
static inline size_t
bf16_steps (size_t k)
{
  return (k + 1) / 2;
}

static size_t
bf16_row_bytes (size_t k)
{
  return bf16_steps (k) * sizeof (uint32_t);
}

/* 32 floats, of which the first @n are there, rounded, in order. */
static inline __m512i
bf16_load (const float *x, size_t n)
{
  __m512 low, high = _mm512_setzero_ps ();

  if (n >= 32) {
    low = _mm512_loadu_ps (x);
    high = _mm512_loadu_ps (x + 16);
  } else if (n >= 16) {
    low = _mm512_loadu_ps (x);
    high = vec_load_n (x + 16, n - 16);
  } else {
    low = vec_load_n (x, n);
  }
  return (__m512i) _mm512_cvtne2ps_pbh (high, low);
}

/* @n < 33 values. */
static inline void
bf16_store (void *out, __m512i v, size_t n)
{
  _mm512_mask_storeu_epi16 (out, (__mmask32) ((UINT64_C (1) << n) - 1), v);
}

static void
bf16_prepare_row (const float *x, size_t k, uint16_t *out)
{
  size_t even = 2 * bf16_steps (k);

  for (size_t i = 0; i < k; i += 32)
    bf16_store (
        out + i, bf16_load (x + i, k - i), even - i < 32 ? even - i : 32);
}

static void
bf16_prepare (const float *x, size_t ldx, size_t rows, size_t k, void *out,
    size_t out_stride)
{
  for (size_t r = 0; r < rows; r++)
    bf16_prepare_row (
        x + r * ldx, k, (uint16_t *) ((char *) out + r * out_stride));
}

static void
bf16_layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, void *out, size_t out_stride)
{
  for (size_t r = 0; r < rows; r++) {
    uint16_t *row = (uint16_t *) ((char *) out + r * out_stride);
    const float *from = x + r * ldx;
    Norm norm = norm_of_row (from, d);
    float part[64];

    for (size_t i = 0; i < d; i += 64) {
      size_t n = d - i < 64 ? d - i : 64;

      normalize (&norm, from + i, n, gamma + i, beta + i, part);
      bf16_prepare_row (part, n, row + i);
    }
  }
}

#endif /* NPU_X86_BF16ROWS_H */
