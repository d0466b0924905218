/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxclbinlayout.c: an xclbin's memory banks, its kernels' instances, and
 * which argument of which instance uses which bank.
 */
#include <string.h>

#include "npubytes.h"
#include "npuxclbin-private.h"

/* struct mem_data, after a count that is padded to 8 bytes */
#define BANKS_FIRST 8
#define BANK_BYTES 40
#define BANK_USED 1
#define BANK_TAG 24
#define BANK_TAG_BYTES 16

/* struct ip_data, likewise */
#define IPS_FIRST 8
#define IP_BYTES 80
#define IP_TYPE 0
#define IP_NAME 16
#define IP_NAME_BYTES 64
#define IP_TYPE_KERNEL 1
#define IP_TYPE_PS_KERNEL 7 /* what an NPU's kernels are */

/* struct connection, after a count that is not padded */
#define CONNECTIONS_FIRST 4
#define CONNECTION_BYTES 12
#define CONNECTION_ARGUMENT 0
#define CONNECTION_IP 4
#define CONNECTION_BANK 8

#define MAX_BANKS 1024
#define MAX_IPS 64
#define MAX_CONNECTIONS 65536

gboolean
npu_xclbin_read_count (const NpuXclbinSection *section, gsize first, gsize each,
    guint *count, GError **error)
{
  if (section->size < first)
    return npu_xclbin_refuse (section, error,
        "%" G_GSIZE_FORMAT " bytes are too few for m_count", section->size);
  *count = npu_bytes_u32 (section->data);
  if (*count == 0 || *count > G_MAXINT32)
    return npu_xclbin_refuse (
        section, error, "m_count is %d, not 1 or more", (gint) *count);
  if (!npu_bytes_fit (first, *count, each, section->size))
    return npu_xclbin_refuse (section, error,
        "m_count is %u, but %" G_GSIZE_FORMAT " bytes hold %" G_GSIZE_FORMAT,
        *count, section->size, (section->size - first) / each);
  return TRUE;
}

/* Reads a count that is at most @most. */
static gboolean
read_bounded_count (const NpuXclbinSection *section, gsize first, gsize each,
    guint most, guint *count, GError **error)
{
  if (!npu_xclbin_read_count (section, first, each, count, error))
    return FALSE;
  if (*count > most)
    return npu_xclbin_refuse (
        section, error, "m_count is %u, more than %u", *count, most);
  return TRUE;
}

/* Whether a fixed field holds printable ASCII and then zero. */
static gboolean
is_text (const guint8 *field, gsize size)
{
  const guint8 *end = memchr (field, 0, size);
  const guint8 *p;

  for (p = field; end && p < end; p++) {
    if (!g_ascii_isprint (*p))
      return FALSE;
  }
  return end != NULL;
}

gboolean
npu_xclbin_check_banks (const NpuXclbinSection *section, GError **error)
{
  guint count, i;

  if (!read_bounded_count (
          section, BANKS_FIRST, BANK_BYTES, MAX_BANKS, &count, error))
    return FALSE;
  for (i = 0; i < count; i++) {
    if (!is_text (section->data + BANKS_FIRST + i * BANK_BYTES + BANK_TAG,
            BANK_TAG_BYTES))
      return npu_xclbin_refuse (
          section, error, "m_mem_data[%u]: m_tag is not text", i);
  }
  return TRUE;
}

gboolean
npu_xclbin_read_ips (const NpuXclbinSection *section, const gchar *kernel,
    guint64 *instances, guint *count, GError **error)
{
  const gsize length = strlen (kernel);
  guint i;

  *instances = 0;
  if (!read_bounded_count (section, IPS_FIRST, IP_BYTES, MAX_IPS, count, error))
    return FALSE;
  for (i = 0; i < *count; i++) {
    const guint8 *ip = section->data + IPS_FIRST + i * IP_BYTES;
    const gchar *name = (const gchar *) ip + IP_NAME;
    guint32 type = npu_bytes_u32 (ip + IP_TYPE);

    if (!is_text (ip + IP_NAME, IP_NAME_BYTES))
      return npu_xclbin_refuse (
          section, error, "m_ip_data[%u]: m_name is not text", i);
    /* "kernel:instance" */
    if ((type == IP_TYPE_KERNEL || type == IP_TYPE_PS_KERNEL)
        && strncmp (name, kernel, length) == 0 && name[length] == ':')
      *instances |= G_GUINT64_CONSTANT (1) << i;
  }
  if (*instances == 0)
    return npu_xclbin_refuse (
        section, error, "no m_name is an instance of kernel \"%s\"", kernel);
  return TRUE;
}

/* A field of connection @i, which must be below @limit. */
static gboolean
read_index (const NpuXclbinSection *section, guint i, gsize field,
    const gchar *name, guint limit, guint *value, GError **error)
{
  *value = npu_bytes_u32 (
      section->data + CONNECTIONS_FIRST + i * CONNECTION_BYTES + field);
  if (*value >= limit)
    return npu_xclbin_refuse (section, error,
        "m_connection[%u]: %s is %d, not 0 to %u", i, name, (gint) *value,
        limit - 1);
  return TRUE;
}

gboolean
npu_xclbin_read_connections (const NpuXclbinSection *section,
    const NpuXclbinSection *banks, guint n_ips, guint64 instances,
    guint64 *connected, GError **error)
{
  guint count, n_banks, argument, ip, bank, i;

  *connected = 0;
  if (!npu_xclbin_read_count (banks, BANKS_FIRST, BANK_BYTES, &n_banks, error)
      || !read_bounded_count (section, CONNECTIONS_FIRST, CONNECTION_BYTES,
          MAX_CONNECTIONS, &count, error))
    return FALSE;
  for (i = 0; i < count; i++) {
    if (!read_index (section, i, CONNECTION_ARGUMENT, "arg_index",
            NPU_XCLBIN_MAX_ARGUMENTS, &argument, error)
        || !read_index (
            section, i, CONNECTION_IP, "m_ip_layout_index", n_ips, &ip, error)
        || !read_index (section, i, CONNECTION_BANK, "mem_data_index", n_banks,
            &bank, error))
      return FALSE;
    if (!banks->data[BANKS_FIRST + bank * BANK_BYTES + BANK_USED])
      return npu_xclbin_refuse (section, error,
          "m_connection[%u]: mem_data_index is %u, whose m_used is 0", i, bank);
    if (instances >> ip & 1)
      *connected |= G_GUINT64_CONSTANT (1) << argument;
  }
  return TRUE;
}
