/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * amxattention.h: attention (ref/attention.c) of 16 queries at a time in tiles.  Q,
 * K, V and the weights are bf16; scores, sums and totals float32.
 *
 *   tiles 0 … 3  sums of weighted values, 16 of the 64 columns each: they stay
 *                from the first key to the last
 *   tiles 4, 5   scores of a step of 32 keys
 *   tile 6       queries or weights
 *   tile 7       keys or values
 *
 * A weight is 2^(score log2 e - shift).  The row's shift is the highest score of
 * the first step in log2 units, as an integer.  Only where a later one lies more
 * than HEADROOM above it is it raised, and what was summed so far shrunk by a
 * power of two: exact, and rare.  Weights up to 2^HEADROOM do no harm, and the
 * highest is never far below 1.
 *
 * The exponentials take longer than the products, so they are computed between
 * them: of step i, while the tile unit makes the scores of step i + 1 and adds
 * the values of step i - 1.
 *
 * Packed: for each step of 32 keys, zeros where there are fewer, the keys as a
 * panel of the bf16 product (amxgemmbf16.h), then the values as four tiles,
 * [16 pairs of keys][16 columns][2].
 */
#ifndef NPU_X86_AMXATTENTION_H
#define NPU_X86_AMXATTENTION_H

#define HEAD NPU_HEAD_SIZE
#define LOG2_E 1.44269504f
#define TASK_QUERIES 96
#define STEP_KEYS 32
#define KEYS_BYTES (STEP_KEYS * HEAD * sizeof (uint16_t))
#define KEY_STEP_BYTES (2 * KEYS_BYTES) /* and the values */
#define HEADROOM 64.0f

/* Bytes from row to row. */
#define Q_STRIDE (HEAD * sizeof (uint16_t))
#define SCORES_STRIDE (STEP_KEYS * sizeof (float))
#define WEIGHTS_STRIDE (STEP_KEYS * sizeof (uint16_t))
#define SUMS_STRIDE (HEAD * sizeof (float))

/* The state of TILE_ROWS queries.  Odd and even steps take turns. */
typedef struct {
  float scores[2][TILE_ROWS * STEP_KEYS];
  uint16_t weights[2][TILE_ROWS * STEP_KEYS];
  uint16_t q[TILE_ROWS * HEAD];
  float sums[TILE_ROWS * HEAD]; /* on the way out of the tiles */
  float shifts[TILE_ROWS];
  float limits[TILE_ROWS];             /* scores above call for another shift */
  float totals[TILE_ROWS * VEC_LANES]; /* of weights, by lane */
} AttentionScratch;

static inline size_t
key_steps (size_t n_keys)
{
  return (n_keys + STEP_KEYS - 1) / STEP_KEYS;
}

static size_t
amx_attention_packed_bytes (size_t n_keys)
{
  return key_steps (n_keys) * KEY_STEP_BYTES;
}

/* Sixteen columns of keys 2 i and 2 i + 1 side by side, in row i. */
static void
pack_value_tile (const float *v, size_t ld, size_t n_keys, char *tile)
{
  for (size_t key = 0; key < STEP_KEYS; key += 2) {
    vec even = key < n_keys ? vec_load (v + key * ld) : vec_zero ();
    vec odd = key + 1 < n_keys ? vec_load (v + (key + 1) * ld) : vec_zero ();
    __m512i low = _mm512_cvtepu16_epi32 ((__m256i) _mm512_cvtneps_pbh (even));
    __m512i high = _mm512_cvtepu16_epi32 ((__m256i) _mm512_cvtneps_pbh (odd));

    _mm512_store_si512 (tile + key / 2 * TILE_ROW_BYTES,
        _mm512_or_si512 (low, _mm512_slli_epi32 (high, 16)));
  }
}

static void
amx_attention_pack (
    const float *k, const float *v, size_t ld, size_t n_keys, void *packed)
{
  char *step = packed;

  for (size_t key = 0; key < n_keys; key += STEP_KEYS) {
    size_t n = n_keys - key < STEP_KEYS ? n_keys - key : STEP_KEYS;

    amx_bf16_pack (k + key * ld, ld, HEAD, 0, n, step);
    for (size_t i = 0; i < HEAD / VEC_LANES; i++)
      pack_value_tile (v + key * ld + i * VEC_LANES, ld, n,
          step + KEYS_BYTES + i * TILE_BYTES);
    step += KEY_STEP_BYTES;
  }
}

/*
 * 2^t, 0 where t is below -126: 2^(t - floor t) by a minimax polynomial with a
 * relative error of 7.5e-5, a twentieth of a bf16's rounding.
 */
static inline vec
exp2_bf16 (vec t)
{
  vec f = _mm512_reduce_ps (t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  vec p = vec_fma (vec_set1 (0.0780245227f), f, vec_set1 (0.226067155f));

  p = vec_fma (p, f, vec_set1 (0.695833541f));
  p = vec_fma (p, f, vec_set1 (0.999925219f));
  return _mm512_scalef_ps (p, t);
}

static inline float
highest_score (const float *scores)
{
  return vec_highest (
      vec_max (vec_load (scores), vec_load (scores + VEC_LANES)));
}

static inline void
set_shift (AttentionScratch *state, size_t row, float shift)
{
  state->shifts[row] = shift;
  state->limits[row] = (shift + HEADROOM) / LOG2_E;
}

/* By the scores of the first step. */
static void
set_shifts (AttentionScratch *state, size_t rows)
{
  for (size_t row = 0; row < rows; row++) {
    float highest = highest_score (state->scores[0] + row * STEP_KEYS);

    set_shift (state, row, nearbyintf (highest * LOG2_E));
  }
}

/* Whether a score of @step is above its row's limit, or not a number. */
static inline int
is_above_limit (const AttentionScratch *state, size_t step)
{
  const float *scores = state->scores[step % 2];
  __mmask16 even = 0xffff, odd = 0xffff;

  for (size_t row = 0; row < TILE_ROWS; row++, scores += STEP_KEYS) {
    vec limit = vec_set1 (state->limits[row]);

    even = _mm512_mask_cmp_ps_mask (even, vec_load (scores), limit, _CMP_LE_OQ);
    odd = _mm512_mask_cmp_ps_mask (
        odd, vec_load (scores + VEC_LANES), limit, _CMP_LE_OQ);
  }
  return (even & odd) != 0xffff;
}

/* A row's shift rises by @by before @step: shrinks what has been summed, and the
 * weights of the step before, which have not. */
static void
shrink_row (AttentionScratch *state, size_t row, size_t step, float by)
{
  const vec power = vec_set1 (-by); /* 2^-by alone may be too small a number */
  float *sums = state->sums + row * HEAD;
  float *totals = state->totals + row * VEC_LANES;
  uint16_t *weights = state->weights[(step - 1) % 2] + row * STEP_KEYS;

  for (size_t i = 0; i < HEAD; i += VEC_LANES)
    vec_store (sums + i, vec_scale (vec_load (sums + i), power));
  vec_store (totals, vec_scale (vec_load (totals), power));
  for (size_t i = 0; i < STEP_KEYS; i += VEC_LANES)
    _mm256_storeu_si256 ((__m256i *) (weights + i),
        (__m256i) _mm512_cvtneps_pbh (
            vec_scale (vec_load_bf16 (weights + i), power)));
}

static inline void
store_values (AttentionScratch *state)
{
  tile_store (0, state->sums, SUMS_STRIDE);
  tile_store (1, state->sums + VEC_LANES, SUMS_STRIDE);
  tile_store (2, state->sums + 2 * VEC_LANES, SUMS_STRIDE);
  tile_store (3, state->sums + 3 * VEC_LANES, SUMS_STRIDE);
}

static void
raise_shifts (AttentionScratch *state, size_t rows, size_t step)
{
  store_values (state);
  for (size_t row = 0; row < rows; row++) {
    float highest = highest_score (state->scores[step % 2] + row * STEP_KEYS);
    float shift = nearbyintf (highest * LOG2_E);

    if (highest > state->limits[row]) {
      shrink_row (state, row, step, shift - state->shifts[row]);
      set_shift (state, row, shift);
    }
  }
  tile_load (0, state->sums, SUMS_STRIDE);
  tile_load (1, state->sums + VEC_LANES, SUMS_STRIDE);
  tile_load (2, state->sums + 2 * VEC_LANES, SUMS_STRIDE);
  tile_load (3, state->sums + 3 * VEC_LANES, SUMS_STRIDE);
}

/* Two rows' scores of @step into weights.  The totals are those of the rounded
 * weights: so what rounding does to a weight that outweighs all others cancels. */
static inline __attribute__ ((always_inline)) void
weigh_rows (AttentionScratch *state, size_t step, size_t first_row)
{
  for (size_t row = first_row; row < first_row + 2; row++) {
    const float *scores = state->scores[step % 2] + row * STEP_KEYS;
    float *totals = state->totals + row * VEC_LANES;
    vec scale = vec_set1 (LOG2_E), shift = vec_set1 (-state->shifts[row]);
    vec low = exp2_bf16 (vec_fma (vec_load (scores), scale, shift));
    vec high =
        exp2_bf16 (vec_fma (vec_load (scores + VEC_LANES), scale, shift));
    __m512i weights = (__m512i) _mm512_cvtne2ps_pbh (high, low);
    vec even = _mm512_castsi512_ps (_mm512_slli_epi32 (weights, 16));
    vec odd = _mm512_castsi512_ps (
        _mm512_and_si512 (weights, _mm512_set1_epi32 (-65536)));

    _mm512_storeu_si512 (state->weights[step % 2] + row * STEP_KEYS, weights);
    vec_store (totals, vec_load (totals) + (even + odd));
  }
}

/* Scores of the @step whose keys are at @packed; where @weigh, with the first 8
 * rows of weights of the step before. */
static inline __attribute__ ((always_inline)) void
score (
    AttentionScratch *state, const char *packed, size_t step, const int weigh)
{
  const char *q = (const char *) state->q;
  float *scores = state->scores[step % 2];

  tile_zero (4);
  tile_zero (5);
  tile_load (6, q, Q_STRIDE);
  tile_load (7, packed, TILE_ROW_BYTES);
  tile_dot_bf16 (4, 6, 7);
  if (weigh)
    weigh_rows (state, step - 1, 0);
  tile_load (7, packed + TILE_BYTES, TILE_ROW_BYTES);
  tile_dot_bf16 (5, 6, 7);
  if (weigh)
    weigh_rows (state, step - 1, 2);
  tile_load (6, q + TILE_ROW_BYTES, Q_STRIDE);
  tile_load (7, packed + 2 * TILE_BYTES, TILE_ROW_BYTES);
  tile_dot_bf16 (4, 6, 7);
  if (weigh)
    weigh_rows (state, step - 1, 4);
  tile_load (7, packed + 3 * TILE_BYTES, TILE_ROW_BYTES);
  tile_dot_bf16 (5, 6, 7);
  if (weigh)
    weigh_rows (state, step - 1, 6);
  tile_store (4, scores, SCORES_STRIDE);
  tile_store (5, scores + VEC_LANES, SCORES_STRIDE);
}

/* Adds the values of the @step at @packed, weighted; where @weigh, with the last
 * 8 rows of weights of the step behind. */
static inline __attribute__ ((always_inline)) void
add_values (
    AttentionScratch *state, const char *packed, size_t step, const int weigh)
{
  const char *values = packed + KEYS_BYTES;

  tile_load (6, state->weights[step % 2], WEIGHTS_STRIDE);
  tile_load (7, values, TILE_ROW_BYTES);
  tile_dot_bf16 (0, 6, 7);
  if (weigh)
    weigh_rows (state, step + 1, 8);
  tile_load (7, values + TILE_BYTES, TILE_ROW_BYTES);
  tile_dot_bf16 (1, 6, 7);
  if (weigh)
    weigh_rows (state, step + 1, 10);
  tile_load (7, values + 2 * TILE_BYTES, TILE_ROW_BYTES);
  tile_dot_bf16 (2, 6, 7);
  if (weigh)
    weigh_rows (state, step + 1, 12);
  tile_load (7, values + 3 * TILE_BYTES, TILE_ROW_BYTES);
  tile_dot_bf16 (3, 6, 7);
  if (weigh)
    weigh_rows (state, step + 1, 14);
}

/* Keys beyond the last of a step of @n_keys weigh nothing. */
static void
hide_missing (AttentionScratch *state, size_t step, size_t n_keys)
{
  for (size_t row = 0; row < TILE_ROWS; row++)
    for (size_t key = n_keys; key < STEP_KEYS; key++)
      state->scores[step % 2][row * STEP_KEYS + key] = -INFINITY;
}

/* From the scores of the first step to the values of the last. */
static void
attend_steps (
    AttentionScratch *state, size_t rows, const char *packed, size_t n_keys)
{
  size_t last = key_steps (n_keys) - 1, left = n_keys - last * STEP_KEYS;

  score (state, packed, 0, 0);
  if (last == 0)
    hide_missing (state, 0, left);
  set_shifts (state, rows);
  for (size_t step = 0; step <= last; step++) {
    const char *keys = packed + step * KEY_STEP_BYTES;

    if (step > 0 && is_above_limit (state, step))
      raise_shifts (state, rows, step);
    if (step < last)
      score (state, keys + KEY_STEP_BYTES, step + 1, 1);
    else
      for (size_t row = 0; row < TILE_ROWS / 2; row += 2)
        weigh_rows (state, step, row);
    if (step > 0)
      add_values (state, keys - KEY_STEP_BYTES, step - 1, 1);
    else
      for (size_t row = TILE_ROWS / 2; row < TILE_ROWS; row += 2)
        weigh_rows (state, step, row);
    if (step + 1 == last)
      hide_missing (state, last, left);
  }
  add_values (state, packed + last * KEY_STEP_BYTES, last, 0);
}

/* @rows <= TILE_ROWS queries. */
static void
attend_tile (AttentionScratch *state, const float *q, size_t ldq, size_t rows,
    const char *packed, size_t n_keys, float *out, size_t ldo)
{
  const uint8_t n = (uint8_t) rows;

  memset (state->scores, 0, sizeof state->scores); /* of rows that are not */
  memset (state->shifts, 0, sizeof state->shifts);
  memset (state->limits, 0, sizeof state->limits);
  memset (state->totals, 0, sizeof state->totals);
  bf16_prepare (q, ldq, rows, HEAD, state->q, Q_STRIDE);
  tile_configure ((const uint8_t[N_TILES]){ n, n, n, n, n, n, n, TILE_ROWS });
  attend_steps (state, rows, packed, n_keys);
  store_values (state);
  for (size_t row = 0; row < rows; row++) {
    vec scale =
        vec_set1 (1.0f / vec_sum (vec_load (state->totals + row * VEC_LANES)));

    for (size_t i = 0; i < HEAD; i += VEC_LANES)
      vec_store (
          out + row * ldo + i, vec_load (state->sums + row * HEAD + i) * scale);
  }
}

static void
amx_attention (const float *q, size_t ldq, size_t n_queries, const void *packed,
    size_t n_keys, float *out, size_t ldo, void *scratch)
{
  for (size_t row = 0; row < n_queries; row += TILE_ROWS) {
    size_t rows = n_queries - row < TILE_ROWS ? n_queries - row : TILE_ROWS;

    attend_tile (scratch, q + row * ldq, ldq, rows, packed, n_keys,
        out + row * ldo, ldo);
  }
  tile_release ();
}

static inline void
amx_attention_init (NpuKernels *kernels)
{
  const NpuAttention attention = { .scores = NPU_FORMAT_BF16,
    .values = NPU_FORMAT_BF16,
    .queries = TASK_QUERIES,
    .packed_bytes = amx_attention_packed_bytes,
    .scratch_bytes = sizeof (AttentionScratch),
    .pack = amx_attention_pack,
    .attend = amx_attention };

  kernels->attention[NPU_FORMAT_BF16] = attention;
  kernels->attention[NPU_FORMAT_INT8] = attention;
}

#endif /* NPU_X86_AMXATTENTION_H */
