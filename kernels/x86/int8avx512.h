/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* int8avx512.h: integer vectors for kernels/vec/vecgemmint8.h from AVX-512 BW:
 * A as 16-bit values, products of pairs (vpmaddwd). */
#ifndef NPU_X86_INT8AVX512_H
#define NPU_X86_INT8AVX512_H

#include "avx512.h"
#include "ivec512.h"

#define INT8_STEP 2
#define INT8_OFFSET 0

typedef int16_t int8_value;

static inline ivec
ivec_load_weights (const void *p)
{
  return (ivec) _mm512_cvtepi8_epi16 (_mm256_loadu_si256 (p));
}

static inline ivec
ivec_dot (ivec sum, ivec a, ivec b)
{
  return sum + (ivec) _mm512_madd_epi16 ((__m512i) a, (__m512i) b);
}

static inline void
int8_store (int8_value *out, vec v)
{
  _mm256_storeu_si256 (
      (__m256i *) out, _mm512_cvtepi32_epi16 (_mm512_cvtps_epi32 (v)));
}

#endif /* NPU_X86_INT8AVX512_H */
