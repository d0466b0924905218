/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * avx2.h: the vector of kernels/vec/ as eight floats of AVX2 and FMA.
 *
 * Vectors add, subtract, multiply and divide by the C operators.  Memory need
 * not be aligned.  The functions ending in _n touch the first n < VEC_LANES
 * values in memory only.
 */
#ifndef NPU_X86_AVX2_H
#define NPU_X86_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VEC_LANES 8
/* Rows of a matrix product's tile, two vectors wide: 12 of 16 registers. */
#define VEC_ROWS 6

typedef __m256 vec;

static inline vec
vec_zero (void)
{
  return _mm256_setzero_ps ();
}

/* The compiler must not reckon with what @v is. */
static inline void
vec_keep (vec *v)
{
  __asm__("" : "+v"(*v));
}

/* Counts as a use of @v. */
static inline void
vec_use (const vec *v)
{
  __asm__ volatile("" : : "v"(*v));
}

static inline vec
vec_set1 (float value)
{
  return _mm256_set1_ps (value);
}

static inline vec
vec_load (const float *p)
{
  return _mm256_loadu_ps (p);
}

static inline void
vec_store (float *p, vec v)
{
  _mm256_storeu_ps (p, v);
}

/* All ones in the first n lanes. */
static inline __m256i
vec_first (size_t n)
{
  const __m256i lane = _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32 (_mm256_set1_epi32 ((int) n), lane);
}

/* Zeros in the other lanes. */
static inline vec
vec_load_n (const float *p, size_t n)
{
  return _mm256_maskload_ps (p, vec_first (n));
}

static inline void
vec_store_n (float *p, vec v, size_t n)
{
  _mm256_maskstore_ps (p, vec_first (n), v);
}

/* The first n lanes of v, zeros in the others. */
static inline vec
vec_keep_n (vec v, size_t n)
{
  return _mm256_and_ps (v, _mm256_castsi256_ps (vec_first (n)));
}

/* a * b + c, rounded once. */
static inline vec
vec_fma (vec a, vec b, vec c)
{
  return _mm256_fmadd_ps (a, b, c);
}

/* c - a * b, rounded once. */
static inline vec
vec_fnma (vec a, vec b, vec c)
{
  return _mm256_fnmadd_ps (a, b, c);
}

/* Where either is NaN: b. */
static inline vec
vec_max (vec a, vec b)
{
  return _mm256_max_ps (a, b);
}

static inline vec
vec_abs (vec v)
{
  return _mm256_andnot_ps (_mm256_set1_ps (-0.0f), v);
}

static inline vec
vec_round (vec v)
{
  return _mm256_round_ps (v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* v * 2^n for integral n, where v and the result are normal. */
static inline vec
vec_scale (vec v, vec n)
{
  __m256i shift = _mm256_slli_epi32 (_mm256_cvtps_epi32 (n), 23);
  return _mm256_castsi256_ps (
      _mm256_add_epi32 (_mm256_castps_si256 (v), shift));
}

/* v = m * 2^exponent with m in [sqrt 1/2, sqrt 2), for normal v > 0. */
static inline vec
vec_split (vec v, vec *exponent)
{
  const __m256i root = _mm256_set1_epi32 (0x3f3504f3);
  __m256i bits = _mm256_castps_si256 (v);
  __m256i e = _mm256_srai_epi32 (_mm256_sub_epi32 (bits, root), 23);

  *exponent = _mm256_cvtepi32_ps (e);
  return _mm256_castsi256_ps (
      _mm256_sub_epi32 (bits, _mm256_slli_epi32 (e, 23)));
}

static inline float
vec_highest (vec v)
{
  __m128 x =
      _mm_max_ps (_mm256_castps256_ps128 (v), _mm256_extractf128_ps (v, 1));
  x = _mm_max_ps (x, _mm_movehl_ps (x, x));
  return _mm_cvtss_f32 (_mm_max_ss (x, _mm_movehdup_ps (x)));
}

static inline float
vec_sum (vec v)
{
  __m128 x =
      _mm_add_ps (_mm256_castps256_ps128 (v), _mm256_extractf128_ps (v, 1));
  x = _mm_add_ps (x, _mm_movehl_ps (x, x));
  return _mm_cvtss_f32 (_mm_add_ss (x, _mm_movehdup_ps (x)));
}

/* Lane j of v[i] becomes lane i of v[j]. */
static inline void
vec_transpose (vec v[VEC_LANES])
{
  vec pair[8], quad[8];

  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm256_unpacklo_ps (v[i], v[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps (v[i], v[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    quad[i] = _mm256_shuffle_ps (pair[i], pair[i + 2], 0x44);
    quad[i + 1] = _mm256_shuffle_ps (pair[i], pair[i + 2], 0xee);
    quad[i + 2] = _mm256_shuffle_ps (pair[i + 1], pair[i + 3], 0x44);
    quad[i + 3] = _mm256_shuffle_ps (pair[i + 1], pair[i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    v[i] = _mm256_permute2f128_ps (quad[i], quad[i + 4], 0x20);
    v[i + 4] = _mm256_permute2f128_ps (quad[i], quad[i + 4], 0x31);
  }
}

static inline vec
vec_load_f16 (const void *p)
{
  return _mm256_cvtph_ps (_mm_loadu_si128 (p));
}

static inline vec
vec_load_bf16 (const void *p)
{
  __m256i wide = _mm256_cvtepu16_epi32 (_mm_loadu_si128 (p));
  return _mm256_castsi256_ps (_mm256_slli_epi32 (wide, 16));
}

#endif /* NPU_X86_AVX2_H */
