/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * designxclbin.c: writes an xclbin as small as xclbinutil would for one kernel.
 */
#include <string.h>

#include "designfixture.h"

#define N_BUFFERS 5 /* mlir-aie's least */
#define SECTIONS_FIRST 456
#define ENTRY_BYTES 40

static void
put_argument (GString *xml, guint id, const gchar *name, guint qualifier,
    guint size, guint offset)
{
  g_string_append_printf (xml,
      "          <arg name=\"%s\" addressQualifier=\"%u\" id=\"%u\" "
      "size=\"0x%x\" offset=\"0x%02x\" hostOffset=\"0x0\" hostSize=\"0x%x\" "
      "type=\"%s\"/>\n",
      name, qualifier, id, size, offset, size,
      qualifier == 1 ? "void*"
      : size == 8    ? "uint64_t"
                     : "uint32_t");
}

gchar *
design_metadata (guint n_buffers)
{
  GString *xml =
      g_string_new ("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                    "<project>\n  <platform>\n    <device>\n      <core>\n"
                    "        <kernel name=\"" DESIGN_KERNEL "\" language=\"c\" "
                    "type=\"dpu\">\n"
                    "          <extended-data subtype=\"1\" functional=\"0\" "
                    "dpu_kernel_id=\"0x901\"/>\n");
  guint i;

  put_argument (xml, 0, "opcode", 0, 8, 0);
  put_argument (xml, 1, "instr", 1, 8, 8);
  put_argument (xml, 2, "ninstr", 0, 4, 0x10);
  for (i = 0; i < n_buffers; i++) {
    gchar name[8];

    g_snprintf (name, sizeof name, "bo%u", i);
    put_argument (xml, 3 + i, name, 1, 8, 0x14 + 8 * i);
  }
  g_string_append (xml,
      "          <instance name=\"MLIRAIE\"/>\n        </kernel>\n"
      "      </core>\n    </device>\n  </platform>\n</project>\n");
  return g_string_free (xml, FALSE);
}

static void
put_header (DesignBytes *b, guint n_sections)
{
  static const guint8 uuid[16] = { 0x6b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    13, 14, 15 };

  design_bytes_put_text (b, "m_magic", "xclbin2", 8);
  design_bytes_put (b, "m_signature_length", 0xffffffff, 4);
  design_bytes_put_data (b, "reserved", NULL, 28);
  design_bytes_put_data (b, "m_keyBlock", NULL, 256);
  design_bytes_put (b, "m_uniqueId", 0, 8);
  design_bytes_put (b, "m_length", 0, 8);
  design_bytes_put (b, "m_timeStamp", 1700000000, 8);
  design_bytes_put (b, "m_featureRomTimeStamp", 0, 8);
  design_bytes_put (b, "m_versionPatch", 0, 2);
  design_bytes_put (b, "m_versionMajor", 2, 1);
  design_bytes_put (b, "m_versionMinor", 13, 1);
  design_bytes_put (b, "m_mode", 0, 2);
  design_bytes_put (b, "m_actionMask", 0, 2);
  design_bytes_put_data (b, "m_interface_uuid", NULL, 16);
  design_bytes_put_data (b, "m_platformVBNV", NULL, 64);
  design_bytes_put_data (b, "uuid", uuid, 16);
  design_bytes_put_data (b, "m_debug_bin", NULL, 16);
  design_bytes_put (b, "m_numSections", n_sections, 4);
  design_bytes_put (b, "padding", 0, 4);
}

static void
put_table (DesignBytes *b, const guint32 *kinds, guint n)
{
  guint i;

  for (i = 0; i < n; i++) {
    design_bytes_put (b, "m_sectionKind", kinds[i], 4);
    design_bytes_put_data (b, "m_sectionName", NULL, 16);
    design_bytes_put (b, "padding", 0, 4);
    design_bytes_put (b, "m_sectionOffset", 0, 8);
    design_bytes_put (b, "m_sectionSize", 0, 8);
  }
}

static void
put_banks (DesignBytes *b)
{
  static const gchar *const tags[] = { "HOST", "SRAM" };
  guint i;

  design_bytes_put (b, "m_mem_data m_count", 2, 4);
  design_bytes_put (b, "padding", 0, 4);
  for (i = 0; i < 2; i++) {
    design_bytes_put (b, "mem m_type", 2, 1);
    design_bytes_put (b, "m_used", 1, 1);
    design_bytes_put_data (b, "padding", NULL, 6);
    design_bytes_put (b, "m_size", 0x10000, 8);
    design_bytes_put (b, "mem m_base_address", 0x4000000, 8);
    design_bytes_put_text (b, "m_tag", tags[i], 16);
  }
}

static void
put_ips (DesignBytes *b)
{
  design_bytes_put (b, "m_ip_data m_count", 1, 4);
  design_bytes_put (b, "padding", 0, 4);
  design_bytes_put (b, "ip m_type", 7, 4);
  design_bytes_put (b, "properties", 0x9010001, 4);
  design_bytes_put (b, "ip m_base_address", G_MAXUINT64, 8);
  design_bytes_put_text (b, "m_name", DESIGN_KERNEL ":MLIRAIE", 64);
}

static void
put_connections (DesignBytes *b, guint n_buffers)
{
  guint i;

  design_bytes_put (b, "m_connection m_count", 1 + n_buffers, 4);
  for (i = 0; i < 1 + n_buffers; i++) {
    design_bytes_put (b, "arg_index", i == 0 ? 1 : 2 + i, 4);
    design_bytes_put (b, "m_ip_layout_index", 0, 4);
    design_bytes_put (b, "mem_data_index", i == 0 ? 1 : 0, 4);
  }
}

/* An array whose place is @ahead bytes after the section's beginning. */
static void
put_array (
    DesignBytes *b, const gchar *what, const gchar *where, guint n, gsize ahead)
{
  design_bytes_put (b, what, n, 4);
  design_bytes_put (b, where, ahead, 4);
}

/* The header; then at 184 the name, at 192 the start columns, at 200 the PDI
 * entry, at 296 the image, at 328 the group, at 424 its name, at 432 its
 * kernel's number, at 440 its predecessor's. */
static void
put_partition (DesignBytes *b, guint columns)
{
  guint n_starts = 5 - columns, i;

  design_bytes_put (b, "schema_version", 0, 1);
  design_bytes_put_data (b, "padding", NULL, 3);
  design_bytes_put (b, "partition mpo_name", 184, 4);
  design_bytes_put (b, "operations_per_cycle", 2048, 4);
  design_bytes_put (b, "padding", 0, 4);
  design_bytes_put (b, "inference_fingerprint", 23423, 8);
  design_bytes_put (b, "pre_post_fingerprint", 12345, 8);
  design_bytes_put (b, "column_width", columns, 2);
  design_bytes_put_data (b, "padding", NULL, 6);
  put_array (b, "start_columns size", "start_columns offset", n_starts, 192);
  design_bytes_put_data (b, "reserved", NULL, 72);
  put_array (b, "aie_pdi size", "aie_pdi offset", 1, 200);
  design_bytes_put (b, "kernel_commit_id", 0, 4);
  design_bytes_put_data (b, "reserved", NULL, 52);
  design_bytes_put_text (b, "name", "QoS", 8);
  for (i = 0; i < 4; i++)
    design_bytes_put (b, "start column", i < n_starts ? i : 0, 2);
  design_bytes_put_text (b, "pdi uuid", "0123456789abcdef", 16);
  put_array (b, "pdi_image size", "pdi_image offset", 32, 296);
  put_array (b, "cdo_groups size", "cdo_groups offset", 1, 328);
  design_bytes_put_data (b, "reserved", NULL, 64);
  design_bytes_put_data (b, "image", NULL, 32);
  design_bytes_put (b, "group mpo_name", 424, 4);
  design_bytes_put (b, "cdo_type", 1, 4);
  design_bytes_put (b, "pdi_id", 1, 8);
  put_array (b, "dpu_kernel_ids size", "dpu_kernel_ids offset", 1, 432);
  put_array (b, "pre_cdo_groups size", "pre_cdo_groups offset", 1, 440);
  design_bytes_put_data (b, "reserved", NULL, 64);
  design_bytes_put_text (b, "group name", "DPU", 8);
  design_bytes_put (b, "dpu kernel id", 0x901, 8);
  design_bytes_put (b, "pre cdo group", 0xc1, 8);
}

/* What section @i's table entry says of it, up to the end of the bytes. */
static void
end_section (DesignBytes *b, guint i, gsize begin)
{
  design_bytes_set (b, "m_sectionOffset", i, begin);
  design_bytes_set (b, "m_sectionSize", i, b->bytes->len - begin);
  design_bytes_align (b);
}

DesignBytes *
design_xclbin_new (guint columns, const gchar *metadata)
{
  static const guint32 kinds[] = { 6, 8, 7, 2, 32, 27, 26 };
  gchar *own = metadata ? NULL : design_metadata (N_BUFFERS);
  const gchar *xml = metadata ? metadata : own;
  DesignBytes *b = design_bytes_new ();
  guint i;

  put_header (b, G_N_ELEMENTS (kinds));
  g_assert_cmpuint (b->bytes->len, ==, SECTIONS_FIRST);
  put_table (b, kinds, G_N_ELEMENTS (kinds));
  g_assert_cmpuint (
      b->bytes->len, ==, SECTIONS_FIRST + ENTRY_BYTES * G_N_ELEMENTS (kinds));
  for (i = 0; i < G_N_ELEMENTS (kinds); i++) {
    gsize begin = b->bytes->len;

    if (kinds[i] == 6 || kinds[i] == 26)
      put_banks (b);
    else if (kinds[i] == 8)
      put_ips (b);
    else if (kinds[i] == 7 || kinds[i] == 27)
      put_connections (b, N_BUFFERS);
    else if (kinds[i] == 2)
      design_bytes_put_data (b, "metadata", xml, strlen (xml));
    else
      put_partition (b, columns);
    end_section (b, i, begin);
  }
  design_xclbin_fit (b);
  g_free (own);
  return b;
}

void
design_xclbin_fit (DesignBytes *xclbin)
{
  design_bytes_set (xclbin, "m_length", 0, xclbin->bytes->len);
}
