/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* int8avxvnni.h: integer vectors for kernels/vec/vecgemmint8.h with the 256-bit
 * dot products of unsigned by signed bytes (AVX-VNNI). */
#ifndef NPU_X86_INT8AVXVNNI_H
#define NPU_X86_INT8AVXVNNI_H

#include "avx2.h"
#include "ivec256.h"

#define INT8_STEP 4
#define INT8_OFFSET 128

typedef uint8_t int8_value;

static inline ivec
ivec_load_weights (const void *p)
{
  return ivec_load (p);
}

static inline ivec
ivec_dot (ivec sum, ivec a, ivec b)
{
  return (ivec) _mm256_dpbusd_avx_epi32 (
      (__m256i) sum, (__m256i) a, (__m256i) b);
}

static inline void
int8_store (int8_value *out, vec v)
{
  __m256i q = _mm256_add_epi32 (
      _mm256_cvtps_epi32 (v), _mm256_set1_epi32 (INT8_OFFSET));
  __m128i words = _mm_packs_epi32 (
      _mm256_castsi256_si128 (q), _mm256_extracti128_si256 (q, 1));

  _mm_storel_epi64 ((__m128i *) out, _mm_packus_epi16 (words, words));
}

#endif /* NPU_X86_INT8AVXVNNI_H */
