/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxclbin.c: the header of an xclbin, the table of its sections, and what
 * must agree between them.
 */
#include "npuxclbin.h"

#include <string.h>

#include "npubytes.h"
#include "npuxclbin-private.h"

/* struct axlf: where its fields are, in bytes from the beginning. */
#define AT_MAGIC 0
#define AT_LENGTH 304
#define AT_UUID 416
#define AT_N_SECTIONS 448
#define AT_TABLE 456

/* struct axlf_section_header */
#define ENTRY_BYTES 40
#define ENTRY_KIND 0
#define ENTRY_OFFSET 24
#define ENTRY_SIZE 32

#define SECTION_ALIGNMENT 8
#define MAX_SECTIONS 64 /* there are 37 kinds */

static const gchar magic[8] = "xclbin2";

typedef enum {
  EMBEDDED_METADATA,
  MEM_TOPOLOGY,
  CONNECTIVITY,
  IP_LAYOUT,
  GROUP_TOPOLOGY,
  GROUP_CONNECTIVITY,
  AIE_PARTITION,
  N_READ
} SectionId;

/* The sections that are read; the others only have to lie in the file. */
static const struct {
  guint32 kind;
  const gchar *name;
  gboolean required;
} known[N_READ] = {
  [EMBEDDED_METADATA] = { 2, "EMBEDDED_METADATA", TRUE },
  [MEM_TOPOLOGY] = { 6, "MEM_TOPOLOGY", TRUE },
  [CONNECTIVITY] = { 7, "CONNECTIVITY", TRUE },
  [IP_LAYOUT] = { 8, "IP_LAYOUT", TRUE },
  [GROUP_TOPOLOGY] = { 26, "ASK_GROUP_TOPOLOGY", FALSE },
  [GROUP_CONNECTIVITY] = { 27, "ASK_GROUP_CONNECTIVITY", FALSE },
  [AIE_PARTITION] = { 32, "AIE_PARTITION", TRUE },
};

typedef struct {
  const gchar *path;
  const guint8 *data;
  gsize size;
  guint n_sections;
  NpuXclbinSection sections[N_READ];
} Reader;

gboolean
npu_xclbin_refuse (
    const NpuXclbinSection *section, GError **error, const gchar *format, ...)
{
  va_list args;
  gchar *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  npu_design_error_corrupt (
      error, section->path, "%s: %s", section->name, text);
  g_free (text);
  return FALSE;
}

static gboolean
check_header (Reader *r, GError **error)
{
  static const guint8 no_uuid[NPU_XCLBIN_UUID_BYTES];
  guint64 length;

  if (r->size > NPU_XCLBIN_MAX_BYTES)
    return npu_design_error_corrupt (error, r->path,
        "%" G_GSIZE_FORMAT " bytes are more than any xclbin has (at most %d)",
        r->size, NPU_XCLBIN_MAX_BYTES);
  if (r->size < sizeof magic
      || memcmp (r->data + AT_MAGIC, magic, sizeof magic) != 0)
    return npu_design_error_corrupt (
        error, r->path, "m_magic is not \"xclbin2\": not an xclbin");
  if (r->size < AT_TABLE)
    return npu_design_error_corrupt (error, r->path,
        "%" G_GSIZE_FORMAT " bytes are too few for the header of %d", r->size,
        AT_TABLE);
  length = npu_bytes_u64 (r->data + AT_LENGTH);
  if (length != r->size)
    return npu_design_error_corrupt (error, r->path,
        "m_length is %" G_GUINT64_FORMAT ", but the file has %" G_GSIZE_FORMAT
        " bytes",
        length, r->size);
  if (memcmp (r->data + AT_UUID, no_uuid, sizeof no_uuid) == 0)
    return npu_design_error_corrupt (error, r->path, "uuid is zero");
  return TRUE;
}

/* Entry @i of the table: where its section is. */
static gboolean
read_entry (Reader *r, guint i, guint64 *offset, guint64 *size, GError **error)
{
  const guint8 *entry = r->data + AT_TABLE + i * ENTRY_BYTES;
  guint64 table_end = AT_TABLE + r->n_sections * ENTRY_BYTES;

  *offset = npu_bytes_u64 (entry + ENTRY_OFFSET);
  *size = npu_bytes_u64 (entry + ENTRY_SIZE);
  if (*size == 0)
    return TRUE; /* as if it were not there: xclbinutil leaves such */
  if (!npu_bytes_fit (*offset, *size, 1, r->size))
    return npu_design_error_corrupt (error, r->path,
        "section %u: m_sectionOffset %" G_GUINT64_FORMAT
        " and m_sectionSize %" G_GUINT64_FORMAT " lead past the end of the "
        "file",
        i, *offset, *size);
  if (*offset < table_end)
    return npu_design_error_corrupt (error, r->path,
        "section %u: m_sectionOffset %" G_GUINT64_FORMAT
        " leads into the headers",
        i, *offset);
  if (*offset % SECTION_ALIGNMENT != 0)
    return npu_design_error_corrupt (error, r->path,
        "section %u: m_sectionOffset %" G_GUINT64_FORMAT
        " is not a multiple of %d",
        i, *offset, SECTION_ALIGNMENT);
  return TRUE;
}

static gboolean
check_overlaps (
    Reader *r, guint i, guint64 offset, guint64 size, GError **error)
{
  guint64 other_offset, other_size;
  guint j;

  for (j = 0; j < i; j++) {
    if (!read_entry (r, j, &other_offset, &other_size, error))
      return FALSE;
    if (offset < other_offset + other_size && other_offset < offset + size)
      return npu_design_error_corrupt (error, r->path,
          "section %u: m_sectionOffset and m_sectionSize overlap those of "
          "section %u",
          i, j);
  }
  return TRUE;
}

static gboolean
add_section (Reader *r, guint i, guint64 offset, guint64 size, GError **error)
{
  guint32 kind =
      npu_bytes_u32 (r->data + AT_TABLE + i * ENTRY_BYTES + ENTRY_KIND);
  guint id;

  for (id = 0; id < N_READ; id++) {
    NpuXclbinSection *section = &r->sections[id];

    if (known[id].kind != kind)
      continue;
    if (section->size > 0)
      return npu_design_error_corrupt (
          error, r->path, "there are two sections %s", known[id].name);
    section->data = r->data + offset;
    section->size = size;
  }
  return TRUE;
}

static gboolean
read_table (Reader *r, GError **error)
{
  guint64 offset, size;
  guint i;

  r->n_sections = npu_bytes_u32 (r->data + AT_N_SECTIONS);
  if (r->n_sections == 0 || r->n_sections > MAX_SECTIONS)
    return npu_design_error_corrupt (error, r->path,
        "m_numSections is %u, not 1 to %d", r->n_sections, MAX_SECTIONS);
  if (!npu_bytes_fit (AT_TABLE, r->n_sections, ENTRY_BYTES, r->size))
    return npu_design_error_corrupt (error, r->path,
        "m_numSections is %u: the section table leads past the end of the file",
        r->n_sections);
  for (i = 0; i < r->n_sections; i++) {
    if (!read_entry (r, i, &offset, &size, error)
        || (size > 0
            && !(check_overlaps (r, i, offset, size, error)
                 && add_section (r, i, offset, size, error))))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_required (Reader *r, GError **error)
{
  guint id;

  for (id = 0; id < N_READ; id++) {
    if (known[id].required && r->sections[id].size == 0)
      return npu_design_error_corrupt (
          error, r->path, "there is no section %s", known[id].name);
  }
  return TRUE;
}

/* Each buffer of the kernel needs a memory bank: XRT throws without. */
static gboolean
check_connected (const NpuXclbinSection *section, guint64 connected,
    const NpuXclbin *xclbin, GError **error)
{
  guint i;

  for (i = 0; i < xclbin->n_arguments; i++) {
    gboolean is_buffer = i == 1 || i >= NPU_XCLBIN_FIXED_ARGUMENTS;

    if (is_buffer && !(connected >> i & 1))
      return npu_xclbin_refuse (
          section, error, "argument %u of the kernel has no memory bank", i);
  }
  return TRUE;
}

static gboolean
check_links (
    Reader *r, const gchar *kernel, const NpuXclbin *xclbin, GError **error)
{
  const NpuXclbinSection *s = r->sections;
  const NpuXclbinSection *pairs[2][2] = {
    { &s[CONNECTIVITY], &s[MEM_TOPOLOGY] },
    { &s[GROUP_CONNECTIVITY], &s[GROUP_TOPOLOGY] },
  };
  guint64 instances, connected;
  guint n_ips, i;

  if (!npu_xclbin_read_ips (&s[IP_LAYOUT], kernel, &instances, &n_ips, error))
    return FALSE;
  for (i = 0; i < G_N_ELEMENTS (pairs); i++) {
    if (pairs[i][1]->size > 0 && !npu_xclbin_check_banks (pairs[i][1], error))
      return FALSE;
    if (pairs[i][0]->size == 0)
      continue;
    if (pairs[i][1]->size == 0)
      return npu_xclbin_refuse (
          pairs[i][0], error, "there is no section %s", pairs[i][1]->name);
    if (!npu_xclbin_read_connections (
            pairs[i][0], pairs[i][1], n_ips, instances, &connected, error)
        || !check_connected (pairs[i][0], connected, xclbin, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
npu_xclbin_parse (const guint8 *data, gsize size, const gchar *kernel,
    const gchar *path, NpuXclbin *xclbin, GError **error)
{
  Reader r = { .path = path, .data = data, .size = size };
  const NpuXclbinSection *s = r.sections;
  guint id;

  memset (xclbin, 0, sizeof *xclbin);
  for (id = 0; id < N_READ; id++) {
    r.sections[id].path = path;
    r.sections[id].name = known[id].name;
  }
  if (check_header (&r, error) && read_table (&r, error)
      && check_required (&r, error)
      && npu_xclbin_read_kernels (&s[EMBEDDED_METADATA], kernel,
          &xclbin->kernels, &xclbin->n_arguments, error)
      && check_links (&r, kernel, xclbin, error)
      && npu_xclbin_read_partition (
          &s[AIE_PARTITION], &xclbin->columns, error)) {
    memcpy (xclbin->uuid, data + AT_UUID, sizeof xclbin->uuid);
    return TRUE;
  }
  npu_xclbin_clear (xclbin);
  return FALSE;
}

void
npu_xclbin_clear (NpuXclbin *xclbin)
{
  g_clear_pointer (&xclbin->kernels, g_strfreev);
}
