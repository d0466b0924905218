/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxclbin-private.h: the sections of an xclbin, each with a reader of its
 * own.  Names of sections and fields are those of XRT's headers, which
 * xclbinutil shows too.
 */
#ifndef NPU_XCLBIN_PRIVATE_H
#define NPU_XCLBIN_PRIVATE_H

#include "npuxclbin.h"

G_BEGIN_DECLS

typedef struct {
  const gchar *path; /* the file's */
  const gchar *name; /* "IP_LAYOUT" */
  const guint8 *data;
  gsize size; /* 0: the file has none */
} NpuXclbinSection;

/* "<path>: <section>: <text>; …"; returns FALSE. */
gboolean npu_xclbin_refuse (const NpuXclbinSection *section, GError **error,
    const gchar *format, ...) G_GNUC_PRINTF (3, 4);

/* A list that begins with a signed 32-bit count: *@count elements of @each
 * bytes from @first on, all inside the section. */
gboolean npu_xclbin_read_count (const NpuXclbinSection *section, gsize first,
    gsize each, guint *count, GError **error);

/* What MEM_TOPOLOGY or ASK_GROUP_TOPOLOGY says: the memory banks. */
gboolean npu_xclbin_check_banks (
    const NpuXclbinSection *section, GError **error);

/* IP_LAYOUT; *@instances gets a bit for every entry that is an instance of
 * @kernel, *@count the number of entries. */
gboolean npu_xclbin_read_ips (const NpuXclbinSection *section,
    const gchar *kernel, guint64 *instances, guint *count, GError **error);

/* CONNECTIVITY or ASK_GROUP_CONNECTIVITY, which joins the arguments of the
 * @n_ips entries of IP_LAYOUT to @banks.  *@connected gets a bit for each
 * argument of @instances that has a bank. */
gboolean npu_xclbin_read_connections (const NpuXclbinSection *section,
    const NpuXclbinSection *banks, guint n_ips, guint64 instances,
    guint64 *connected, GError **error);

/* EMBEDDED_METADATA: the names of all kernels (transfer full) and how many
 * arguments @kernel takes. */
gboolean npu_xclbin_read_kernels (const NpuXclbinSection *section,
    const gchar *kernel, gchar ***names, guint *n_arguments, GError **error);

/* AIE_PARTITION: the width in columns. */
gboolean npu_xclbin_read_partition (
    const NpuXclbinSection *section, guint *columns, GError **error);

G_END_DECLS
#endif /* NPU_XCLBIN_PRIVATE_H */
