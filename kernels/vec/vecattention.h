/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecattention.h: softmax (Q K^T) V of one head (ref/attention.c), with blocks of
 * queries by blocks of keys as two matrix products on the tile of vecgemm.h.
 *
 * The scores are turned into powers of two: exp (s - m) is computed as
 * 2^(s log2 e - shift), where shift is the running maximum of s, times log2 e,
 * rounded.  Whatever that rounding does cancels, as the weights and their sum
 * share it.
 *
 * Packed: for each block of keys, the keys as panels [KEYS / PANEL][64][PANEL],
 * then the values as panels [64 / PANEL][KEYS][PANEL].
 */
#ifndef NPU_VECATTENTION_H
#define NPU_VECATTENTION_H

#include <math.h>
#include <string.h>

#define QUERIES 48
#define KEYS 128
#define HEAD NPU_HEAD_SIZE
#define KEYS_FLOATS (KEYS * HEAD)
#define LOG2_E 1.44269504f

/* The state of QUERIES queries between blocks of keys. */
typedef struct {
  float scores[QUERIES * KEYS];      /* then the weights 2^(…) */
  float sums[QUERIES * HEAD];        /* of weighted values */
  float totals[QUERIES * VEC_LANES]; /* of weights, by lane */
  float shifts[QUERIES];
} AttentionScratch;

static inline size_t
n_key_blocks (size_t n_keys)
{
  return (n_keys + KEYS - 1) / KEYS;
}

static inline size_t
attention_packed_bytes (size_t n_keys)
{
  return n_key_blocks (n_keys) * 2 * KEYS_FLOATS * sizeof (float);
}

static inline void
pack_values (const float *v, size_t ld, size_t n_keys, float *panels)
{
  for (size_t column = 0; column < HEAD; column += PANEL) {
    float *panel = panels + column * KEYS;

    for (size_t key = 0; key < n_keys; key++)
      memcpy (
          panel + key * PANEL, v + key * ld + column, PANEL * sizeof *panel);
  }
}

static inline void
attention_pack (
    const float *k, const float *v, size_t ld, size_t n_keys, void *packed)
{
  float *block = packed;

  for (size_t key = 0; key < n_keys; key += KEYS) {
    size_t n = n_keys - key < KEYS ? n_keys - key : KEYS;

    gemm_pack (k + key * ld, ld, HEAD, 0, n, block);
    pack_values (v + key * ld, ld, n, block + KEYS_FLOATS);
    block += 2 * KEYS_FLOATS;
  }
}

/* Turns a row's @width scores, a multiple of VEC_LANES, into weights. */
static inline void
weigh_row (AttentionScratch *state, size_t row, size_t width)
{
  float *scores = state->scores + row * KEYS;
  float *sums = state->sums + row * HEAD;
  vec total = vec_load (state->totals + row * VEC_LANES);
  vec highest = vec_set1 (-INFINITY), shift;
  float old_shift = state->shifts[row], new_shift;

  for (size_t j = 0; j < width; j += VEC_LANES)
    highest = vec_max (highest, vec_load (scores + j));
  new_shift = vec_highest (highest) * LOG2_E;
  if (new_shift > old_shift) {
    vec shrink = vec_exp2 (vec_set1 (old_shift - new_shift));

    total *= shrink;
    for (size_t i = 0; i < HEAD; i += VEC_LANES)
      vec_store (sums + i, vec_load (sums + i) * shrink);
    state->shifts[row] = new_shift;
  }
  shift = vec_set1 (-state->shifts[row]);
  for (size_t j = 0; j < width; j += VEC_LANES) {
    vec weight =
        vec_exp2 (vec_fma (vec_load (scores + j), vec_set1 (LOG2_E), shift));

    vec_store (scores + j, weight);
    total += weight;
  }
  vec_store (state->totals + row * VEC_LANES, total);
}

static inline void
begin_queries (AttentionScratch *state, size_t rows)
{
  memset (state->sums, 0, rows * HEAD * sizeof (float));
  memset (state->totals, 0, rows * VEC_LANES * sizeof (float));
  for (size_t row = 0; row < rows; row++)
    state->shifts[row] = -INFINITY;
}

/* The values of one block of @n_keys keys, weighed by the scores. */
static inline void
add_values (
    AttentionScratch *state, size_t rows, size_t n_keys, const float *values)
{
  size_t width = (n_keys + VEC_LANES - 1) / VEC_LANES * VEC_LANES;

  for (size_t row = 0; row < rows; row++) {
    /* Keys beyond the last weigh 2^-125, which adds nothing to a total. */
    for (size_t key = n_keys; key < width; key++)
      state->scores[row * KEYS + key] = -INFINITY;
    weigh_row (state, row, width);
  }
  for (size_t column = 0; column < HEAD; column += PANEL)
    multiply_add (rows, state->scores, KEYS, n_keys, values + column * KEYS,
        state->sums + column, HEAD);
}

static inline void
end_queries (AttentionScratch *state, size_t rows, float *out, size_t ldo)
{
  for (size_t row = 0; row < rows; row++) {
    vec scale =
        vec_set1 (1.0f / vec_sum (vec_load (state->totals + row * VEC_LANES)));

    for (size_t i = 0; i < HEAD; i += VEC_LANES)
      vec_store (
          out + row * ldo + i, vec_load (state->sums + row * HEAD + i) * scale);
  }
}

static inline void
attend (AttentionScratch *state, const float *q, size_t ldq, size_t rows,
    const float *packed, size_t n_keys, float *out, size_t ldo)
{
  begin_queries (state, rows);
  for (size_t key = 0; key < n_keys; key += KEYS) {
    size_t n = n_keys - key < KEYS ? n_keys - key : KEYS;

    for (size_t j = 0; j < n; j += PANEL)
      multiply (rows, q, ldq, HEAD, packed + j * HEAD, state->scores + j, KEYS);
    add_values (state, rows, n, packed + KEYS_FLOATS);
    packed += 2 * KEYS_FLOATS;
  }
  end_queries (state, rows, out, ldo);
}

static inline void
attention (const float *q, size_t ldq, size_t n_queries, const void *packed,
    size_t n_keys, float *out, size_t ldo, void *scratch)
{
  for (size_t row = 0; row < n_queries; row += QUERIES) {
    size_t rows = n_queries - row < QUERIES ? n_queries - row : QUERIES;

    attend (scratch, q + row * ldq, ldq, rows, packed, n_keys, out + row * ldo,
        ldo);
  }
}

#endif /* NPU_VECATTENTION_H */
