/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * avx512bf16.c: the bf16 product, and attention of bf16 and of int8, for
 * processors whose dot products of bf16 pairs (AVX512_BF16) are faster than
 * float32's multiply-add.
 */
#include "npukernels-private.h"

#include <string.h>

#include "int8avx512vnni.h"
#include "vecmath.h"
#include "veclayernorm.h"
#include "vecfinish.h"
#include "bf16gemm.h"
#include "bf16attention.h"
#include "bf16int8attention.h"

void
npu_avx512bf16_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_BF16] = (NpuProduct){ .panel = PANEL,
    .rows = BLOCK_ROWS,
    .panel_bytes = bf16_panel_bytes,
    .row_bytes = bf16_row_bytes,
    .pack = bf16_pack,
    .prepare = bf16_prepare,
    .layernorm = bf16_layernorm,
    .gemm = bf16_gemm,
    .burn = bf16_burn };
  kernels->attention[NPU_FORMAT_BF16] =
      (NpuAttention){ .scores = NPU_FORMAT_BF16,
        .values = NPU_FORMAT_BF16,
        .queries = QUERIES,
        .packed_bytes = attention_packed_bytes,
        .scratch_bytes = sizeof (AttentionScratch),
        .pack = attention_pack,
        .attend = attention_bf16 };
  kernels->attention[NPU_FORMAT_INT8] =
      (NpuAttention){ .scores = NPU_FORMAT_INT8,
        .values = NPU_FORMAT_BF16,
        .queries = QUERIES,
        .packed_bytes = int8_packed_bytes,
        .scratch_bytes = sizeof (Int8Scratch),
        .pack = int8_attention_pack,
        .attend = attention_bf16_int8 };
  kernels->bf16_is_fast = 1;
}
