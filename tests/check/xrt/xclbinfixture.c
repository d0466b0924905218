/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xclbinfixture.c: writes an xclbin from the format's layout: a header of 456
 * bytes, a table of sections of 40 bytes each, and the sections, all little
 * endian.
 */
#include "xclbinfixture.h"

#include <string.h>

#define HEADER_BYTES 456
#define TABLE_ENTRY_BYTES 40
#define LENGTH_AT 304
#define UUID_AT 416
#define N_SECTIONS_AT 448

enum {
  EMBEDDED_METADATA = 2,
  MEM_TOPOLOGY = 6,
  CONNECTIVITY = 7,
  IP_LAYOUT = 8,
  GROUP_TOPOLOGY = 26,
  GROUP_CONNECTIVITY = 27
};

#define MEM_TYPE_DRAM 2
#define IP_TYPE_KERNEL 1

typedef struct {
  const gchar *name, *type;
  guint bytes, offset;
  gint bank; /* -1: a scalar */
} Arg;

static const Arg args[XCLBIN_N_ARGS] = {
  { "opcode", "uint64_t", 8, 0x00, -1 },
  { "instr", "char *", 8, 0x08, XCLBIN_INSTRUCTIONS_BANK },
  { "ninstr", "uint32_t", 4, 0x10, -1 },
  { "bo0", "void*", 8, 0x14, XCLBIN_DATA_BANK },
  { "bo1", "void*", 8, 0x1c, XCLBIN_DATA_BANK },
  { "ctrl", "uint32_t", 4, 0x24, -1 },
};

static void
put (GByteArray *array, guint64 value, guint bytes)
{
  for (guint i = 0; i < bytes; i++) {
    guint8 byte = (guint8) (value >> (8 * i));

    g_byte_array_append (array, &byte, 1);
  }
}

static void
put_zeros (GByteArray *array, guint n)
{
  for (guint i = 0; i < n; i++)
    put (array, 0, 1);
}

/* @text in a field of @bytes. */
static void
put_text (GByteArray *array, const gchar *text, guint bytes)
{
  guint length = (guint) strlen (text);

  g_assert (length < bytes);
  g_byte_array_append (array, (const guint8 *) text, length);
  put_zeros (array, bytes - length);
}

static void
put_at (GByteArray *array, guint at, guint64 value, guint bytes)
{
  g_assert (at + bytes <= array->len);
  for (guint i = 0; i < bytes; i++)
    array->data[at + i] = (guint8) (value >> (8 * i));
}

static void
put_bank (GByteArray *array, guint64 base, const gchar *tag)
{
  put (array, MEM_TYPE_DRAM, 1);
  put (array, 1, 1); /* used */
  put_zeros (array, 6);
  put (array, 0x10000, 8); /* KiB */
  put (array, base, 8);
  put_text (array, tag, 16);
}

static void
put_topology (GByteArray *array)
{
  put (array, 2, 4);
  put_zeros (array, 4);
  put_bank (array, 0x4000000, "HOST");
  put_bank (array, 0x8000000, "SRAM");
}

static void
put_connectivity (GByteArray *array)
{
  guint at = array->len, n = 0;

  put (array, 0, 4);
  for (guint i = 0; i < XCLBIN_N_ARGS; i++)
    if (args[i].bank >= 0) {
      put (array, i, 4);
      put (array, 0, 4); /* of the first kernel */
      put (array, (guint64) args[i].bank, 4);
      n++;
    }
  put_at (array, at, n, 4);
}

static void
put_ip_layout (GByteArray *array, const gchar *kernel)
{
  g_autofree gchar *name = g_strdup_printf ("%s:%s", kernel, kernel);

  put (array, 1, 4);
  put_zeros (array, 4);
  put (array, IP_TYPE_KERNEL, 4);
  put (array, 0, 4);       /* properties */
  put (array, 0x10000, 8); /* base address */
  put_text (array, name, 64);
}

static void
put_metadata (GByteArray *array, const gchar *kernel)
{
  g_autoptr (GString) xml =
      g_string_new ("<project name=\"test\"><platform><device name=\"test\">"
                    "<core name=\"test\" type=\"clc_region\">");

  g_string_append_printf (xml, "<kernel name=\"%s\" type=\"pl\">", kernel);
  for (guint i = 0; i < XCLBIN_N_ARGS; i++)
    g_string_append_printf (xml,
        "<arg name=\"%s\" addressQualifier=\"%d\" id=\"%u\" size=\"0x%x\" "
        "offset=\"0x%x\" hostOffset=\"0x0\" hostSize=\"0x%x\" type=\"%s\"/>",
        args[i].name, args[i].bank >= 0, i, args[i].bytes, args[i].offset,
        args[i].bytes, args[i].type);
  g_string_append_printf (xml,
      "<instance name=\"%s\"><addrRemap base=\"0x10000\"/></instance></kernel>"
      "</core></device></platform></project>",
      kernel);
  g_byte_array_append (array, (const guint8 *) xml->str, (guint) xml->len);
}

static void
put_header (GByteArray *array, guint n_sections)
{
  g_byte_array_append (array, (const guint8 *) "xclbin2", 8);
  for (guint i = 0; i < 4 + 28; i++) /* unsigned; reserved */
    put (array, 0xff, 1);
  put_zeros (array, HEADER_BYTES - array->len);
  for (guint i = 0; i < 16; i++)
    put_at (array, UUID_AT + i, i + 1, 1);
  put_at (array, N_SECTIONS_AT, n_sections, 4);
}

/* Aligns the file's end for a section, which begins there. */
static guint
begin_section (GByteArray *array)
{
  put_zeros (array, -array->len & 7);
  return array->len;
}

static void
put_section (GByteArray *array, guint kind, const gchar *kernel)
{
  if (kind == EMBEDDED_METADATA)
    put_metadata (array, kernel);
  else if (kind == IP_LAYOUT)
    put_ip_layout (array, kernel);
  else if (kind == MEM_TOPOLOGY || kind == GROUP_TOPOLOGY)
    put_topology (array);
  else
    put_connectivity (array);
}

GByteArray *
xclbin_fixture_new (const gchar *kernel)
{
  static const guint kinds[] = { EMBEDDED_METADATA, MEM_TOPOLOGY, CONNECTIVITY,
    IP_LAYOUT, GROUP_TOPOLOGY, GROUP_CONNECTIVITY };
  GByteArray *array = g_byte_array_new ();

  put_header (array, G_N_ELEMENTS (kinds));
  put_zeros (array, G_N_ELEMENTS (kinds) * TABLE_ENTRY_BYTES);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    guint entry = HEADER_BYTES + i * TABLE_ENTRY_BYTES;
    guint at = begin_section (array);

    put_section (array, kinds[i], kernel);
    put_at (array, entry, kinds[i], 4);
    put_at (array, entry + 24, at, 8);
    put_at (array, entry + 32, array->len - at, 8);
  }
  put_at (array, LENGTH_AT, array->len, 8);
  return array;
}
