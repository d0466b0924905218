/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfinite.c: one NaN among the weights would make every output NaN, far
 * from its cause; so all of them are looked at once, when a model is opened.
 * A value is NaN or infinite if all bits of its exponent are set.  Blocks are
 * tested without a branch, which the compiler turns into vector code, and only
 * a block that fails is searched.
 */
#include "whisperfinite.h"

#include <string.h>

#define BLOCK 4096 /* values */

#define F32_EXPONENT 0x7f800000u
#define F16_EXPONENT 0x7c00u
#define BF16_EXPONENT 0x7f80u

static gboolean
block_is_finite_32 (const guint8 *data, gsize n)
{
  guint32 bad = 0;
  gsize i;

  for (i = 0; i < n; i++) {
    guint32 bits;

    memcpy (&bits, data + 4 * i, 4);
    bits = GUINT32_FROM_LE (bits);
    bad |= (bits & F32_EXPONENT) == F32_EXPONENT;
  }
  return bad == 0;
}

static gboolean
block_is_finite_16 (const guint8 *data, gsize n, guint16 exponent)
{
  guint16 bad = 0;
  gsize i;

  for (i = 0; i < n; i++) {
    guint16 bits;

    memcpy (&bits, data + 2 * i, 2);
    bits = GUINT16_FROM_LE (bits);
    bad |= (guint16) ((bits & exponent) == exponent);
  }
  return bad == 0;
}

static gboolean
block_is_finite (NpuDtype dtype, const guint8 *data, gsize n)
{
  switch (dtype) {
    case NPU_DTYPE_F32:
      return block_is_finite_32 (data, n);
    case NPU_DTYPE_F16:
      return block_is_finite_16 (data, n, F16_EXPONENT);
    case NPU_DTYPE_BF16:
      return block_is_finite_16 (data, n, BF16_EXPONENT);
    default:
      break;
  }
  return FALSE;
}

static gsize
find_in_values (NpuDtype dtype, const guint8 *bytes, gsize n)
{
  const gsize size = npu_dtype_bytes (dtype, 1);
  gsize first, i;

  for (first = 0; first < n; first += BLOCK) {
    gsize count = MIN (n - first, BLOCK);

    if (block_is_finite (dtype, bytes + first * size, count))
      continue;
    for (i = first; block_is_finite (dtype, bytes + i * size, 1); i++)
      ;
    return i;
  }
  return n;
}

/* A quantised block is finite if its scale is, and its minimum where it has
 * one: F16 values, which come first. */
static gsize
find_in_blocks (NpuDtype dtype, const guint8 *bytes, gsize n)
{
  const gsize block = npu_dtype_block (dtype);
  const gsize size = npu_dtype_bytes (dtype, block);
  const gboolean has_minimum =
      dtype == NPU_DTYPE_Q4_1 || dtype == NPU_DTYPE_Q5_1;
  gsize i;

  for (i = 0; i < n; i += block, bytes += size) {
    if (!block_is_finite_16 (bytes, has_minimum ? 2 : 1, F16_EXPONENT))
      return i;
  }
  return n;
}

gsize
whisper_find_not_finite (NpuDtype dtype, gconstpointer data, gsize n)
{
  if (npu_dtype_block (dtype) > 1)
    return find_in_blocks (dtype, data, n);
  return find_in_values (dtype, data, n);
}
