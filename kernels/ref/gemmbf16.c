/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gemmbf16.c: the product of gemm.c with both sides rounded to bfloat16, the
 * upper half of a float.  Products and sums are in float32.
 */
#include "refgemm.h"

#include <string.h>

static size_t
panel_bytes (size_t k)
{
  return k * PANEL * sizeof (uint16_t);
}

static size_t
row_bytes (size_t k)
{
  return k * sizeof (uint16_t);
}

/* To nearest, ties to even.  NaNs stay NaNs. */
static uint16_t
round_to_bf16 (float value)
{
  uint32_t bits;

  memcpy (&bits, &value, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return (uint16_t) (bits >> 16 | 0x40);
  return (uint16_t) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float
from_bf16 (uint16_t half)
{
  uint32_t bits = (uint32_t) half << 16;
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static void
pack (const float *w, size_t ldw, size_t k, size_t first, size_t n_rows,
    void *panels)
{
  for (size_t n = 0; n < n_rows; n += PANEL) {
    uint16_t *panel = (uint16_t *) panels + (first + n) * k;

    for (size_t p = 0; p < k; p++)
      for (size_t j = 0; j < PANEL; j++)
        panel[p * PANEL + j] =
            n + j < n_rows ? round_to_bf16 (w[(n + j) * ldw + p]) : 0;
  }
}

static void
prepare (const float *x, size_t ldx, size_t rows, size_t k, void *out,
    size_t out_stride)
{
  for (size_t r = 0; r < rows; r++) {
    uint16_t *row = (uint16_t *) ((char *) out + r * out_stride);

    for (size_t i = 0; i < k; i++)
      row[i] = round_to_bf16 (x[r * ldx + i]);
  }
}

static void
layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, void *out, size_t out_stride)
{
  for (size_t r = 0; r < rows; r++) {
    uint16_t *row = (uint16_t *) ((char *) out + r * out_stride);
    NpuRefNorm norm = npu_ref_norm (x + r * ldx, d);

    for (size_t i = 0; i < d; i++)
      row[i] = round_to_bf16 (
          npu_ref_normalize (&norm, x[r * ldx + i], gamma[i], beta[i]));
  }
}

static void
multiply_row (
    const uint16_t *a, size_t k, const uint16_t *panel, float sums[PANEL])
{
  float s[PANEL] = { 0.0f };

  for (size_t p = 0; p < k; p++)
    for (size_t j = 0; j < PANEL; j++)
      s[j] += from_bf16 (a[p]) * from_bf16 (panel[p * PANEL + j]);
  memcpy (sums, s, sizeof s);
}

static void
gemm (const NpuGemm *args)
{
  size_t k = args->w->k;
  size_t end = args->first_panel + args->n_panels;
  float sums[PANEL];

  for (size_t p = args->first_panel; p < end; p++)
    for (size_t row = 0; row < args->m; row++) {
      const char *a = (const char *) args->a + row * args->a_stride;

      multiply_row ((const uint16_t *) a, k,
          (const uint16_t *) args->w->panels + p * PANEL * k, sums);
      finish_row (args, row, p * PANEL, sums);
    }
}

void
npu_ref_gemm_bf16_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_BF16] = (NpuProduct){ .panel = PANEL,
    .rows = ROWS_PER_TASK,
    .panel_bytes = panel_bytes,
    .row_bytes = row_bytes,
    .pack = pack,
    .prepare = prepare,
    .layernorm = layernorm,
    .gemm = gemm };
}
