/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bf16gemm.h: the product of bf16 values (ref/gemmbf16.c) with vdpbf16ps, which
 * adds two products to each of 16 float32 sums.
 *
 * A row: see bf16rows.h.
 * A panel: [k / 2][PANEL][2].
 */
#ifndef NPU_X86_BF16GEMM_H
#define NPU_X86_BF16GEMM_H

#include "bf16rows.h"

/* Steps of two values; this many of a panel stay in the first level cache. */
#define STEP_CHUNK 256

static size_t
bf16_panel_bytes (size_t k)
{
  return bf16_steps (k) * PANEL * sizeof (uint32_t);
}

/* Sixteen rows of W side by side, @n_rows of them there, into half a panel. */
static void
bf16_pack_half (
    const float *w, size_t ldw, size_t k, size_t n_rows, uint32_t *panel)
{
  for (size_t p = 0; p < k; p += 32) {
    size_t steps = bf16_steps (k - p < 32 ? k - p : 32);
    vec v[VEC_LANES];

    for (size_t i = 0; i < VEC_LANES; i++)
      v[i] = i < n_rows
                 ? _mm512_castsi512_ps (bf16_load (w + i * ldw + p, k - p))
                 : vec_zero ();
    vec_transpose (v);
    for (size_t i = 0; i < steps; i++)
      _mm512_storeu_ps (panel + (p / 2 + i) * PANEL, v[i]);
  }
}

static void
bf16_pack (const float *w, size_t ldw, size_t k, size_t first, size_t n_rows,
    void *panels)
{
  for (size_t n = 0; n < n_rows; n += PANEL) {
    uint32_t *panel =
        (uint32_t *) ((char *) panels
                      + (first + n) / PANEL * bf16_panel_bytes (k));
    size_t left = n_rows - n < VEC_LANES ? n_rows - n : VEC_LANES;
    size_t right =
        n_rows - n - left < VEC_LANES ? n_rows - n - left : VEC_LANES;

    bf16_pack_half (w + n * ldw, ldw, k, left, panel);
    bf16_pack_half (w + (n + left) * ldw, ldw, k, right, panel + VEC_LANES);
  }
}

/* c[rows][PANEL] = (add ? c : 0) + a[rows][2 steps] * panel[steps][PANEL][2].
 * Inlined with constant @rows and @add. */
static inline __attribute__ ((always_inline)) void
bf16_tile (const unsigned rows, const int add, const char *a, size_t stride,
    size_t steps, const uint32_t *panel, float *c, size_t ldc)
{
  vec sum[VEC_ROWS][2];

  for (unsigned i = 0; i < rows; i++)
    for (unsigned j = 0; j < 2; j++)
      sum[i][j] = add ? vec_load (c + i * ldc + j * VEC_LANES) : vec_zero ();
  for (size_t p = 0; p < steps; p++) {
    __m512bh b0 = (__m512bh) _mm512_loadu_si512 (panel + p * PANEL);
    __m512bh b1 = (__m512bh) _mm512_loadu_si512 (panel + p * PANEL + VEC_LANES);

    for (unsigned i = 0; i < rows; i++) {
      __m512bh a_i = (__m512bh) ivec_set1_32 (a + i * stride + 4 * p);

      sum[i][0] = _mm512_dpbf16_ps (sum[i][0], a_i, b0);
      sum[i][1] = _mm512_dpbf16_ps (sum[i][1], a_i, b1);
    }
  }
  for (unsigned i = 0; i < rows; i++)
    for (unsigned j = 0; j < 2; j++)
      vec_store (c + i * ldc + j * VEC_LANES, sum[i][j]);
}

/* The same for any number of rows: full tiles, then tiles of 8, 4, 2 and 1. */
static inline __attribute__ ((always_inline)) void
bf16_tiles (size_t rows, const int add, const char *a, size_t stride,
    size_t steps, const uint32_t *panel, float *c, size_t ldc)
{
  for (; rows >= VEC_ROWS; rows -= VEC_ROWS) {
    bf16_tile (VEC_ROWS, add, a, stride, steps, panel, c, ldc);
    a += VEC_ROWS * stride;
    c += VEC_ROWS * ldc;
  }
  if (rows & 8) {
    bf16_tile (8, add, a, stride, steps, panel, c, ldc);
    a += 8 * stride;
    c += 8 * ldc;
  }
  if (rows & 4) {
    bf16_tile (4, add, a, stride, steps, panel, c, ldc);
    a += 4 * stride;
    c += 4 * ldc;
  }
  if (rows & 2) {
    bf16_tile (2, add, a, stride, steps, panel, c, ldc);
    a += 2 * stride;
    c += 2 * ldc;
  }
  if (rows & 1)
    bf16_tile (1, add, a, stride, steps, panel, c, ldc);
}

static void
bf16_multiply (size_t rows, const char *a, size_t stride, size_t steps,
    const uint32_t *panel, float *c, size_t ldc)
{
  bf16_tiles (rows, 0, a, stride, steps, panel, c, ldc);
}

static void
bf16_multiply_add (size_t rows, const char *a, size_t stride, size_t steps,
    const uint32_t *panel, float *c, size_t ldc)
{
  bf16_tiles (rows, 1, a, stride, steps, panel, c, ldc);
}

/* @rows <= BLOCK_ROWS rows of one panel of C. */
static void
bf16_gemm_block (
    const NpuGemm *args, size_t first_row, size_t rows, size_t index)
{
  _Alignas(NPU_ALIGNMENT) float sums[BLOCK_ROWS * PANEL];
  size_t k = args->w->k, stride = args->a_stride;
  size_t steps = bf16_steps (k);
  size_t chunk = steps < STEP_CHUNK ? steps : STEP_CHUNK;
  const char *a = (const char *) args->a + first_row * stride;
  const uint32_t *panel =
      (const uint32_t *) args->w->panels + index * steps * PANEL;

  bf16_multiply (rows, a, stride, chunk, panel, sums, PANEL);
  for (size_t p = chunk; p < steps; p += chunk) {
    chunk = steps - p < STEP_CHUNK ? steps - p : STEP_CHUNK;
    bf16_multiply_add (rows, a + p * sizeof (uint32_t), stride, chunk,
        panel + p * PANEL, sums, PANEL);
  }
  finish_block (args, sums, first_row, rows, index * PANEL);
}

static void
bf16_gemm (const NpuGemm *args)
{
  for (size_t row = 0; row < args->m; row += BLOCK_ROWS) {
    size_t rows = args->m - row < BLOCK_ROWS ? args->m - row : BLOCK_ROWS;

    for (size_t p = 0; p < args->n_panels; p++)
      bf16_gemm_block (args, row, rows, args->first_panel + p);
  }
}

/* As many sums side by side as hide the latency. */
static uint64_t
bf16_burn (uint64_t rounds)
{
  vec sum[12] = { 0 }, a = vec_zero (), b = vec_zero ();

  vec_keep (&b);
  for (uint64_t round = 0; round < rounds; round++)
#pragma GCC unroll 12
    for (unsigned i = 0; i < 12; i++) {
      vec_keep (&a);
      sum[i] = _mm512_dpbf16_ps (sum[i], (__m512bh) a, (__m512bh) b);
    }
#pragma GCC unroll 12
  for (unsigned i = 0; i < 12; i++)
    vec_use (&sum[i]);
  return rounds * 12 * 2 * 2 * VEC_LANES;
}

#endif /* NPU_X86_BF16GEMM_H */
