/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecgemm.h: the tile of a matrix product, and the packed GEMM (ref/gemm.c).
 *
 * A tile is VEC_ROWS rows by one panel of two vectors; its sums stay in
 * registers while k runs.  Every sum adds its products in the order of k,
 * one fused multiply-add each, whatever the tile's height and wherever k is
 * cut: so no cut of the work changes a bit of the result.
 *
 * Caches: a chunk of a panel (K_CHUNK rows, 16 KiB at 8 lanes) stays in the
 * first level while BLOCK_ROWS rows of A pass by; those rows stay in the second
 * level while the panels pass by.
 */
#ifndef NPU_VECGEMM_H
#define NPU_VECGEMM_H

#define PANEL (2 * VEC_LANES)
#define BLOCK_ROWS 48
#define K_CHUNK 256

/* c[rows][PANEL] = (add ? c : 0) + a[rows][k] * panel[k][PANEL].  Inlined with
 * constant @rows and @add. */
static inline __attribute__ ((always_inline)) void
tile (const unsigned rows, const int add, const float *a, size_t lda, size_t k,
    const float *panel, float *c, size_t ldc)
{
  vec sum[VEC_ROWS][2];

  for (unsigned i = 0; i < rows; i++)
    for (unsigned j = 0; j < 2; j++)
      sum[i][j] = add ? vec_load (c + i * ldc + j * VEC_LANES) : vec_zero ();
  for (size_t p = 0; p < k; p++) {
    vec b0 = vec_load (panel + p * PANEL);
    vec b1 = vec_load (panel + p * PANEL + VEC_LANES);

    for (unsigned i = 0; i < rows; i++) {
      vec a_i = vec_set1 (a[i * lda + p]);

      sum[i][0] = vec_fma (a_i, b0, sum[i][0]);
      sum[i][1] = vec_fma (a_i, b1, sum[i][1]);
    }
  }
  for (unsigned i = 0; i < rows; i++)
    for (unsigned j = 0; j < 2; j++)
      vec_store (c + i * ldc + j * VEC_LANES, sum[i][j]);
}

/* The same for any number of rows: full tiles, then tiles of 8, 4, 2 and 1. */
static inline __attribute__ ((always_inline)) void
tiles (size_t rows, const int add, const float *a, size_t lda, size_t k,
    const float *panel, float *c, size_t ldc)
{
  for (; rows >= VEC_ROWS; rows -= VEC_ROWS) {
    tile (VEC_ROWS, add, a, lda, k, panel, c, ldc);
    a += VEC_ROWS * lda;
    c += VEC_ROWS * ldc;
  }
  if (VEC_ROWS > 8 && rows & 8) {
    tile (8, add, a, lda, k, panel, c, ldc);
    a += 8 * lda;
    c += 8 * ldc;
  }
  if (rows & 4) {
    tile (4, add, a, lda, k, panel, c, ldc);
    a += 4 * lda;
    c += 4 * ldc;
  }
  if (rows & 2) {
    tile (2, add, a, lda, k, panel, c, ldc);
    a += 2 * lda;
    c += 2 * ldc;
  }
  if (rows & 1)
    tile (1, add, a, lda, k, panel, c, ldc);
}

static void
multiply (size_t rows, const float *a, size_t lda, size_t k, const float *panel,
    float *c, size_t ldc)
{
  tiles (rows, 0, a, lda, k, panel, c, ldc);
}

static void
multiply_add (size_t rows, const float *a, size_t lda, size_t k,
    const float *panel, float *c, size_t ldc)
{
  tiles (rows, 1, a, lda, k, panel, c, ldc);
}

/* VEC_LANES rows of W side by side, @n_rows of them there, into half a panel. */
static void
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

static void
pack_panel (const float *w, size_t ldw, size_t k, size_t n_rows, float *panel)
{
  size_t left = n_rows < VEC_LANES ? n_rows : VEC_LANES;
  size_t right = n_rows - left < VEC_LANES ? n_rows - left : VEC_LANES;

  pack_half (w, ldw, k, left, panel);
  pack_half (w + left * ldw, ldw, k, right, panel + VEC_LANES);
}

static void
gemm_pack (const float *w, size_t ldw, size_t k, size_t first, size_t n_rows,
    float *panels)
{
  for (size_t n = 0; n < n_rows; n += PANEL)
    pack_panel (w + n * ldw, ldw, k, n_rows - n, panels + (first + n) * k);
}

/* Bias, activation and addend of one vector; @n is below VEC_LANES only at the
 * matrix's right edge. */
static inline __attribute__ ((always_inline)) void
finish (const NpuGemmF32 *args, const float *sums, size_t row, size_t column,
    size_t n)
{
  float *c = args->c + row * args->ldc + column;
  vec v = vec_load (sums) + vec_load (args->w->bias + column);

  if (args->activation == NPU_ACTIVATION_GELU)
    v = vec_gelu (v);
  if (args->addend) {
    const float *addend = args->addend + row * args->ld_addend + column;

    v += n == VEC_LANES ? vec_load (addend) : vec_load_n (addend, n);
  }
  if (n == VEC_LANES)
    vec_store (c, v);
  else
    vec_store_n (c, v, n);
}

static void
finish_block (const NpuGemmF32 *args, const float *sums, size_t first_row,
    size_t rows, size_t column)
{
  for (size_t j = 0; j < PANEL && column + j < args->w->n; j += VEC_LANES) {
    size_t n = args->w->n - column - j;

    for (size_t i = 0; i < rows; i++)
      if (n >= VEC_LANES)
        finish (
            args, sums + i * PANEL + j, first_row + i, column + j, VEC_LANES);
      else
        finish (args, sums + i * PANEL + j, first_row + i, column + j, n);
  }
}

/* @rows <= BLOCK_ROWS rows of one panel of C. */
static void
gemm_block (
    const NpuGemmF32 *args, size_t first_row, size_t rows, size_t column)
{
  _Alignas(NPU_ALIGNMENT) float sums[BLOCK_ROWS * PANEL];
  const float *a = args->a + first_row * args->lda;
  const float *panel = args->w->panels + column * args->w->k;
  size_t k = args->w->k;
  size_t chunk = k < K_CHUNK ? k : K_CHUNK;

  multiply (rows, a, args->lda, chunk, panel, sums, PANEL);
  for (size_t p = chunk; p < k; p += chunk) {
    chunk = k - p < K_CHUNK ? k - p : K_CHUNK;
    multiply_add (
        rows, a + p, args->lda, chunk, panel + p * PANEL, sums, PANEL);
  }
  finish_block (args, sums, first_row, rows, column);
}

static void
gemm (const NpuGemmF32 *args)
{
  for (size_t row = 0; row < args->m; row += BLOCK_ROWS) {
    size_t rows = args->m - row < BLOCK_ROWS ? args->m - row : BLOCK_ROWS;

    for (size_t p = 0; p < args->n_panels; p++)
      gemm_block (args, row, rows, (args->first_panel + p) * PANEL);
  }
}

#endif /* NPU_VECGEMM_H */
