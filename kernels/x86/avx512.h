/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * avx512.h: the vector of kernels/vec/ as sixteen floats of AVX-512 (F, BW, DQ).
 * The meaning of each function stands in avx2.h.
 */
#ifndef NPU_X86_AVX512_H
#define NPU_X86_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VEC_LANES 16
/* Rows of a matrix product's tile, two vectors wide: 24 of 32 registers. */
#define VEC_ROWS 12

typedef __m512 vec;

static inline vec
vec_zero (void)
{
  return _mm512_setzero_ps ();
}

static inline void
vec_keep (vec *v)
{
  __asm__("" : "+v"(*v));
}

static inline void
vec_use (const vec *v)
{
  __asm__ volatile("" : : "v"(*v));
}

static inline vec
vec_set1 (float value)
{
  return _mm512_set1_ps (value);
}

static inline vec
vec_load (const float *p)
{
  return _mm512_loadu_ps (p);
}

static inline void
vec_store (float *p, vec v)
{
  _mm512_storeu_ps (p, v);
}

static inline __mmask16
vec_first (size_t n)
{
  return (__mmask16) ((1u << n) - 1);
}

static inline vec
vec_load_n (const float *p, size_t n)
{
  return _mm512_maskz_loadu_ps (vec_first (n), p);
}

static inline void
vec_store_n (float *p, vec v, size_t n)
{
  _mm512_mask_storeu_ps (p, vec_first (n), v);
}

static inline vec
vec_keep_n (vec v, size_t n)
{
  return _mm512_maskz_mov_ps (vec_first (n), v);
}

static inline vec
vec_fma (vec a, vec b, vec c)
{
  return _mm512_fmadd_ps (a, b, c);
}

static inline vec
vec_fnma (vec a, vec b, vec c)
{
  return _mm512_fnmadd_ps (a, b, c);
}

static inline vec
vec_max (vec a, vec b)
{
  return _mm512_max_ps (a, b);
}

static inline vec
vec_abs (vec v)
{
  return _mm512_abs_ps (v);
}

static inline vec
vec_round (vec v)
{
  return _mm512_roundscale_ps (
      v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vec
vec_scale (vec v, vec n)
{
  return _mm512_scalef_ps (v, n);
}

static inline vec
vec_split (vec v, vec *exponent)
{
  const __m512i root = _mm512_set1_epi32 (0x3f3504f3);
  __m512i bits = _mm512_castps_si512 (v);
  __m512i e = _mm512_srai_epi32 (_mm512_sub_epi32 (bits, root), 23);

  *exponent = _mm512_cvtepi32_ps (e);
  return _mm512_castsi512_ps (
      _mm512_sub_epi32 (bits, _mm512_slli_epi32 (e, 23)));
}

static inline float
vec_highest (vec v)
{
  return _mm512_reduce_max_ps (v);
}

static inline float
vec_sum (vec v)
{
  return _mm512_reduce_add_ps (v);
}

static inline void
vec_transpose (vec v[VEC_LANES])
{
  vec pair[16], quad[16];

  for (int i = 0; i < 16; i += 2) {
    pair[i] = _mm512_unpacklo_ps (v[i], v[i + 1]);
    pair[i + 1] = _mm512_unpackhi_ps (v[i], v[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    quad[i] = _mm512_shuffle_ps (pair[i], pair[i + 2], 0x44);
    quad[i + 1] = _mm512_shuffle_ps (pair[i], pair[i + 2], 0xee);
    quad[i + 2] = _mm512_shuffle_ps (pair[i + 1], pair[i + 3], 0x44);
    quad[i + 3] = _mm512_shuffle_ps (pair[i + 1], pair[i + 3], 0xee);
  }
  /* quad[4 b + c] holds columns c, c + 4, c + 8, c + 12 of rows 4 b … */
  for (int c = 0; c < 4; c++) {
    vec low_even = _mm512_shuffle_f32x4 (quad[c], quad[c + 4], 0x88);
    vec low_odd = _mm512_shuffle_f32x4 (quad[c], quad[c + 4], 0xdd);
    vec high_even = _mm512_shuffle_f32x4 (quad[c + 8], quad[c + 12], 0x88);
    vec high_odd = _mm512_shuffle_f32x4 (quad[c + 8], quad[c + 12], 0xdd);

    v[c] = _mm512_shuffle_f32x4 (low_even, high_even, 0x88);
    v[c + 4] = _mm512_shuffle_f32x4 (low_odd, high_odd, 0x88);
    v[c + 8] = _mm512_shuffle_f32x4 (low_even, high_even, 0xdd);
    v[c + 12] = _mm512_shuffle_f32x4 (low_odd, high_odd, 0xdd);
  }
}

static inline vec
vec_load_f16 (const void *p)
{
  return _mm512_cvtph_ps (_mm256_loadu_si256 (p));
}

static inline vec
vec_load_bf16 (const void *p)
{
  __m512i wide = _mm512_cvtepu16_epi32 (_mm256_loadu_si256 (p));
  return _mm512_castsi512_ps (_mm512_slli_epi32 (wide, 16));
}

#endif /* NPU_X86_AVX512_H */
