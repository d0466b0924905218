/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubytes.h: little-endian numbers at any alignment, and whether a part lies
 * in a whole.
 */
#ifndef NPU_BYTES_H
#define NPU_BYTES_H

#include <glib.h>

G_BEGIN_DECLS

static inline guint16
npu_bytes_u16 (const guint8 *p)
{
  return (guint16) (p[0] | p[1] << 8);
}

static inline guint32
npu_bytes_u32 (const guint8 *p)
{
  return npu_bytes_u16 (p) | (guint32) npu_bytes_u16 (p + 2) << 16;
}

static inline guint64
npu_bytes_u64 (const guint8 *p)
{
  return npu_bytes_u32 (p) | (guint64) npu_bytes_u32 (p + 4) << 32;
}

/* Whether @n elements of @each > 0 bytes from @offset on end within @size. */
static inline gboolean
npu_bytes_fit (guint64 offset, guint64 n, guint64 each, guint64 size)
{
  return offset <= size && n <= (size - offset) / each;
}

G_END_DECLS
#endif /* NPU_BYTES_H */
