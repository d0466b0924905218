/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * designfixture.c: writes instructions, a manifest, and whole designs.
 */
#include "designfixture.h"

#include <gst/check/gstcheck.h>
#include <string.h>

#define BUFFER_BYTES 64
#define SHIM_BD 0x1d000
#define QUEUE 0x1d204

static guint32
address (guint column, guint32 offset)
{
  return column << 25 | offset;
}

static void
put_block_write (DesignBytes *b, guint column, guint bd)
{
  guint i;

  design_bytes_put (b, "BLOCKWRITE", 1, 4);
  design_bytes_put (b, "BLOCKWRITE tile", column, 4);
  design_bytes_put (
      b, "BLOCKWRITE address", address (column, SHIM_BD + 32 * bd), 4);
  design_bytes_put (b, "BLOCKWRITE size", 48, 4);
  for (i = 0; i < 8; i++)
    design_bytes_put (b, "data", i == 0 ? BUFFER_BYTES / 4 : 0, 4);
}

static void
put_patch (DesignBytes *b, guint column, guint bd, guint buffer)
{
  design_bytes_put (b, "DDR_PATCH", 129, 4);
  design_bytes_put (b, "DDR_PATCH size", 48, 4);
  design_bytes_put_data (b, "reserved", NULL, 12);
  design_bytes_put (b, "action", 0, 4);
  design_bytes_put (
      b, "DDR_PATCH address", address (column, SHIM_BD + 32 * bd + 4), 4);
  design_bytes_put (b, "reserved", 0, 4);
  design_bytes_put (b, "argument", buffer, 8);
  design_bytes_put (b, "offset", buffer >= 5 ? 0x80000000 : 0, 8);
}

static void
put_mask_write (DesignBytes *b, guint column)
{
  design_bytes_put (b, "MASKWRITE", 3, 4);
  design_bytes_put (b, "reserved", 0, 4);
  design_bytes_put (b, "MASKWRITE address", address (column, 0x1d200), 8);
  design_bytes_put (b, "value", 0xf00, 4);
  design_bytes_put (b, "mask", 0x1f00, 4);
  design_bytes_put (b, "MASKWRITE size", 28, 4);
}

static void
put_write (DesignBytes *b, guint column, guint bd)
{
  design_bytes_put (b, "WRITE", 0, 4);
  design_bytes_put (b, "reserved", 0, 4);
  design_bytes_put (b, "WRITE address", address (column, QUEUE), 8);
  design_bytes_put (b, "value", 0x80000000 | bd, 4);
  design_bytes_put (b, "WRITE size", 24, 4);
}

static void
put_sync (DesignBytes *b, guint column)
{
  design_bytes_put (b, "TCT", 128, 4);
  design_bytes_put (b, "TCT size", 16, 4);
  design_bytes_put (b, "direction", 0, 1);
  design_bytes_put (b, "row", 0, 1);
  design_bytes_put (b, "column", column, 1);
  design_bytes_put (b, "reserved", 0, 2);
  design_bytes_put (b, "rows", 1, 1);
  design_bytes_put (b, "columns", 1, 1);
  design_bytes_put (b, "channel", 0, 1);
}

DesignBytes *
design_insts_new (guint generation, guint columns, guint n_buffers)
{
  DesignBytes *b = design_bytes_new ();
  guint i;

  design_bytes_put (b, "major", 0, 1);
  design_bytes_put (b, "minor", 1, 1);
  design_bytes_put (b, "generation", generation, 1);
  design_bytes_put (b, "number of rows", 6, 1);
  design_bytes_put (b, "number of columns", columns, 1);
  design_bytes_put (b, "memory tile rows", 1, 1);
  design_bytes_put (b, "padding", 0, 2);
  design_bytes_put (b, "number of operations", 3 * n_buffers + 2, 4);
  design_bytes_put (b, "transaction size", 0, 4);
  for (i = 0; i < n_buffers; i++) {
    guint column = i % columns;

    put_block_write (b, column, i);
    put_patch (b, column, i, i);
    if (i == n_buffers - 1)
      put_mask_write (b, column);
    put_write (b, column, i);
  }
  put_sync (b, (n_buffers - 1) % columns);
  design_insts_fit (b);
  return b;
}

void
design_insts_fit (DesignBytes *insts)
{
  design_bytes_set (insts, "transaction size", 0, insts->bytes->len);
}

DesignFixture *
design_fixture_new (void)
{
  DesignFixture *design = g_new0 (DesignFixture, 1);
  guint i;

  design->xclbin = design_xclbin_new (2, NULL);
  design->copy = design_insts_new (3, 2, 2);
  design->mix = design_insts_new (3, 2, 4);
  design->answer = g_byte_array_new ();
  for (i = 0; i < 2 * BUFFER_BYTES; i++) {
    guint8 value = i % BUFFER_BYTES;

    g_byte_array_append (design->answer, &value, 1);
  }
  return design;
}

void
design_fixture_free (DesignFixture *design)
{
  design_bytes_free (design->xclbin);
  design_bytes_free (design->copy);
  design_bytes_free (design->mix);
  g_byte_array_unref (design->answer);
  g_free (design);
}

/* "file": …, "bytes": …, "sha256": … (transfer full) */
static gchar *
file_fields (const gchar *name, const GByteArray *bytes)
{
  gchar *sha256 =
      g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes->data, bytes->len);
  gchar *text =
      g_strdup_printf ("\"file\": \"%s\", \"bytes\": %u, \"sha256\": \"%s\"",
          name, bytes->len, sha256);

  g_free (sha256);
  return text;
}

gchar *
design_fixture_manifest (const DesignFixture *design)
{
  gchar *xclbin = file_fields ("test.xclbin", design->xclbin->bytes);
  gchar *copy = file_fields ("copy.bin", design->copy->bytes);
  gchar *mix = file_fields ("mix.bin", design->mix->bytes);
  gchar *answer = file_fields ("copy.answer", design->answer);
  gchar *text = g_strdup_printf (
      "{\n"
      "  \"format\": \"gst-npu-design\",\n"
      "  \"version\": 1,\n"
      "  \"name\": \"test\",\n"
      "  \"generation\": 3,\n"
      "  \"columns\": 2,\n"
      "  \"kernel\": \"" DESIGN_KERNEL "\",\n"
      "  \"toolchain\": { \"mlir-aie\": \"1.1.0\", \"llvm-aie\": \"19.0\" },\n"
      "  \"xclbin\": { %s },\n"
      "  \"sequences\": [\n"
      "    { \"name\": \"copy\", \"sizes\": { \"n\": 64 },\n"
      "      \"insts\": { %s },\n"
      "      \"arguments\": [\n"
      "        { \"name\": \"from\", \"kind\": \"data\", \"direction\": \"in\","
      " \"type\": \"int8\", \"shape\": [64], \"bytes\": 64 },\n"
      "        { \"name\": \"to\", \"kind\": \"data\", \"direction\": \"out\","
      " \"type\": \"int8\", \"shape\": [64], \"bytes\": 64 }\n"
      "      ] },\n"
      "    { \"name\": \"mix\", \"sizes\": { \"m\": 4, \"k\": 8 },\n"
      "      \"insts\": { %s },\n"
      "      \"arguments\": [\n"
      "        { \"name\": \"a\", \"kind\": \"data\", \"direction\": \"in\","
      " \"type\": \"bf16\", \"shape\": [4, 8], \"bytes\": 64 },\n"
      "        { \"name\": \"w\", \"kind\": \"constant\", \"direction\": "
      "\"in\","
      " \"type\": \"bf16\", \"shape\": [8, 4], \"bytes\": 64 },\n"
      "        { \"name\": \"t\", \"kind\": \"scratch\", "
      "\"direction\": \"inout\", \"type\": \"uint8\", \"shape\": [128], "
      "\"bytes\": 128 },\n"
      "        { \"name\": \"c\", \"kind\": \"data\", \"direction\": \"inout\","
      " \"type\": \"f32\", \"shape\": [4, 4], \"bytes\": 64 }\n"
      "      ] }\n"
      "  ],\n"
      "  \"known_answer\": { \"sequence\": \"copy\", %s, \"tolerance\": 0.25 "
      "}\n"
      "}\n",
      xclbin, copy, mix, answer);

  g_free (xclbin);
  g_free (copy);
  g_free (mix);
  g_free (answer);
  return text;
}

static void
write_file (
    const gchar *folder, const gchar *name, const void *data, gsize size)
{
  gchar *path = g_build_filename (folder, name, NULL);

  g_free (fixture_write (path, data, size));
  g_free (path);
}

gchar *
design_fixture_write (
    const DesignFixture *design, const gchar *name, const gchar *manifest)
{
  gchar *own = manifest ? NULL : design_fixture_manifest (design);
  const gchar *text = manifest ? manifest : own;
  const GByteArray *xclbin = design->xclbin->bytes;
  const GByteArray *copy = design->copy->bytes, *mix = design->mix->bytes;

  write_file (name, "manifest.json", text, strlen (text));
  write_file (name, "test.xclbin", xclbin->data, xclbin->len);
  write_file (name, "copy.bin", copy->data, copy->len);
  write_file (name, "mix.bin", mix->data, mix->len);
  write_file (name, "copy.answer", design->answer->data, design->answer->len);
  g_free (own);
  return fixture_path (name);
}

gchar *
design_replace (const gchar *text, const gchar *old, const gchar *by)
{
  const gchar *found = strstr (text, old);

  fail_unless (found != NULL, "no <%s>", old);
  fail_unless (strstr (found + 1, old) == NULL, "several <%s>", old);
  return g_strdup_printf (
      "%.*s%s%s", (gint) (found - text), text, by, found + strlen (old));
}
