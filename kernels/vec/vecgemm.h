/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecgemm.h: the tile of a matrix product, and the packed GEMM (ref/gemm.c).
 *
 * A tile is VEC_ROWS rows by one panel of two vectors; its sums stay in
 * registers while k runs.  Every sum adds its products in the order of k,
 * one fused multiply-add each, whatever the tile's height and wherever k is
 * cut: so no cut of the work changes a bit of the result.
 *
 * The weights are float32, or bfloat16 that is expanded on the way (b16): half
 * the memory, the same sums.
 *
 * Caches: a chunk of a panel (K_CHUNK rows, 16 KiB at 8 lanes) stays in the
 * first level while BLOCK_ROWS rows of A pass by; those rows stay in the second
 * level while the panels pass by.
 */
#ifndef NPU_VECGEMM_H
#define NPU_VECGEMM_H

#include <string.h>

#define K_CHUNK 256

/* Two vectors of a panel. */
static inline __attribute__ ((always_inline)) void
load_weights (const int b16, const void *panel, size_t p, vec b[2])
{
  if (b16) {
    const uint16_t *values = (const uint16_t *) panel + p * PANEL;

    b[0] = vec_load_bf16 (values);
    b[1] = vec_load_bf16 (values + VEC_LANES);
  } else {
    const float *values = (const float *) panel + p * PANEL;

    b[0] = vec_load (values);
    b[1] = vec_load (values + VEC_LANES);
  }
}

/* c[rows][PANEL] = (add ? c : 0) + a[rows][k] * panel[k][PANEL].  Inlined with
 * constant @rows, @add and @b16. */
static inline __attribute__ ((always_inline)) void
tile (const unsigned rows, const int add, const int b16, const float *a,
    size_t lda, size_t k, const void *panel, float *c, size_t ldc)
{
  vec sum[VEC_ROWS][2], b[2];

  for (unsigned i = 0; i < rows; i++)
    for (unsigned j = 0; j < 2; j++)
      sum[i][j] = add ? vec_load (c + i * ldc + j * VEC_LANES) : vec_zero ();
  for (size_t p = 0; p < k; p++) {
    load_weights (b16, panel, p, b);
    for (unsigned i = 0; i < rows; i++) {
      vec a_i = vec_set1 (a[i * lda + p]);

      sum[i][0] = vec_fma (a_i, b[0], sum[i][0]);
      sum[i][1] = vec_fma (a_i, b[1], sum[i][1]);
    }
  }
  for (unsigned i = 0; i < rows; i++)
    for (unsigned j = 0; j < 2; j++)
      vec_store (c + i * ldc + j * VEC_LANES, sum[i][j]);
}

/* The same for any number of rows: full tiles, then tiles of 8, 4, 2 and 1. */
static inline __attribute__ ((always_inline)) void
tiles (size_t rows, const int add, const int b16, const float *a, size_t lda,
    size_t k, const void *panel, float *c, size_t ldc)
{
  for (; rows >= VEC_ROWS; rows -= VEC_ROWS) {
    tile (VEC_ROWS, add, b16, a, lda, k, panel, c, ldc);
    a += VEC_ROWS * lda;
    c += VEC_ROWS * ldc;
  }
  if (VEC_ROWS > 8 && rows & 8) {
    tile (8, add, b16, a, lda, k, panel, c, ldc);
    a += 8 * lda;
    c += 8 * ldc;
  }
  if (rows & 4) {
    tile (4, add, b16, a, lda, k, panel, c, ldc);
    a += 4 * lda;
    c += 4 * ldc;
  }
  if (rows & 2) {
    tile (2, add, b16, a, lda, k, panel, c, ldc);
    a += 2 * lda;
    c += 2 * ldc;
  }
  if (rows & 1)
    tile (1, add, b16, a, lda, k, panel, c, ldc);
}

static inline void
multiply (size_t rows, const float *a, size_t lda, size_t k, const float *panel,
    float *c, size_t ldc)
{
  tiles (rows, 0, 0, a, lda, k, panel, c, ldc);
}

static inline void
multiply_add (size_t rows, const float *a, size_t lda, size_t k,
    const float *panel, float *c, size_t ldc)
{
  tiles (rows, 1, 0, a, lda, k, panel, c, ldc);
}

/* VEC_LANES rows of W side by side, @n_rows of them there, into half a panel. */
static inline void
pack_half (const float *w, size_t ldw, size_t k, size_t n_rows, float *panel)
{
  for (size_t p = 0; p < k; p += VEC_LANES) {
    size_t n = k - p < VEC_LANES ? k - p : VEC_LANES;
    vec v[VEC_LANES];

    for (size_t i = 0; i < VEC_LANES; i++)
      if (i >= n_rows)
        v[i] = vec_zero ();
      else if (n == VEC_LANES)
        v[i] = vec_load (w + i * ldw + p);
      else
        v[i] = vec_load_n (w + i * ldw + p, n);
    vec_transpose (v);
    for (size_t i = 0; i < n; i++)
      vec_store (panel + (p + i) * PANEL, v[i]);
  }
}

static inline void
pack_panel (const float *w, size_t ldw, size_t k, size_t n_rows, float *panel)
{
  size_t left = n_rows < VEC_LANES ? n_rows : VEC_LANES;
  size_t right = n_rows - left < VEC_LANES ? n_rows - left : VEC_LANES;

  pack_half (w, ldw, k, left, panel);
  pack_half (w + left * ldw, ldw, k, right, panel + VEC_LANES);
}

static inline void
gemm_pack (const float *w, size_t ldw, size_t k, size_t first, size_t n_rows,
    void *panels)
{
  for (size_t n = 0; n < n_rows; n += PANEL)
    pack_panel (
        w + n * ldw, ldw, k, n_rows - n, (float *) panels + (first + n) * k);
}

static inline size_t
gemm_panel_bytes (size_t k)
{
  return k * PANEL * sizeof (float);
}

static inline size_t
gemm_row_bytes (size_t k)
{
  return k * sizeof (float);
}

static inline void
gemm_prepare (const float *x, size_t ldx, size_t rows, size_t k, void *out,
    size_t out_stride)
{
  for (size_t r = 0; r < rows; r++)
    memcpy ((char *) out + r * out_stride, x + r * ldx, k * sizeof *x);
}

static inline void
gemm_layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, void *out, size_t out_stride)
{
  for (size_t r = 0; r < rows; r++)
    layernorm_row (
        x + r * ldx, d, gamma, beta, (float *) ((char *) out + r * out_stride));
}

/* @rows <= BLOCK_ROWS rows of one panel of C. */
static inline __attribute__ ((always_inline)) void
gemm_block (const NpuGemm *args, const int b16, size_t first_row, size_t rows,
    size_t column)
{
  _Alignas(NPU_ALIGNMENT) float sums[BLOCK_ROWS * PANEL];
  size_t k = args->w->k, lda = args->a_stride / sizeof (float);
  size_t chunk = k < K_CHUNK ? k : K_CHUNK;
  size_t value = b16 ? sizeof (uint16_t) : sizeof (float);
  const float *a = (const float *) args->a + first_row * lda;
  const char *panel = (const char *) args->w->panels + column * k * value;

  tiles (rows, 0, b16, a, lda, chunk, panel, sums, PANEL);
  for (size_t p = chunk; p < k; p += chunk) {
    chunk = k - p < K_CHUNK ? k - p : K_CHUNK;
    tiles (rows, 1, b16, a + p, lda, chunk, panel + p * PANEL * value, sums,
        PANEL);
  }
  finish_block (args, sums, first_row, rows, column);
}

static inline __attribute__ ((always_inline)) void
gemm_blocks (const NpuGemm *args, const int b16)
{
  for (size_t row = 0; row < args->m; row += BLOCK_ROWS) {
    size_t rows = args->m - row < BLOCK_ROWS ? args->m - row : BLOCK_ROWS;

    for (size_t p = 0; p < args->n_panels; p++)
      gemm_block (args, b16, row, rows, (args->first_panel + p) * PANEL);
  }
}

static inline void
gemm (const NpuGemm *args)
{
  gemm_blocks (args, 0);
}

/* As many sums side by side as hide the latency. */
static inline uint64_t
gemm_burn (uint64_t rounds)
{
  vec sum[12] = { 0 }, a = vec_zero (), b = vec_zero ();

  vec_keep (&b);
  for (uint64_t round = 0; round < rounds; round++)
#pragma GCC unroll 12
    for (unsigned i = 0; i < 12; i++) {
      vec_keep (&a);
      sum[i] = vec_fma (a, b, sum[i]);
    }
#pragma GCC unroll 12
  for (unsigned i = 0; i < 12; i++)
    vec_use (&sum[i]);
  return rounds * 12 * 2 * VEC_LANES;
}

#endif /* NPU_VECGEMM_H */
