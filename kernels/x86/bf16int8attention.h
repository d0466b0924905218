/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bf16int8attention.h: the attention of bf16attention.h, but scores are int8
 * products, which run at more than twice the rate: queries with a scale each,
 * keys with a scale each.  Weights and values stay bf16.
 *
 * Packed: blocks of keys as Int8Keys, each followed by its values as they are
 * in bf16attention.h.
 */
#ifndef NPU_X86_BF16INT8ATTENTION_H
#define NPU_X86_BF16INT8ATTENTION_H

/* Products of bytes that one dot product adds to each sum. */
#define STEP INT8_STEP
/* Smaller magnitudes count as zero, so that their inverse is finite. */
#define SMALLEST 1e-30f

/* Queries are unsigned: initial takes their offset back. */
typedef struct {
  float scales[KEYS];
  int32_t initial[KEYS];
  int8_t q[KEYS / PANEL][HEAD / STEP][PANEL][STEP];
} Int8Keys;

typedef struct {
  AttentionScratch state;
  float scales[QUERIES];
  _Alignas(NPU_ALIGNMENT) int8_value q[QUERIES * HEAD];
} Int8Scratch;

static size_t
int8_packed_bytes (size_t n_keys)
{
  return (n_keys + KEYS - 1) / KEYS
         * (sizeof (Int8Keys) + KEYS_WORDS * sizeof (uint32_t));
}

/* Returns the scale of @out - INT8_OFFSET. */
static float
quantize_head (const float *x, int8_value *out)
{
  vec highest = vec_zero ();
  float largest, inverse;

  for (size_t i = 0; i < HEAD; i += VEC_LANES)
    highest = vec_max (highest, vec_abs (vec_load (x + i)));
  largest = vec_highest (highest);
  inverse = largest > SMALLEST ? 127.0f / largest : 0.0f;
  for (size_t i = 0; i < HEAD; i += VEC_LANES)
    int8_store (out + i, vec_load (x + i) * vec_set1 (inverse));
  return largest > SMALLEST ? largest / 127.0f : 0.0f;
}

static void
pack_key (const float *k, size_t key, Int8Keys *keys)
{
  int8_value values[HEAD];
  int32_t sum = 0;

  keys->scales[key] = quantize_head (k, values);
  for (size_t i = 0; i < HEAD; i++) {
    sum += values[i] - INT8_OFFSET;
    values[i] ^= INT8_OFFSET; /* as a signed byte */
  }
  keys->initial[key] = -INT8_OFFSET * sum;
  for (size_t i = 0; i < HEAD / STEP; i++)
    memcpy (keys->q[key / PANEL][i][key % PANEL], values + i * STEP, STEP);
}

static void
int8_attention_pack (
    const float *k, const float *v, size_t ld, size_t n_keys, void *packed)
{
  for (size_t key = 0; key < n_keys; key += KEYS) {
    size_t n = n_keys - key < KEYS ? n_keys - key : KEYS;
    Int8Keys *keys = packed;
    uint32_t *values = (uint32_t *) (keys + 1);

    if (n < KEYS)
      memset (keys, 0, sizeof *keys);
    for (size_t i = 0; i < n; i++)
      pack_key (k + (key + i) * ld, i, keys);
    pack_values (v + key * ld, ld, n, values);
    packed = values + KEYS_WORDS;
  }
}

/* The scores of VEC_ROWS queries and one panel of keys. */
static void
score_tile (const int8_value *q, const float *scales, const Int8Keys *keys,
    size_t panel, float *scores)
{
  vec s0 = vec_load (keys->scales + panel * PANEL);
  vec s1 = vec_load (keys->scales + panel * PANEL + VEC_LANES);
  ivec sum[VEC_ROWS][2];

#pragma GCC unroll 12
  for (unsigned i = 0; i < VEC_ROWS; i++) {
    sum[i][0] = ivec_load (keys->initial + panel * PANEL);
    sum[i][1] = ivec_load (keys->initial + panel * PANEL + VEC_LANES);
  }
  for (size_t p = 0; p < HEAD / STEP; p++) {
    ivec b0 = ivec_load (keys->q[panel][p][0]);
    ivec b1 = ivec_load (keys->q[panel][p][VEC_LANES]);

#pragma GCC unroll 12
    for (unsigned i = 0; i < VEC_ROWS; i++) {
      ivec a = ivec_set1_32 (q + i * HEAD + p * STEP);

      ivec_keep (&b0);
      ivec_keep (&b1);
      sum[i][0] = ivec_dot (sum[i][0], a, b0);
      sum[i][1] = ivec_dot (sum[i][1], a, b1);
    }
  }
#pragma GCC unroll 12
  for (unsigned i = 0; i < VEC_ROWS; i++) {
    vec scale = vec_set1 (scales[i]);

    vec_store (scores + i * KEYS, ivec_to_float (sum[i][0]) * scale * s0);
    vec_store (
        scores + i * KEYS + VEC_LANES, ivec_to_float (sum[i][1]) * scale * s1);
  }
}

/* Always whole tiles of queries: what those beyond the last score is not
 * looked at. */
static void
attend_int8 (Int8Scratch *scratch, const float *q, size_t ldq, size_t rows,
    const void *packed, size_t n_keys, float *out, size_t ldo)
{
  AttentionScratch *state = &scratch->state;

  for (size_t row = 0; row < rows; row++)
    scratch->scales[row] =
        quantize_head (q + row * ldq, scratch->q + row * HEAD);
  begin_queries (state, rows);
  for (size_t key = 0; key < n_keys; key += KEYS) {
    size_t n = n_keys - key < KEYS ? n_keys - key : KEYS;
    const Int8Keys *keys = packed;
    const uint32_t *values = (const uint32_t *) (keys + 1);

    for (size_t panel = 0; panel * PANEL < n; panel++)
      for (size_t row = 0; row < rows; row += VEC_ROWS)
        score_tile (scratch->q + row * HEAD, scratch->scales + row, keys, panel,
            state->scores + row * KEYS + panel * PANEL);
    add_block (state, rows, values, n);
    packed = values + KEYS_WORDS;
  }
  end_queries (state, rows, out, ldo);
}

static void
attention_bf16_int8 (const float *q, size_t ldq, size_t n_queries,
    const void *packed, size_t n_keys, float *out, size_t ldo, void *scratch)
{
  for (size_t row = 0; row < n_queries; row += QUERIES) {
    size_t rows = n_queries - row < QUERIES ? n_queries - row : QUERIES;

    attend_int8 (scratch, q + row * ldq, ldq, rows, packed, n_keys,
        out + row * ldo, ldo);
  }
}

_Static_assert(QUERIES % VEC_ROWS == 0, "tiles of queries fill the scratch");
_Static_assert(sizeof (Int8Keys) % NPU_ALIGNMENT == 0, "values are aligned");

#endif /* NPU_X86_BF16INT8ATTENTION_H */
