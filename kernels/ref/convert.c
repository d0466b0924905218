/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert.c: weights as files store them, to float.
 *
 * Files are little-endian and their data need not be aligned, so values are
 * put together from bytes.
 */
#include "npukernels-private.h"

#include <string.h>

static uint32_t
read_u16 (const uint8_t *bytes)
{
  return (uint32_t) bytes[0] | (uint32_t) bytes[1] << 8;
}

static uint32_t
read_u32 (const uint8_t *bytes)
{
  return read_u16 (bytes) | read_u16 (bytes + 2) << 16;
}

static float
from_bits (uint32_t bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* IEEE half precision: 1 sign, 5 exponent (bias 15), 10 mantissa bits.  NaNs
 * become quiet. */
float
npu_ref_from_f16 (uint32_t half)
{
  uint32_t sign = (half & 0x8000) << 16;
  uint32_t exponent = half >> 10 & 0x1f;
  uint32_t mantissa = half & 0x3ff;

  if (exponent == 0x1f)
    return from_bits (
        sign | 0x7f800000 | (mantissa ? 0x400000 : 0) | mantissa << 13);
  if (exponent == 0 && mantissa == 0)
    return from_bits (sign);
  if (exponent == 0) {
    /* denormal in half precision, normal in single */
    exponent = 1;
    while (!(mantissa & 0x400)) {
      mantissa <<= 1;
      exponent--;
    }
    mantissa &= 0x3ff;
  }
  return from_bits (sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

static void
to_f32 (NpuDtype dtype, const void *in, size_t n, float *out)
{
  const uint8_t *bytes = in;

  switch (dtype) {
    case NPU_DTYPE_F32:
      for (size_t i = 0; i < n; i++)
        out[i] = from_bits (read_u32 (bytes + 4 * i));
      break;
    case NPU_DTYPE_F16:
      for (size_t i = 0; i < n; i++)
        out[i] = npu_ref_from_f16 (read_u16 (bytes + 2 * i));
      break;
    case NPU_DTYPE_BF16:
      /* the upper half of a float */
      for (size_t i = 0; i < n; i++)
        out[i] = from_bits (read_u16 (bytes + 2 * i) << 16);
      break;
    default:
      npu_ref_dequantize (dtype, in, n, out);
  }
}

void
npu_ref_convert_init (NpuKernels *kernels)
{
  kernels->to_f32 = to_f32;
}
