/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuinsts.h: checks an insts file, the instructions by which an NPU's
 * firmware runs one sequence of transfers (a transaction, "TXN").
 */
#ifndef NPU_INSTS_H
#define NPU_INSTS_H

#include "npudesignerror.h"

G_BEGIN_DECLS

#define NPU_INSTS_MAX_BYTES (16 << 20)
#define NPU_INSTS_MAX_BUFFERS 16 /* what mlir-aie allows */

/* As the header counts them. */
#define NPU_GENERATION_PHOENIX 3 /* Phoenix, Hawk Point */
#define NPU_GENERATION_STRIX 4   /* Strix and its successors */

/* What the instructions may use. */
typedef struct {
  guint generation;
  guint columns; /* the width of the xclbin's partition */
  guint n_buffers;
  guint64 buffer_bytes[NPU_INSTS_MAX_BUFFERS];
} NpuInstsLimits;

typedef struct {
  guint columns; /* at most the partition's */
  guint n_operations;
  guint n_syncs;
  guint32 buffers; /* a bit for each that is used */
} NpuInsts;

/* Checks the header, each operation's code and size, that it stays on the
 * tiles and in the buffers of @limits, and that the end is waited for.  @path
 * is for the message. */
gboolean npu_insts_parse (const guint8 *data, gsize size,
    const NpuInstsLimits *limits, const gchar *path, NpuInsts *insts,
    GError **error);

G_END_DECLS
#endif /* NPU_INSTS_H */
