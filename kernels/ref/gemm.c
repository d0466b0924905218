/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gemm.c: C = activation (A * W^T + bias) + addend, with W in packed panels.
 *
 * A tile of ROWS x PANEL sums stays in registers while k runs; compilers turn
 * the loop over a panel's columns into vectors.  Each sum adds its products in
 * the order of k, so that no cut of the work changes a bit.
 */
#include "npukernels-private.h"

#include <math.h>

#define PANEL 8
#define ROWS 4
#define ROWS_PER_TASK 48

static void
gemm_pack (const float *w, size_t ldw, size_t k, size_t first, size_t n_rows,
    float *panels)
{
  for (size_t n = 0; n < n_rows; n += PANEL) {
    float *panel = panels + (first + n) * k;

    for (size_t p = 0; p < k; p++)
      for (size_t j = 0; j < PANEL; j++)
        panel[p * PANEL + j] = n + j < n_rows ? w[(n + j) * ldw + p] : 0.0f;
  }
}

static float
gelu (float x)
{
  return 0.5f * x * (1.0f + erff (x * 0.70710678118654752f));
}

/* The sums of one tile that has all its rows. */
static void
multiply_tile (const float *a, size_t lda, size_t k, const float *panel,
    float sums[ROWS][PANEL])
{
  float s[ROWS][PANEL] = { { 0.0f } };

  for (size_t p = 0; p < k; p++)
    for (int i = 0; i < ROWS; i++)
      for (int j = 0; j < PANEL; j++)
        s[i][j] += a[(size_t)i * lda + p] * panel[p * PANEL + (size_t)j];
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < PANEL; j++)
      sums[i][j] = s[i][j];
}

static void
multiply_row (const float *a, size_t k, const float *panel, float sums[PANEL])
{
  float s[PANEL] = { 0.0f };

  for (size_t p = 0; p < k; p++)
    for (int j = 0; j < PANEL; j++)
      s[j] += a[p] * panel[p * PANEL + (size_t)j];
  for (int j = 0; j < PANEL; j++)
    sums[j] = s[j];
}

/* Bias, activation and addend of one row of a panel, from column @n on. */
static void
finish_row (const NpuGemmF32 *args, size_t row, size_t n, const float *sums)
{
  size_t columns = args->w->n - n < PANEL ? args->w->n - n : PANEL;
  float *c = args->c + row * args->ldc + n;

  for (size_t j = 0; j < columns; j++) {
    float value = sums[j] + args->w->bias[n + j];

    if (args->activation == NPU_ACTIVATION_GELU)
      value = gelu (value);
    if (args->addend)
      value += args->addend[row * args->ld_addend + n + j];
    c[j] = value;
  }
}

static void
gemm (const NpuGemmF32 *args)
{
  size_t k = args->w->k;
  size_t end = args->first_panel + args->n_panels;
  float sums[ROWS][PANEL];

  for (size_t p = args->first_panel; p < end; p++) {
    const float *panel = args->w->panels + p * PANEL * k;

    for (size_t row = 0; row < args->m; row += ROWS) {
      size_t rows = args->m - row < ROWS ? args->m - row : ROWS;
      const float *a = args->a + row * args->lda;

      if (rows == ROWS)
        multiply_tile (a, args->lda, k, panel, sums);
      else
        for (size_t i = 0; i < rows; i++)
          multiply_row (a + i * args->lda, k, panel, sums[i]);
      for (size_t i = 0; i < rows; i++)
        finish_row (args, row + i, p * PANEL, sums[i]);
    }
  }
}

void
npu_ref_gemm_init (NpuKernels *kernels)
{
  kernels->gemm_panel = PANEL;
  kernels->gemm_rows = ROWS_PER_TASK;
  kernels->gemm_pack = gemm_pack;
  kernels->gemm = gemm;
}
