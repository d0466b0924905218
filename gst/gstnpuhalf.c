/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuhalf.c: float32 → IEEE 754 half precision, in integers: what the
 * processor is set to round like has no say.
 *
 *            sign  exponent  mantissa
 *   float32  1     8, +127   23
 *   half     1     5, +15    10
 */
#include "gstnpuhalf.h"

#include <string.h>

#define HALF_INFINITY 0x7c00u
#define HALF_QUIET 0x0200u

/* @value / 2^@shift, 1 ≤ @shift ≤ 24. */
static guint32
shift_to_even (guint32 value, guint shift)
{
  guint32 result = value >> shift;
  guint32 rest = value & ((1u << shift) - 1), half = 1u << (shift - 1);

  return result + (rest > half || (rest == half && (result & 1)));
}

/* @bits of a float32 without its sign. */
static guint32
half_of_magnitude (guint32 bits)
{
  guint exponent = bits >> 23;

  if (bits > 0x7f800000u)
    return HALF_INFINITY | HALF_QUIET;
  if (exponent >= 127 + 16)
    return HALF_INFINITY;
  /* Normal numbers: a mantissa that rounds up carries into the exponent, as it
   * should, up to infinity. */
  if (exponent >= 127 - 14)
    return shift_to_even (bits - ((127 - 15) << 23), 23 - 10);
  /* Less than half of the smallest, 2^-24. */
  if (exponent < 127 - 25)
    return 0;
  /* Subnormal: multiples of 2^-24. */
  return shift_to_even ((bits & 0x7fffffu) | 0x800000u, 127 - 1 - exponent);
}

void
gst_npu_half_from_float (const gfloat *from, gsize n, guint8 *to)
{
  for (gsize i = 0; i < n; i++) {
    guint32 bits;
    guint16 half;

    memcpy (&bits, &from[i], sizeof (bits));
    half = (guint16) ((bits >> 16 & 0x8000u)
                      | half_of_magnitude (bits & 0x7fffffffu));
    half = GUINT16_TO_LE (half);
    memcpy (to + i * sizeof (half), &half, sizeof (half));
  }
}
