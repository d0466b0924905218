/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * veckernels.h: all float32 kernels of kernels/vec/, for the vector that has been
 * included before.
 */
#ifndef NPU_VECKERNELS_H
#define NPU_VECKERNELS_H

#include "npukernels-private.h"

#include "vecmath.h"
#include "vecconvert.h"
#include "veclayernorm.h"
#include "vecgemm.h"
#include "vecattention.h"
#include "vecmel.h"

static inline void
vec_kernels_init (NpuKernels *kernels)
{
  kernels->to_f32 = to_f32;
  kernels->mel = mel;
  kernels->layernorm = layernorm;
  kernels->gemm_panel = PANEL;
  kernels->gemm_rows = BLOCK_ROWS;
  kernels->gemm_pack = gemm_pack;
  kernels->gemm = gemm;
  kernels->attention_queries = QUERIES;
  kernels->attention_packed_floats = attention_packed_floats;
  kernels->attention_pack = attention_pack;
  kernels->attention_scratch_floats =
      sizeof (AttentionScratch) / sizeof (float);
  kernels->attention = attention;
}

#endif /* NPU_VECKERNELS_H */
