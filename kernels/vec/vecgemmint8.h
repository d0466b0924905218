/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecgemmint8.h: the product of int8 values (ref/gemmint8.c), on the integer
 * vectors of an instruction set's header:
 *
 *   ivec, ivec_set1_32, ivec_load, ivec_keep, ivec_to_float
 *   INT8_STEP        products that ivec_dot() adds to each of VEC_LANES sums;
 *                    as many values of A make 4 bytes
 *   ivec_load_weights, ivec_dot
 *
 * A row: see vecint8rows.h.
 * A panel: scales [PANEL], then for each group the sums' initial values [PANEL],
 * which take the offset back, and q [group / STEP][PANEL][STEP].
 * The last group is padded with zeros to a multiple of 4 values.
 */
#ifndef NPU_VECGEMMINT8_H
#define NPU_VECGEMMINT8_H

#include "vecint8rows.h"

#define INIT_BYTES (PANEL * sizeof (int32_t))

static inline size_t
int8_padded (size_t k)
{
  return (k + 3) / 4 * 4;
}

static size_t
gemm_int8_panel_bytes (size_t k)
{
  size_t groups = (k + GROUP - 1) / GROUP;

  return PANEL * sizeof (float) + groups * INIT_BYTES + int8_padded (k) * PANEL;
}

/* Row @j of W into its place in @panel. */
static void
pack_int8_row (const float *w, size_t k, size_t j, char *panel)
{
  float largest = largest_magnitude (w, k);
  float inverse = int8_inverse (largest);
  int8_value values[GROUP];

  ((float *) panel)[j] = int8_scale (largest);
  panel += PANEL * sizeof (float);
  for (size_t first = 0; first < k; first += GROUP) {
    size_t n = k - first < GROUP ? k - first : GROUP;
    int8_t *q = (int8_t *) panel + INIT_BYTES + j * INT8_STEP;
    int32_t sum = 0;

    quantize (w + first, n, inverse, values);
    for (size_t p = 0; p < n; p++) {
      int value = values[p] - INT8_OFFSET;

      q[p / INT8_STEP * PANEL * INT8_STEP + p % INT8_STEP] = (int8_t) value;
      sum += value;
    }
    ((int32_t *) panel)[j] = -INT8_OFFSET * sum;
    panel += INIT_BYTES + int8_padded (n) * PANEL;
  }
}

static void
gemm_int8_pack (const float *w, size_t ldw, size_t k, size_t first,
    size_t n_rows, void *panels)
{
  size_t bytes = gemm_int8_panel_bytes (k);

  for (size_t n = 0; n < n_rows; n += PANEL) {
    char *panel = (char *) panels + (first + n) / PANEL * bytes;

    memset (panel, 0, bytes);
    for (size_t j = 0; j < PANEL && n + j < n_rows; j++)
      pack_int8_row (w + (n + j) * ldw, k, j, panel);
  }
}

static inline __attribute__ ((always_inline)) void
add_sums (float *c, const int add, ivec sums, vec scale)
{
  vec before = add ? vec_load (c) : vec_zero ();

  vec_store (c, vec_fma (ivec_to_float (sums), scale, before));
}

/* c[rows][PANEL] = (add ? c : 0) + scales[rows] * (init + a * q), where @k is
 * the number of 4-byte steps.  Inlined with constant @rows;
 * unrolled early, for the sums to be kept in registers. */
static inline __attribute__ ((always_inline)) void
tile_int8 (const unsigned rows, const int add, const char *a,
    const char *scales, size_t stride, size_t k, const char *group, float *c,
    size_t ldc)
{
  const char *q = group + INIT_BYTES;
  ivec sum[VEC_ROWS][2];

#pragma GCC unroll 12
  for (unsigned i = 0; i < rows; i++) {
    sum[i][0] = ivec_load (group);
    sum[i][1] = ivec_load (group + sizeof (ivec));
  }
  for (size_t p = 0; p < k; p++) {
    ivec b0 = ivec_load_weights (q);
    ivec b1 = ivec_load_weights (q + VEC_LANES * INT8_STEP);

#pragma GCC unroll 12
    for (unsigned i = 0; i < rows; i++) {
      ivec a_i = ivec_set1_32 (a + i * stride + 4 * p);

      ivec_keep (&b0);
      ivec_keep (&b1);
      sum[i][0] = ivec_dot (sum[i][0], a_i, b0);
      sum[i][1] = ivec_dot (sum[i][1], a_i, b1);
    }
    q += PANEL * INT8_STEP;
  }
#pragma GCC unroll 12
  for (unsigned i = 0; i < rows; i++) {
    vec scale = vec_set1 (*(const float *) (scales + i * stride));

    add_sums (c + i * ldc, add, sum[i][0], scale);
    add_sums (c + i * ldc + VEC_LANES, add, sum[i][1], scale);
  }
}

/* The same for any number of rows: full tiles, then tiles of 8, 4, 2 and 1. */
static inline __attribute__ ((always_inline)) void
tiles_int8 (size_t rows, const int add, const char *a, const char *scales,
    size_t stride, size_t k, const char *group, float *c, size_t ldc)
{
  for (; rows >= VEC_ROWS; rows -= VEC_ROWS) {
    tile_int8 (VEC_ROWS, add, a, scales, stride, k, group, c, ldc);
    a += VEC_ROWS * stride;
    scales += VEC_ROWS * stride;
    c += VEC_ROWS * ldc;
  }
  for (unsigned part = 8; part > 0; part /= 2) {
    if (!(rows & part))
      continue;
    switch (part) {
      case 8:
        if (VEC_ROWS > 8)
          tile_int8 (8, add, a, scales, stride, k, group, c, ldc);
        break;
      case 4:
        tile_int8 (4, add, a, scales, stride, k, group, c, ldc);
        break;
      case 2:
        tile_int8 (2, add, a, scales, stride, k, group, c, ldc);
        break;
      default:
        tile_int8 (1, add, a, scales, stride, k, group, c, ldc);
    }
    a += part * stride;
    scales += part * stride;
    c += part * ldc;
  }
}

/* Times the scales of W. */
static void
scale_columns (float *sums, size_t rows, const char *panel)
{
  vec s0 = vec_load ((const float *) panel);
  vec s1 = vec_load ((const float *) panel + VEC_LANES);

  for (size_t i = 0; i < rows; i++, sums += PANEL) {
    vec_store (sums, vec_load (sums) * s0);
    vec_store (sums + VEC_LANES, vec_load (sums + VEC_LANES) * s1);
  }
}

/* @rows <= BLOCK_ROWS rows of one panel of C. */
static void
gemm_int8_block (
    const NpuGemm *args, size_t first_row, size_t rows, size_t index)
{
  _Alignas(NPU_ALIGNMENT) float sums[BLOCK_ROWS * PANEL];
  size_t k = args->w->k;
  const char *a = (const char *) args->a + first_row * args->a_stride;
  const char *scales = a + int8_scales_offset (k);
  const char *panel =
      (const char *) args->w->panels + index * gemm_int8_panel_bytes (k);
  const char *group = panel + PANEL * sizeof (float);

  for (size_t first = 0; first < k; first += GROUP) {
    size_t n = int8_padded (k - first < GROUP ? k - first : GROUP);

    if (first == 0)
      tiles_int8 (rows, 0, a, scales, args->a_stride, n / INT8_STEP, group,
          sums, PANEL);
    else
      tiles_int8 (rows, 1, a, scales, args->a_stride, n / INT8_STEP, group,
          sums, PANEL);
    a += GROUP * sizeof (int8_value);
    scales += sizeof (float);
    group += INIT_BYTES + n * PANEL;
  }
  scale_columns (sums, rows, panel);
  finish_block (args, sums, first_row, rows, index * PANEL);
}

static void
gemm_int8 (const NpuGemm *args)
{
  for (size_t row = 0; row < args->m; row += BLOCK_ROWS) {
    size_t rows = args->m - row < BLOCK_ROWS ? args->m - row : BLOCK_ROWS;

    for (size_t p = 0; p < args->n_panels; p++)
      gemm_int8_block (args, row, rows, args->first_panel + p);
  }
}

/* As many sums side by side as hide the latency. */
static uint64_t
gemm_int8_burn (uint64_t rounds)
{
  ivec sum[12] = { 0 }, a = { 0 }, b = { 0 };

  ivec_keep (&b);
  for (uint64_t round = 0; round < rounds; round++)
#pragma GCC unroll 12
    for (unsigned i = 0; i < 12; i++) {
      ivec_keep (&a);
      sum[i] = ivec_dot (sum[i], a, b);
    }
#pragma GCC unroll 12
  for (unsigned i = 0; i < 12; i++)
    ivec_use (&sum[i]);
  return rounds * 12 * 2 * VEC_LANES * INT8_STEP;
}

static inline void
vec_gemm_int8_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_INT8] = (NpuProduct){ .panel = PANEL,
    .rows = BLOCK_ROWS,
    .panel_bytes = gemm_int8_panel_bytes,
    .row_bytes = gemm_int8_row_bytes,
    .pack = gemm_int8_pack,
    .prepare = gemm_int8_prepare,
    .layernorm = gemm_int8_layernorm,
    .gemm = gemm_int8,
    .burn = gemm_int8_burn };
}

#endif /* NPU_VECGEMMINT8_H */
