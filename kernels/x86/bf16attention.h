/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bf16attention.h: the attention of kernels/vec/vecattention.h with Q, K, V and
 * the weights rounded to bf16 for the products; scores, weights' sums and the
 * running state stay float32.
 *
 * Packed: for each block of keys, the keys as panels [KEYS / PANEL][32][PANEL][2],
 * then the values as panels [64 / PANEL][KEYS / 2][PANEL][2].
 */
#ifndef NPU_X86_BF16ATTENTION_H
#define NPU_X86_BF16ATTENTION_H

#define QUERIES 48
#define KEYS 128
#define HEAD NPU_HEAD_SIZE
#define KEYS_WORDS (KEYS * HEAD / 2)
#define LOG2_E 1.44269504f

/* The state of QUERIES queries between blocks of keys. */
typedef struct {
  float scores[QUERIES * KEYS];
  uint16_t q[QUERIES * HEAD];
  uint16_t weights[QUERIES * KEYS];  /* 2^(…) */
  float sums[QUERIES * HEAD];        /* of weighted values */
  float totals[QUERIES * VEC_LANES]; /* of weights, by lane */
  float shifts[QUERIES];
} AttentionScratch;

static size_t
attention_packed_bytes (size_t n_keys)
{
  return (n_keys + KEYS - 1) / KEYS * 2 * KEYS_WORDS * sizeof (uint32_t);
}

/* Values of keys 2 i and 2 i + 1 side by side; zeros where a key is missing. */
static void
pack_values (const float *v, size_t ld, size_t n_keys, uint32_t *panels)
{
  for (size_t key = 0; key < n_keys; key += 2)
    for (size_t i = 0; i < HEAD; i += VEC_LANES) {
      uint32_t *panel = panels + i / PANEL * PANEL * (KEYS / 2);
      __m512 even = _mm512_loadu_ps (v + key * ld + i);
      __m512 odd = key + 1 < n_keys ? _mm512_loadu_ps (v + (key + 1) * ld + i)
                                    : vec_zero ();
      __m512i low = _mm512_cvtepu16_epi32 ((__m256i) _mm512_cvtneps_pbh (even));
      __m512i high = _mm512_cvtepu16_epi32 ((__m256i) _mm512_cvtneps_pbh (odd));

      _mm512_storeu_si512 (panel + key / 2 * PANEL + i % PANEL,
          _mm512_or_si512 (low, _mm512_slli_epi32 (high, 16)));
    }
}

static void
attention_pack (
    const float *k, const float *v, size_t ld, size_t n_keys, void *packed)
{
  uint32_t *block = packed;

  for (size_t key = 0; key < n_keys; key += KEYS) {
    size_t n = n_keys - key < KEYS ? n_keys - key : KEYS;

    bf16_pack (k + key * ld, ld, HEAD, 0, n, block);
    pack_values (v + key * ld, ld, n, block + KEYS_WORDS);
    block += 2 * KEYS_WORDS;
  }
}

/* Makes room for scores as high as @highest in a row's state. */
static inline void
raise_shift (AttentionScratch *state, size_t row, float highest)
{
  float *sums = state->sums + row * HEAD, *totals = state->totals;
  float old_shift = state->shifts[row], new_shift = highest * LOG2_E;
  vec shrink;

  if (!(new_shift > old_shift))
    return;
  shrink = vec_exp2 (vec_set1 (old_shift - new_shift));
  totals += row * VEC_LANES;
  vec_store (totals, vec_load (totals) * shrink);
  for (size_t i = 0; i < HEAD; i += VEC_LANES)
    vec_store (sums + i, vec_load (sums + i) * shrink);
  state->shifts[row] = new_shift;
}

/* 2^t as vec_exp2(), for weights that bf16 will round by up to 2^-9: a minimax
 * polynomial of degree 3, with a relative error of 7.5e-5. */
static inline vec
rough_exp2 (vec t)
{
  vec n, f, p;

  t = vec_max (vec_set1 (-125.0f), t);
  n = vec_round (t);
  f = t - n;
  p = vec_fma (vec_set1 (0.055171669f), f, vec_set1 (0.24261112f));
  p = vec_fma (p, f, vec_set1 (0.69326099f));
  return vec_scale (vec_fma (p, f, vec_set1 (0.99992807f)), n);
}

/* Turns a row's @width scores, a multiple of 32, into weights. */
static void
weigh_row (AttentionScratch *state, size_t row, size_t width)
{
  const float *scores = state->scores + row * KEYS;
  uint16_t *weights = state->weights + row * KEYS;
  vec highest = vec_set1 (-INFINITY), total, shift;

  for (size_t j = 0; j < width; j += VEC_LANES)
    highest = vec_max (highest, vec_load (scores + j));
  raise_shift (state, row, vec_highest (highest));
  shift = vec_set1 (-state->shifts[row]);
  total = vec_load (state->totals + row * VEC_LANES);
  for (size_t j = 0; j < width; j += 2 * VEC_LANES) {
    vec low =
        rough_exp2 (vec_fma (vec_load (scores + j), vec_set1 (LOG2_E), shift));
    vec high = rough_exp2 (
        vec_fma (vec_load (scores + j + VEC_LANES), vec_set1 (LOG2_E), shift));

    _mm512_storeu_si512 (
        weights + j, (__m512i) _mm512_cvtne2ps_pbh (high, low));
    total += low + high;
  }
  vec_store (state->totals + row * VEC_LANES, total);
}

/* Adds a block of keys, of which the scores are there. */
static void
add_block (
    AttentionScratch *state, size_t rows, const uint32_t *values, size_t n_keys)
{
  size_t width = (n_keys + PANEL - 1) / PANEL * PANEL;

  for (size_t row = 0; row < rows; row++) {
    /* Keys beyond the last weigh 2^-125, which adds nothing to a total. */
    for (size_t key = n_keys; key < width; key++)
      state->scores[row * KEYS + key] = -INFINITY;
    weigh_row (state, row, width);
  }
  for (size_t column = 0; column < HEAD; column += PANEL)
    bf16_multiply_add (rows, (const char *) state->weights,
        KEYS * sizeof (uint16_t), (n_keys + 1) / 2,
        values + column * (KEYS / 2), state->sums + column, HEAD);
}

static void
begin_queries (AttentionScratch *state, size_t rows)
{
  memset (state->sums, 0, rows * HEAD * sizeof (float));
  memset (state->totals, 0, rows * VEC_LANES * sizeof (float));
  for (size_t row = 0; row < rows; row++)
    state->shifts[row] = -INFINITY;
}

static void
end_queries (const AttentionScratch *state, size_t rows, float *out, size_t ldo)
{
  for (size_t row = 0; row < rows; row++) {
    vec scale =
        vec_set1 (1.0f / vec_sum (vec_load (state->totals + row * VEC_LANES)));

    for (size_t i = 0; i < HEAD; i += VEC_LANES)
      vec_store (
          out + row * ldo + i, vec_load (state->sums + row * HEAD + i) * scale);
  }
}

static void
attend (AttentionScratch *state, const float *q, size_t ldq, size_t rows,
    const uint32_t *packed, size_t n_keys, float *out, size_t ldo)
{
  bf16_prepare (q, ldq, rows, HEAD, state->q, HEAD * sizeof (uint16_t));
  begin_queries (state, rows);
  for (size_t key = 0; key < n_keys; key += KEYS) {
    size_t n = n_keys - key < KEYS ? n_keys - key : KEYS;

    for (size_t j = 0; j < n; j += PANEL)
      bf16_multiply (rows, (const char *) state->q, HEAD * sizeof (uint16_t),
          HEAD / 2, packed + j * (HEAD / 2), state->scores + j, KEYS);
    add_block (state, rows, packed + KEYS_WORDS, n);
    packed += 2 * KEYS_WORDS;
  }
  end_queries (state, rows, out, ldo);
}

static void
attention_bf16 (const float *q, size_t ldq, size_t n_queries,
    const void *packed, size_t n_keys, float *out, size_t ldo, void *scratch)
{
  for (size_t row = 0; row < n_queries; row += QUERIES) {
    size_t rows = n_queries - row < QUERIES ? n_queries - row : QUERIES;

    attend (scratch, q + row * ldq, ldq, rows, packed, n_keys, out + row * ldo,
        ldo);
  }
}

#endif /* NPU_X86_BF16ATTENTION_H */
