/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* int8avx512vnni.h: integer vectors for kernels/vec/vecgemmint8.h with the
 * 512-bit dot products of unsigned by signed bytes (AVX-512 VNNI). */
#ifndef NPU_X86_INT8AVX512VNNI_H
#define NPU_X86_INT8AVX512VNNI_H

#include "avx512.h"
#include "ivec512.h"

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
  return (ivec) _mm512_dpbusd_epi32 ((__m512i) sum, (__m512i) a, (__m512i) b);
}

static inline void
int8_store (int8_value *out, vec v)
{
  __m512i q = _mm512_add_epi32 (
      _mm512_cvtps_epi32 (v), _mm512_set1_epi32 (INT8_OFFSET));

  _mm_storeu_si128 ((__m128i *) out, _mm512_cvtepi32_epi8 (q));
}

#endif /* NPU_X86_INT8AVX512VNNI_H */
