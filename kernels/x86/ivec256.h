/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ivec256.h: eight 32-bit integers, for kernels/vec/vecgemmint8.h (the type:
 * see ivec512.h). */
#ifndef NPU_X86_IVEC256_H
#define NPU_X86_IVEC256_H

#include <immintrin.h>
#include <string.h>

typedef int32_t ivec __attribute__ ((vector_size (32)));

static inline ivec
ivec_load (const void *p)
{
  return (ivec) _mm256_loadu_si256 (p);
}

/* The 32 bits at @p in each lane. */
static inline ivec
ivec_set1_32 (const void *p)
{
  int32_t bits;

  memcpy (&bits, p, sizeof bits);
  return (ivec) _mm256_set1_epi32 (bits);
}

/* Keeps the compiler from leaving @v in memory as an operand of many. */
static inline void
ivec_keep (ivec *v)
{
  __asm__("" : "+v"(*v));
}

/* Counts as a use of @v. */
static inline void
ivec_use (const ivec *v)
{
  __asm__ volatile("" : : "v"(*v));
}

static inline __m256
ivec_to_float (ivec v)
{
  return _mm256_cvtepi32_ps ((__m256i) v);
}

#endif /* NPU_X86_IVEC256_H */
