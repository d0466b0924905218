/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * avx512bf16.c: the bf16 product and attention for processors whose dot products
 * of bf16 pairs (AVX512_BF16) are faster than float32's multiply-add.
 */
#include "npukernels-private.h"

#include <string.h>

#include "avx512.h"
#include "ivec512.h"
#include "vecmath.h"
#include "veclayernorm.h"
#include "vecfinish.h"
#include "bf16gemm.h"
#include "bf16attention.h"

void
npu_avx512bf16_init (NpuKernels *kernels)
{
  const NpuAttention attention = { .scores = NPU_FORMAT_BF16,
    .values = NPU_FORMAT_BF16,
    .queries = QUERIES,
    .packed_bytes = attention_packed_bytes,
    .scratch_bytes = sizeof (AttentionScratch),
    .pack = attention_pack,
    .attend = attention_bf16 };

  kernels->product[NPU_FORMAT_BF16] = (NpuProduct){ .panel = PANEL,
    .rows = BLOCK_ROWS,
    .panel_bytes = bf16_panel_bytes,
    .row_bytes = bf16_row_bytes,
    .pack = bf16_pack,
    .prepare = bf16_prepare,
    .layernorm = bf16_layernorm,
    .gemm = bf16_gemm,
    .burn = bf16_burn };
  kernels->attention[NPU_FORMAT_BF16] = attention;
  kernels->attention[NPU_FORMAT_INT8] = attention;
  kernels->bf16_is_fast = 1;
}
