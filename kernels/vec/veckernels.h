/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * veckernels.h: all kernels of kernels/vec/, for the vector that has been
 * included before.
 */
#ifndef NPU_VECKERNELS_H
#define NPU_VECKERNELS_H

#include "npukernels-private.h"

#include "vecmath.h"
#include "vecconvert.h"
#include "veclayernorm.h"
#include "vecfinish.h"
#include "vecgemm.h"
#include "vecgemmbf16.h"
#include "vecgemmint8.h"
#include "vecattention.h"
#include "vecattentionint8.h"
#include "vecmel.h"

static inline void
vec_gemm_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_F32] = (NpuProduct){ .panel = PANEL,
    .rows = BLOCK_ROWS,
    .panel_bytes = gemm_panel_bytes,
    .row_bytes = gemm_row_bytes,
    .pack = gemm_pack,
    .in_place = 1,
    .prepare = gemm_prepare,
    .layernorm = gemm_layernorm,
    .gemm = gemm,
    .burn = gemm_burn };
}

static inline void
vec_attention_init (NpuKernels *kernels)
{
  for (int format = 0; format < NPU_N_FORMATS; format++)
    kernels->attention[format] = (NpuAttention){ .scores = NPU_FORMAT_F32,
      .values = NPU_FORMAT_F32,
      .queries = QUERIES,
      .packed_bytes = attention_packed_bytes,
      .scratch_bytes = sizeof (AttentionScratch),
      .pack = attention_pack,
      .attend = attention };
}

static inline void
vec_kernels_init (NpuKernels *kernels)
{
  kernels->to_f32 = to_f32;
  kernels->mel = mel;
  kernels->layernorm = layernorm;
  vec_gemm_init (kernels);
  vec_gemm_bf16_init (kernels);
  vec_gemm_int8_init (kernels);
  vec_attention_init (kernels);
  vec_attention_int8_init (kernels);
}

#endif /* NPU_VECKERNELS_H */
