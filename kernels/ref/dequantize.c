/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dequantize.c: ggml's quantised blocks (version 2), to float.
 *
 * A block holds 32 values of a row.  It begins with a scale d, and in the "_1"
 * types a minimum m, both F16, little-endian; then
 *   q8_0  32 signed bytes q:                          value = d q
 *   q4_0  16 bytes, q of 0 … 15:                      value = d (q - 8)
 *   q4_1  16 bytes, q of 0 … 15:                      value = d q + m
 *   q5_0  32 bits, the fifth bit of each q, 16 bytes: value = d (q - 16)
 *   q5_1  32 bits, the fifth bit of each q, 16 bytes: value = d q + m
 * Byte j of the 16 has the lower bits of value j in its lower half and those
 * of value j + 16 in its upper half; bit i of the 32 belongs to value i.
 * Products are exact in float, so that only d q + m rounds, once.
 */
#include "npukernels-private.h"

#define BLOCK 32

/* Where the parts of a block are, in bytes; 0: it has no such part. */
typedef struct {
  unsigned minimum, fifth_bits, values;
  int zero; /* what is taken from q */
} Layout;

static const Layout q4_0 = { 0, 0, 2, 8 };
static const Layout q4_1 = { 2, 0, 4, 0 };
static const Layout q5_0 = { 0, 2, 6, 16 };
static const Layout q5_1 = { 2, 4, 8, 0 };

static float
read_f16 (const uint8_t *bytes)
{
  return npu_ref_from_f16 (bytes[0] | (uint32_t) bytes[1] << 8);
}

static void
block_of_4_or_5_bits (const Layout *layout, const uint8_t *block, float *out)
{
  const uint8_t *low = block + layout->values;
  const uint8_t *fifth = block + layout->fifth_bits;
  float scale = read_f16 (block);
  float minimum = layout->minimum ? read_f16 (block + layout->minimum) : 0;

  for (int i = 0; i < BLOCK; i++) {
    int q = i < BLOCK / 2 ? low[i] & 15 : low[i - BLOCK / 2] >> 4;

    if (layout->fifth_bits)
      q |= (fifth[i / 8] >> i % 8 & 1) << 4;
    out[i] = scale * (float) (q - layout->zero);
    if (layout->minimum)
      out[i] += minimum;
  }
}

static void
block_of_bytes (const uint8_t *block, float *out)
{
  float scale = read_f16 (block);

  for (int i = 0; i < BLOCK; i++)
    out[i] = scale * (float) (int8_t) block[2 + i];
}

static void
dequantize_block (NpuDtype dtype, const uint8_t *block, float *out)
{
  switch (dtype) {
    case NPU_DTYPE_Q4_0:
      block_of_4_or_5_bits (&q4_0, block, out);
      break;
    case NPU_DTYPE_Q4_1:
      block_of_4_or_5_bits (&q4_1, block, out);
      break;
    case NPU_DTYPE_Q5_0:
      block_of_4_or_5_bits (&q5_0, block, out);
      break;
    case NPU_DTYPE_Q5_1:
      block_of_4_or_5_bits (&q5_1, block, out);
      break;
    default:
      block_of_bytes (block, out);
  }
}

void
npu_ref_dequantize (NpuDtype dtype, const void *in, size_t n, float *out)
{
  const uint8_t *blocks = in;
  size_t bytes = npu_dtype_bytes (dtype, BLOCK);

  for (size_t i = 0; i < n / BLOCK; i++)
    dequantize_block (dtype, blocks + i * bytes, out + i * BLOCK);
}
