/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpuhalf.h: float32 → IEEE 754 half precision. */
#ifndef GST_NPU_HALF_H
#define GST_NPU_HALF_H

#include <glib.h>

G_BEGIN_DECLS

/* Rounds to nearest, ties to even; what is too large becomes infinite, what is
 * no number a quiet one.  @to: little-endian, any alignment. */
void gst_npu_half_from_float (const gfloat *from, gsize n, guint8 *to);

G_END_DECLS
#endif /* GST_NPU_HALF_H */
