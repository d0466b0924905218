/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecgemmbf16.h: the product with weights stored as bfloat16, and computed in
 * float32 (vecgemm.h).  The left side stays float32: rounding it would cost
 * time and accuracy.
 */
#ifndef NPU_VECGEMMBF16_H
#define NPU_VECGEMMBF16_H

static size_t
gemm_bf16_panel_bytes (size_t k)
{
  return k * PANEL * sizeof (uint16_t);
}

/* To nearest, ties to even; finite values only. */
static uint16_t
round_to_bf16 (float value)
{
  uint32_t bits;

  memcpy (&bits, &value, sizeof bits);
  return (uint16_t) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void
gemm_bf16_pack (const float *w, size_t ldw, size_t k, size_t first,
    size_t n_rows, void *panels)
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
gemm_bf16 (const NpuGemm *args)
{
  gemm_blocks (args, 1);
}

static inline void
vec_gemm_bf16_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_BF16] = (NpuProduct){ .panel = PANEL,
    .rows = BLOCK_ROWS,
    .panel_bytes = gemm_bf16_panel_bytes,
    .row_bytes = gemm_row_bytes,
    .pack = gemm_bf16_pack,
    .in_place = 1,
    .prepare = gemm_prepare,
    .layernorm = gemm_layernorm,
    .gemm = gemm_bf16,
    .burn = gemm_burn };
}

#endif /* NPU_VECGEMMBF16_H */
