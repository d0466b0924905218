/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-convert.c: to_f32 of every table: all 65536 values of the 16-bit types
 * against their definition, sizes around the vectors', unaligned input.
 */
#include "testutil.h"

#include <math.h>
#include <string.h>

/* A half-precision number by its definition. */
static double
half_value (unsigned bits)
{
  int exponent = bits >> 10 & 31;
  double mantissa = bits & 1023, sign = bits & 0x8000 ? -1.0 : 1.0;

  if (exponent == 31)
    return mantissa != 0.0 ? NAN : sign * INFINITY;
  if (exponent == 0)
    return sign * ldexp (mantissa, -24);
  return sign * ldexp (1024.0 + mantissa, exponent - 25);
}

static double
bfloat_value (unsigned bits)
{
  int exponent = bits >> 7 & 255;
  double mantissa = bits & 127, sign = bits & 0x8000 ? -1.0 : 1.0;

  if (exponent == 255)
    return mantissa != 0.0 ? NAN : sign * INFINITY;
  if (exponent == 0)
    return sign * ldexp (mantissa, -133);
  return sign * ldexp (128.0 + mantissa, exponent - 134);
}

static bool
same (double expected, float value)
{
  if (isnan (expected))
    return isnan (value);
  return (double) value == expected && !signbit (value) == !signbit (expected);
}

/* Denormals are kept, so this program does not enter the kernels' float mode. */
static void
check_all_values (const NpuKernels *kernels, NpuDtype dtype,
    double (*value_of) (unsigned bits))
{
  uint16_t in[256];
  float out[256];

  for (unsigned high = 0; high < 256; high++) {
    for (unsigned low = 0; low < 256; low++)
      in[low] = (uint16_t) (high << 8 | low);
    kernels->to_f32 (dtype, in, 256, out);
    for (unsigned low = 0; low < 256; low++)
      test_check (same (value_of (in[low]), out[low]), "%04x became %.9g",
          in[low], (double) out[low]);
  }
}

/* Every size, input at any byte, ends at guard pages, the same bits as "c". */
static void
check_sizes (const NpuKernels *c, const NpuKernels *kernels, NpuDtype dtype)
{
  size_t width = dtype == NPU_DTYPE_F32 ? 4 : 2;

  for (size_t n = 0; n < 70; n++) {
    Guarded in, out, expected;
    uint8_t *from = guarded_alloc (&in, n * width, 1);
    float *to = guarded_floats (&out, n);
    float *wanted = guarded_floats (&expected, n);

    test_name ("%s to_f32 dtype %d n=%zu", kernels->isa, (int) dtype, n);
    for (size_t i = 0; i < n * width; i++)
      from[i] = (uint8_t) test_random ();
    kernels->to_f32 (dtype, from, n, to);
    c->to_f32 (dtype, from, n, wanted);
    test_check (memcmp (to, wanted, n * sizeof *to) == 0, "differs from c");
    test_check (guarded_intact (&out), "output overrun");
    guarded_free (&in);
    guarded_free (&out);
    guarded_free (&expected);
  }
}

static void
check_unaligned (const NpuKernels *kernels)
{
  uint8_t bytes[2 * 64 + 1] = { 0 };
  float out[64];

  test_name ("%s to_f32 unaligned", kernels->isa);
  for (size_t i = 0; i < 64; i++)
    bytes[2 * i + 2] = 0x3c; /* 1.0 in half precision, high byte */
  kernels->to_f32 (NPU_DTYPE_F16, bytes + 1, 64, out);
  for (size_t i = 0; i < 64; i++)
    test_check (out[i] == 1.0f, "value %zu is %g", i, (double) out[i]);
}

static void
check (const NpuKernels *c, const NpuKernels *kernels)
{
  test_name ("%s to_f32 F16", kernels->isa);
  check_all_values (kernels, NPU_DTYPE_F16, half_value);
  test_name ("%s to_f32 BF16", kernels->isa);
  check_all_values (kernels, NPU_DTYPE_BF16, bfloat_value);
  check_sizes (c, kernels, NPU_DTYPE_F32);
  check_sizes (c, kernels, NPU_DTYPE_F16);
  check_sizes (c, kernels, NPU_DTYPE_BF16);
  check_unaligned (kernels);
}

int
main (void)
{
  test_each_isa (check);
  return test_result ();
}
