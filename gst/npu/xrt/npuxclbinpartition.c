/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxclbinpartition.c: AIE_PARTITION: how many columns the program needs,
 * where it may be placed, and the images (PDI) that configure the tiles.
 */
#include <string.h>

#include "npubytes.h"
#include "npuxclbin-private.h"

/* struct aie_partition.  An array is a count and an offset from the section's
 * beginning, 32 bits each; a text is an offset. */
#define PARTITION_BYTES 184
#define AT_SCHEMA_VERSION 0
#define AT_NAME 4
#define AT_COLUMN_WIDTH 32
#define AT_START_COLUMNS 40
#define AT_PDIS 120

/* struct aie_pdi */
#define PDI_BYTES 96
#define PDI_IMAGE 16
#define PDI_GROUPS 24

/* struct cdo_group */
#define GROUP_BYTES 96
#define GROUP_NAME 0
#define GROUP_KERNEL_IDS 16
#define GROUP_PREVIOUS 24

/* The widest array of an NPU that this format is known for. */
#define MAX_ARRAY_COLUMNS 8
#define MAX_START_COLUMNS 8
#define MAX_PDIS 64
#define MAX_GROUPS 64 /* of one PDI */
#define MAX_IDS 4096  /* of one group */

typedef struct {
  guint count;
  gsize offset;
} Array;

/* The array whose count and offset are at @at: @least to @most elements of
 * @each bytes, aligned to @alignment, in the section. */
static gboolean
read_array (const NpuXclbinSection *s, gsize at, const gchar *name, guint least,
    guint most, gsize each, gsize alignment, Array *array, GError **error)
{
  array->count = npu_bytes_u32 (s->data + at);
  array->offset = npu_bytes_u32 (s->data + at + 4);
  if (array->count < least || array->count > most)
    return npu_xclbin_refuse (s, error, "%s: size is %u, not %u to %u", name,
        array->count, least, most);
  if (array->count == 0)
    return TRUE;
  if (!npu_bytes_fit (array->offset, array->count, each, s->size))
    return npu_xclbin_refuse (s, error,
        "%s: size %u at offset %" G_GSIZE_FORMAT
        " leads past the end of the section",
        name, array->count, array->offset);
  if (array->offset % alignment != 0)
    return npu_xclbin_refuse (s, error,
        "%s: offset %" G_GSIZE_FORMAT " is not a multiple of %" G_GSIZE_FORMAT,
        name, array->offset, alignment);
  return TRUE;
}

static gboolean
check_text (
    const NpuXclbinSection *s, gsize at, const gchar *name, GError **error)
{
  gsize offset = npu_bytes_u32 (s->data + at);

  if (offset >= s->size || !memchr (s->data + offset, 0, s->size - offset))
    return npu_xclbin_refuse (s, error,
        "%s: the text at offset %" G_GSIZE_FORMAT
        " does not end in the section",
        name, offset);
  return TRUE;
}

static gboolean
read_width (const NpuXclbinSection *s, guint *columns, GError **error)
{
  Array starts;
  guint i;

  *columns = npu_bytes_u16 (s->data + AT_COLUMN_WIDTH);
  if (*columns < 1 || *columns > NPU_XCLBIN_MAX_COLUMNS)
    return npu_xclbin_refuse (s, error, "column_width is %u, not 1 to %d",
        *columns, NPU_XCLBIN_MAX_COLUMNS);
  if (!read_array (s, AT_START_COLUMNS, "start_columns", 1, MAX_START_COLUMNS,
          2, 2, &starts, error))
    return FALSE;
  for (i = 0; i < starts.count; i++) {
    guint start = npu_bytes_u16 (s->data + starts.offset + 2 * i);

    if (start + *columns > MAX_ARRAY_COLUMNS)
      return npu_xclbin_refuse (s, error,
          "start_columns[%u] is %u: %u columns from there on leave the NPU", i,
          start, *columns);
  }
  return TRUE;
}

static gboolean
check_group (const NpuXclbinSection *s, gsize at, GError **error)
{
  Array ids;

  return check_text (s, at + GROUP_NAME, "cdo_groups: mpo_name", error)
         && read_array (s, at + GROUP_KERNEL_IDS, "dpu_kernel_ids", 0, MAX_IDS,
             8, 8, &ids, error)
         && read_array (s, at + GROUP_PREVIOUS, "pre_cdo_groups", 0, MAX_IDS, 4,
             4, &ids, error);
}

static gboolean
check_pdi (const NpuXclbinSection *s, gsize at, GError **error)
{
  Array image, groups;
  guint i;

  if (!read_array (s, at + PDI_IMAGE, "pdi_image", 1, NPU_XCLBIN_MAX_BYTES, 1,
          8, &image, error)
      || !read_array (s, at + PDI_GROUPS, "cdo_groups", 1, MAX_GROUPS,
          GROUP_BYTES, 8, &groups, error))
    return FALSE;
  for (i = 0; i < groups.count; i++) {
    if (!check_group (s, groups.offset + i * GROUP_BYTES, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
npu_xclbin_read_partition (
    const NpuXclbinSection *section, guint *columns, GError **error)
{
  Array pdis;
  guint i;

  if (section->size < PARTITION_BYTES)
    return npu_xclbin_refuse (section, error,
        "%" G_GSIZE_FORMAT " bytes are too few for its header of %d",
        section->size, PARTITION_BYTES);
  if (section->data[AT_SCHEMA_VERSION] != 0)
    return npu_xclbin_refuse (section, error, "schema_version is %u, not 0",
        section->data[AT_SCHEMA_VERSION]);
  if (!check_text (section, AT_NAME, "mpo_name", error)
      || !read_width (section, columns, error)
      || !read_array (
          section, AT_PDIS, "aie_pdi", 1, MAX_PDIS, PDI_BYTES, 8, &pdis, error))
    return FALSE;
  for (i = 0; i < pdis.count; i++) {
    if (!check_pdi (section, pdis.offset + i * PDI_BYTES, error))
      return FALSE;
  }
  return TRUE;
}
