/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * int8avx2.h: integer vectors for kernels/vec/vecgemmint8.h from AVX2 alone:
 * A as 16-bit values, products of pairs (vpmaddwd).  The byte product of AVX2,
 * vpmaddubsw, saturates and would have to be kept from it by further
 * instructions; per product it is no faster then.
 */
#ifndef NPU_X86_INT8AVX2_H
#define NPU_X86_INT8AVX2_H

#include "avx2.h"
#include "ivec256.h"

#define INT8_STEP 2
#define INT8_OFFSET 0

typedef int16_t int8_value;

static inline ivec
ivec_load_weights (const void *p)
{
  return (ivec) _mm256_cvtepi8_epi16 (_mm_loadu_si128 (p));
}

static inline ivec
ivec_dot (ivec sum, ivec a, ivec b)
{
  return sum + (ivec) _mm256_madd_epi16 ((__m256i) a, (__m256i) b);
}

static inline void
int8_store (int8_value *out, vec v)
{
  __m256i q = _mm256_cvtps_epi32 (v);

  _mm_storeu_si128 (
      (__m128i *) out, _mm_packs_epi32 (_mm256_castsi256_si128 (q),
                           _mm256_extracti128_si256 (q, 1)));
}

#endif /* NPU_X86_INT8AVX2_H */
