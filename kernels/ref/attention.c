/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * attention.c: out = softmax (Q K^T) V for one head, in one pass over the keys.
 *
 * Keys come in blocks.  A query's running maximum m, sum of weights l and
 * weighted sum o of values are kept; when a block raises the maximum, l and o
 * shrink by exp (m_old - m_new).  At the end out = o / l.
 *
 * Packed: for each block, the keys transposed, [NPU_HEAD_SIZE][BLOCK], then the
 * values [BLOCK][NPU_HEAD_SIZE].  Keys beyond the last are never looked at.
 * Formats of less accuracy than float32 have no other meaning than this one.
 */
#include "npukernels-private.h"

#include <math.h>
#include <string.h>

#define BLOCK 32
#define BLOCK_FLOATS (2 * BLOCK * NPU_HEAD_SIZE)
#define QUERIES_PER_TASK 48

static size_t
n_blocks (size_t n_keys)
{
  return (n_keys + BLOCK - 1) / BLOCK;
}

static size_t
packed_bytes (size_t n_keys)
{
  return n_blocks (n_keys) * BLOCK_FLOATS * sizeof (float);
}

static void
pack (const float *k, const float *v, size_t ld, size_t n_keys, void *packed)
{
  memset (packed, 0, packed_bytes (n_keys));
  for (size_t key = 0; key < n_keys; key++) {
    float *keys = (float *) packed + key / BLOCK * BLOCK_FLOATS;
    float *values = keys + BLOCK * NPU_HEAD_SIZE;

    for (size_t i = 0; i < NPU_HEAD_SIZE; i++) {
      keys[i * BLOCK + key % BLOCK] = k[key * ld + i];
      values[key % BLOCK * NPU_HEAD_SIZE + i] = v[key * ld + i];
    }
  }
}

/* One query against one block. */
static void
attend_block (const float *q, const float *keys, size_t n_keys, float *m,
    float *l, float o[NPU_HEAD_SIZE])
{
  const float *values = keys + BLOCK * NPU_HEAD_SIZE;
  float scores[BLOCK] = { 0.0f };
  float highest = *m, shrink;

  for (size_t i = 0; i < NPU_HEAD_SIZE; i++)
    for (size_t j = 0; j < BLOCK; j++)
      scores[j] += q[i] * keys[i * BLOCK + j];
  for (size_t j = 0; j < n_keys; j++)
    highest = scores[j] > highest ? scores[j] : highest;
  shrink = expf (*m - highest);
  *m = highest;
  *l *= shrink;
  for (size_t i = 0; i < NPU_HEAD_SIZE; i++)
    o[i] *= shrink;
  for (size_t j = 0; j < n_keys; j++) {
    float weight = expf (scores[j] - highest);

    *l += weight;
    for (size_t i = 0; i < NPU_HEAD_SIZE; i++)
      o[i] += weight * values[j * NPU_HEAD_SIZE + i];
  }
}

static void
attend (const float *q, size_t ldq, size_t n_queries, const void *packed,
    size_t n_keys, float *out, size_t ldo, void *scratch)
{
  for (size_t row = 0; row < n_queries; row++) {
    float m = -INFINITY, l = 0.0f, o[NPU_HEAD_SIZE] = { 0.0f };

    for (size_t block = 0; block < n_blocks (n_keys); block++) {
      size_t left = n_keys - block * BLOCK;

      attend_block (q + row * ldq,
          (const float *) packed + block * BLOCK_FLOATS,
          left < BLOCK ? left : BLOCK, &m, &l, o);
    }
    for (size_t i = 0; i < NPU_HEAD_SIZE; i++)
      out[row * ldo + i] = o[i] / l;
  }
}

void
npu_ref_attention_init (NpuKernels *kernels)
{
  for (int format = 0; format < NPU_N_FORMATS; format++)
    kernels->attention[format] = (NpuAttention){ .scores = NPU_FORMAT_F32,
      .values = NPU_FORMAT_F32,
      .queries = QUERIES_PER_TASK,
      .packed_bytes = packed_bytes,
      .pack = pack,
      .attend = attend };
}
