/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecattentionint8.h: attention (vecattention.h) whose scores are int8 products:
 * queries with a scale each, keys with a scale each.  Softmax is exact, and
 * the weighted values are float32: rounding them to 8 bits would cost more
 * accuracy than all else.
 *
 * Packed: for each block of keys, the keys as panels of the int8 product, then
 * the values as panels [64 / PANEL][KEYS][PANEL].
 */
#ifndef NPU_VECATTENTIONINT8_H
#define NPU_VECATTENTIONINT8_H

/* A prepared query: 64 values, a scale, padding. */
#define QUERY_BYTES (HEAD * sizeof (int8_value) + 64)

typedef struct {
  AttentionScratch state;
  _Alignas(NPU_ALIGNMENT) char q[QUERIES * QUERY_BYTES];
} Int8AttentionScratch;

static inline size_t
int8_key_bytes (void)
{
  return KEYS / PANEL * gemm_int8_panel_bytes (HEAD);
}

static inline size_t
int8_block_bytes (void)
{
  return int8_key_bytes () + KEYS_FLOATS * sizeof (float);
}

static size_t
attention_int8_packed_bytes (size_t n_keys)
{
  return n_key_blocks (n_keys) * int8_block_bytes ();
}

static void
attention_int8_pack (
    const float *k, const float *v, size_t ld, size_t n_keys, void *packed)
{
  char *block = packed;

  for (size_t key = 0; key < n_keys; key += KEYS) {
    size_t n = n_keys - key < KEYS ? n_keys - key : KEYS;

    gemm_int8_pack (k + key * ld, ld, HEAD, 0, n, block);
    pack_values (v + key * ld, ld, n, (float *) (block + int8_key_bytes ()));
    block += int8_block_bytes ();
  }
}

/* The scores of @rows queries and one panel of keys. */
static void
score_panel (const Int8AttentionScratch *scratch, size_t rows,
    const char *panel, float *scores)
{
  const char *scales = scratch->q + int8_scales_offset (HEAD);
  vec s0 = vec_load ((const float *) panel);
  vec s1 = vec_load ((const float *) panel + VEC_LANES);

  tiles_int8 (rows, 0, scratch->q, scales, QUERY_BYTES, HEAD / INT8_STEP,
      panel + PANEL * sizeof (float), scores, KEYS);
  for (size_t row = 0; row < rows; row++, scores += KEYS) {
    vec_store (scores, vec_load (scores) * s0);
    vec_store (scores + VEC_LANES, vec_load (scores + VEC_LANES) * s1);
  }
}

static void
attend_int8 (Int8AttentionScratch *scratch, const float *q, size_t ldq,
    size_t rows, const char *packed, size_t n_keys, float *out, size_t ldo)
{
  AttentionScratch *state = &scratch->state;

  gemm_int8_prepare (q, ldq, rows, HEAD, scratch->q, QUERY_BYTES);
  begin_queries (state, rows);
  for (size_t key = 0; key < n_keys; key += KEYS) {
    size_t n = n_keys - key < KEYS ? n_keys - key : KEYS;

    for (size_t j = 0; j < n; j += PANEL)
      score_panel (scratch, rows,
          packed + j / PANEL * gemm_int8_panel_bytes (HEAD), state->scores + j);
    add_values (state, rows, n, (const float *) (packed + int8_key_bytes ()));
    packed += int8_block_bytes ();
  }
  end_queries (state, rows, out, ldo);
}

static void
attention_int8 (const float *q, size_t ldq, size_t n_queries,
    const void *packed, size_t n_keys, float *out, size_t ldo, void *scratch)
{
  for (size_t row = 0; row < n_queries; row += QUERIES) {
    size_t rows = n_queries - row < QUERIES ? n_queries - row : QUERIES;

    attend_int8 (scratch, q + row * ldq, ldq, rows, packed, n_keys,
        out + row * ldo, ldo);
  }
}

static inline void
vec_attention_int8_init (NpuKernels *kernels)
{
  kernels->attention[NPU_FORMAT_INT8] =
      (NpuAttention){ .scores = NPU_FORMAT_INT8,
        .values = NPU_FORMAT_F32,
        .queries = QUERIES,
        .packed_bytes = attention_int8_packed_bytes,
        .scratch_bytes = sizeof (Int8AttentionScratch),
        .pack = attention_int8_pack,
        .attend = attention_int8 };
}

#endif /* NPU_VECATTENTIONINT8_H */
