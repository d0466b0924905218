/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * amx.c: the products and the attention of bf16 and int8 in AMX's tiles; the
 * others are those of AVX-512, whose vectors also do what tiles cannot.
 *
 * This file is compiled a second time for the tests, which put plain C in the
 * place of the tile instructions (tests/kernels/amxemulation.h).
 */
#include "npukernels-private.h"

#include <math.h>
#include <string.h>

#include "avx512.h"
#include "ivec512.h"
#include "amxtile.h"
#include "vecmath.h"
#include "veclayernorm.h"
#include "vecfinish.h"

/* Both sides of TDPBSSD are signed. */
#define INT8_OFFSET 0

typedef int8_t int8_value;

static inline void
int8_store (int8_value *out, vec v)
{
  _mm_storeu_si128 (
      (__m128i *) out, _mm512_cvtepi32_epi8 (_mm512_cvtps_epi32 (v)));
}

#include "vecint8rows.h"
#include "bf16rows.h"
#include "amxgemm.h"
#include "amxgemmint8.h"
#include "amxgemmbf16.h"
#include "amxattention.h"

void
npu_amx_init (NpuKernels *kernels)
{
  amx_gemm_int8_init (kernels);
  amx_gemm_bf16_init (kernels);
  amx_attention_init (kernels);
  kernels->bf16_is_fast = 1;
}
