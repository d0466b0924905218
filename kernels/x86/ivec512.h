/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ivec512.h: sixteen 32-bit integers, for kernels/vec/vecgemmint8.h.
 *
 * The type tells its lanes, as the compiler's own instructions do: GCC 12 keeps
 * arrays of __m512i, which does not, in memory.
 */
#ifndef NPU_X86_IVEC512_H
#define NPU_X86_IVEC512_H

#include <immintrin.h>
#include <string.h>

typedef int32_t ivec __attribute__ ((vector_size (64)));

static inline ivec
ivec_load (const void *p)
{
  return (ivec) _mm512_loadu_si512 (p);
}

/* The 32 bits at @p in each lane. */
static inline ivec
ivec_set1_32 (const void *p)
{
  int32_t bits;

  memcpy (&bits, p, sizeof bits);
  return (ivec) _mm512_set1_epi32 (bits);
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

static inline __m512
ivec_to_float (ivec v)
{
  return _mm512_cvtepi32_ps ((__m512i) v);
}

#endif /* NPU_X86_IVEC512_H */
