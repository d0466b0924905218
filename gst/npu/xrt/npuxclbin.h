/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxclbin.h: checks an xclbin, the container of an NPU's program (AXLF,
 * magic "xclbin2"), before XRT sees it: XRT itself crashes on malformed ones.
 */
#ifndef NPU_XCLBIN_H
#define NPU_XCLBIN_H

#include "npudesignerror.h"

G_BEGIN_DECLS

#define NPU_XCLBIN_MAX_BYTES (64 << 20) /* a design of 4 columns: 0.1–3 MB */
#define NPU_XCLBIN_MAX_COLUMNS 4
#define NPU_XCLBIN_UUID_BYTES 16

/* Every kernel takes these before its buffers: the operation code (64 bits),
 * the instructions' buffer, and their length (32 bits). */
#define NPU_XCLBIN_FIXED_ARGUMENTS 3
#define NPU_XCLBIN_MAX_ARGUMENTS 64

typedef struct {
  guint8 uuid[NPU_XCLBIN_UUID_BYTES];
  gchar **kernels;   /* the names of all, NULL-terminated */
  guint n_arguments; /* of the kernel asked for, the fixed ones included */
  guint columns;     /* the width of the partition, 1 to 4 */
} NpuXclbin;

/* Checks every header, count and offset that XRT follows, and that there is a
 * kernel named @kernel which takes the arguments above.  @path is for the
 * message.  On success @xclbin is to be cleared. */
gboolean npu_xclbin_parse (const guint8 *data, gsize size, const gchar *kernel,
    const gchar *path, NpuXclbin *xclbin, GError **error);
void npu_xclbin_clear (NpuXclbin *xclbin);

G_END_DECLS
#endif /* NPU_XCLBIN_H */
