/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gemm.c: C = activation (A * W^T + bias) + addend, with W in packed
 * panels, in float32.
 *
 * A tile of ROWS x PANEL sums stays in registers while k runs; compilers turn
 * the loop over a panel's columns into vectors.  Each sum adds its products in
 * the order of k, so that no cut of the work changes a bit.
 */
#include "refgemm.h"

#include <string.h>

#define ROWS 4

static size_t
panel_bytes (size_t k)
{
  return k * PANEL * sizeof (float);
}

static size_t
row_bytes (size_t k)
{
  return k * sizeof (float);
}

static void
pack (const float *w, size_t ldw, size_t k, size_t first, size_t n_rows,
    void *panels)
{
  for (size_t n = 0; n < n_rows; n += PANEL) {
    float *panel = (float *) panels + (first + n) * k;

    for (size_t p = 0; p < k; p++)
      for (size_t j = 0; j < PANEL; j++)
        panel[p * PANEL + j] = n + j < n_rows ? w[(n + j) * ldw + p] : 0.0f;
  }
}

static void
prepare (const float *x, size_t ldx, size_t rows, size_t k, void *out,
    size_t out_stride)
{
  for (size_t r = 0; r < rows; r++)
    memcpy ((char *) out + r * out_stride, x + r * ldx, k * sizeof *x);
}

static void
layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, void *out, size_t out_stride)
{
  for (size_t r = 0; r < rows; r++)
    npu_ref_layernorm_row (
        x + r * ldx, d, gamma, beta, (float *) ((char *) out + r * out_stride));
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
        s[i][j] += a[(size_t) i * lda + p] * panel[p * PANEL + (size_t) j];
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
      s[j] += a[p] * panel[p * PANEL + (size_t) j];
  for (int j = 0; j < PANEL; j++)
    sums[j] = s[j];
}

static void
gemm (const NpuGemm *args)
{
  size_t k = args->w->k, lda = args->a_stride / sizeof (float);
  size_t end = args->first_panel + args->n_panels;
  float sums[ROWS][PANEL];

  for (size_t p = args->first_panel; p < end; p++) {
    const float *panel = (const float *) args->w->panels + p * PANEL * k;

    for (size_t row = 0; row < args->m; row += ROWS) {
      size_t rows = args->m - row < ROWS ? args->m - row : ROWS;
      const float *a = (const float *) args->a + row * lda;

      if (rows == ROWS)
        multiply_tile (a, lda, k, panel, sums);
      else
        for (size_t i = 0; i < rows; i++)
          multiply_row (a + i * lda, k, panel, sums[i]);
      for (size_t i = 0; i < rows; i++)
        finish_row (args, row + i, p * PANEL, sums[i]);
    }
  }
}

void
npu_ref_gemm_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_F32] = (NpuProduct){ .panel = PANEL,
    .rows = ROWS_PER_TASK,
    .panel_bytes = panel_bytes,
    .row_bytes = row_bytes,
    .pack = pack,
    .in_place = 1,
    .prepare = prepare,
    .layernorm = layernorm,
    .gemm = gemm };
}
