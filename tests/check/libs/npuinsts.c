/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * insts files: what is read of a sound one, and that each field which could
 * lead the firmware astray is refused, by its name.
 */
#include <gst/check/gstcheck.h>
#include <string.h>

#include "designfixture.h"
#include "npuinsts.h"

#define PATH "designs/copy.bin"
#define CORRUPT NPU_DESIGN_ERROR_CORRUPT
#define UNSUPPORTED NPU_DESIGN_ERROR_UNSUPPORTED
#define MISMATCH NPU_DESIGN_ERROR_MISMATCH

static NpuInstsLimits
make_limits (guint generation, guint columns, guint n_buffers)
{
  NpuInstsLimits limits = { generation, columns, n_buffers, { 0 } };
  guint i;

  for (i = 0; i < n_buffers; i++)
    limits.buffer_bytes[i] = 64;
  return limits;
}

/* In memory of its own, so that a sanitizer sees every step beyond it. */
static gboolean
parse (const guint8 *bytes, gsize size, const NpuInstsLimits *limits,
    NpuInsts *insts, GError **error)
{
  guint8 *copy = g_memdup2 (bytes, size);
  gboolean sound = npu_insts_parse (copy, size, limits, PATH, insts, error);

  g_free (copy);
  return sound;
}

/* For two columns and two buffers. */
static void
assert_refused (const gchar *what, const guint8 *bytes, gsize size,
    NpuDesignError code, const gchar *field)
{
  NpuInstsLimits limits = make_limits (3, 2, 2);
  GError *error = NULL;
  NpuInsts insts;

  fail_if (parse (bytes, size, &limits, &insts, &error), "%s: accepted", what);
  fail_unless (strstr (error->message, PATH ": ") != NULL);
  design_assert_error (what, error, code, field);
}

GST_START_TEST (test_sound)
{
  guint generation = 3 + __i__ % 2, columns = 1 + __i__ / 2;
  guint n_buffers = columns == 4 ? 16 : 1 + columns;
  NpuInstsLimits limits = make_limits (generation, 4, n_buffers);
  DesignBytes *b = design_insts_new (generation, columns, n_buffers);
  GError *error = NULL;
  NpuInsts insts;

  fail_unless (parse (b->bytes->data, b->bytes->len, &limits, &insts, &error),
      "%s", error ? error->message : "no error");
  fail_unless_equals_int (insts.columns, columns);
  fail_unless_equals_int (insts.n_operations, 3 * n_buffers + 2);
  fail_unless_equals_int (insts.n_syncs, 1);
  fail_unless_equals_int (insts.buffers, (1u << n_buffers) - 1);
  design_bytes_free (b);
}
GST_END_TEST;

/* The smallest design, which mlir-aie translates to 300 bytes. */
GST_START_TEST (test_size)
{
  DesignBytes *b = design_insts_new (3, 1, 2);

  fail_unless_equals_int (b->bytes->len, 300);
  design_bytes_free (b);
}
GST_END_TEST;

/* What a writer may do as well. */
GST_START_TEST (test_indifferent)
{
  static const struct {
    const gchar *field;
    guint nth;
    guint64 value;
  } cases[] = {
    { "BLOCKWRITE tile", 1, 0 },
    { "reserved", 0, 1 },
    { "DDR_PATCH address", 0, 0x1d000 },
    { "offset", 1, 60 },
    { "WRITE address", 0, 0x3f00000 + 0xffffc - 0x1a00000 },
    { "direction", 0, 1 },
    { "channel", 0, 1 },
  };
  NpuInstsLimits limits = make_limits (3, 2, 2);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    DesignBytes *b = design_insts_new (3, 2, 2);
    GError *error = NULL;
    NpuInsts insts;

    design_bytes_set (b, cases[i].field, cases[i].nth, cases[i].value);
    fail_unless (parse (b->bytes->data, b->bytes->len, &limits, &insts, &error),
        "%s: %s", cases[i].field, error ? error->message : "no error");
    design_bytes_free (b);
  }
}
GST_END_TEST;

GST_START_TEST (test_preempt)
{
  NpuInstsLimits limits = make_limits (3, 1, 1);
  DesignBytes *b = design_insts_new (3, 1, 1);
  guint n = design_bytes_find (b, "number of operations", 0)->offset;
  GError *error = NULL;
  NpuInsts insts;

  design_bytes_put (b, "PREEMPT", 6 | 3 << 8, 4);
  b->bytes->data[n]++;
  design_insts_fit (b);
  fail_unless (parse (b->bytes->data, b->bytes->len, &limits, &insts, &error));
  fail_unless_equals_int (insts.n_operations, 6);
  design_bytes_set (b, "PREEMPT", 0, 6 | 4 << 8);
  fail_if (parse (b->bytes->data, b->bytes->len, &limits, &insts, &error));
  design_assert_error ("level", error, CORRUPT, "(PREEMPT): level is 4");
  design_bytes_free (b);
}
GST_END_TEST;

GST_START_TEST (test_fields)
{
  static const struct {
    const gchar *field;
    guint nth;
    guint64 value;
    NpuDesignError code;
    const gchar *expected;
  } cases[] = {
    { "major", 0, 1, UNSUPPORTED, "version is 1.1, not 0.1" },
    { "minor", 0, 0, UNSUPPORTED, "version is 0.0" },
    { "minor", 0, 2, UNSUPPORTED, "version is 0.2" },
    { "generation", 0, 0, UNSUPPORTED, "device generation is 0" },
    { "generation", 0, 2, UNSUPPORTED, "device generation is 2" },
    { "generation", 0, 5, UNSUPPORTED, "device generation is 5" },
    { "generation", 0, 4, MISMATCH, "device generation is 4, but" },
    { "number of rows", 0, 5, CORRUPT, "number of rows is 5" },
    { "memory tile rows", 0, 2, CORRUPT, "memory tile rows 2" },
    { "number of columns", 0, 0, CORRUPT, "number of columns is 0" },
    { "number of columns", 0, 3, CORRUPT, "number of columns is 3" },
    { "number of columns", 0, 255, CORRUPT, "number of columns is 255" },
    { "number of columns", 0, 1, CORRUPT, "is in column 1" },
    { "number of operations", 0, 0, CORRUPT, "number of operations is 0" },
    { "number of operations", 0, 7, CORRUPT, "number of operations is 7" },
    { "number of operations", 0, 9, CORRUPT, "number of operations is 9" },
    { "transaction size", 0, 0, CORRUPT, "transaction size is 0" },
    { "transaction size", 0, 296, CORRUPT, "transaction size is 296" },
    { "transaction size", 0, 0xffffffff, CORRUPT, "transaction size" },
    { "BLOCKWRITE", 0, 2, CORRUPT, "operation 0 at byte 16: opcode is 2" },
    { "BLOCKWRITE", 0, 4, CORRUPT, "opcode is 4" },
    { "BLOCKWRITE", 0, 8, CORRUPT, "opcode is 8" },
    { "BLOCKWRITE", 0, 255, CORRUPT, "opcode is 255" },
    { "BLOCKWRITE tile", 0, 1, CORRUPT, "(BLOCKWRITE): tile (1, 0)" },
    { "BLOCKWRITE tile", 1, 0x101, CORRUPT, "(BLOCKWRITE): tile (1, 1)" },
    { "BLOCKWRITE address", 0, 0x401d000, CORRUPT, "is in column 2" },
    { "BLOCKWRITE address", 0, 0x61d000, CORRUPT, "is in row 6" },
    { "BLOCKWRITE address", 0, 0x1d002, CORRUPT, "not a multiple of 4" },
    { "BLOCKWRITE address", 0, 0xffff0, CORRUPT, "leave the tile" },
    { "BLOCKWRITE size", 0, 0, CORRUPT, "operation size is 0" },
    { "BLOCKWRITE size", 0, 16, CORRUPT, "operation size is 16" },
    { "BLOCKWRITE size", 0, 46, CORRUPT, "operation size is 46" },
    { "BLOCKWRITE size", 0, 288, CORRUPT, "operation size is 288" },
    { "BLOCKWRITE size", 1, 0xfffffffc, CORRUPT, "operation size is" },
    { "DDR_PATCH", 0, 130, CORRUPT, "opcode is 130" },
    { "DDR_PATCH size", 0, 44, CORRUPT, "(DDR_PATCH): operation size is 44" },
    { "DDR_PATCH size", 0, 52, CORRUPT, "(DDR_PATCH): operation size is 52" },
    { "DDR_PATCH address", 0, 0x401d004, CORRUPT, "is in column 2" },
    { "DDR_PATCH address", 0, 0x11d004, CORRUPT, "buffer descriptor" },
    { "DDR_PATCH address", 0, 0x1d200, CORRUPT, "buffer descriptor" },
    { "DDR_PATCH address", 0, 0x1d008, CORRUPT, "buffer descriptor" },
    { "DDR_PATCH address", 0, 0x1cffc, CORRUPT, "buffer descriptor" },
    { "action", 0, 1, CORRUPT, "action is 1" },
    { "argument", 0, 2, CORRUPT, "argument is 2, but there are 2" },
    { "argument", 1, 0xffffffff, CORRUPT, "argument is 4294967295" },
    { "argument", 1, G_MAXUINT64, CORRUPT, "argument is 18446744073" },
    { "offset", 0, 64, CORRUPT, "offset 64 is beyond the 64 bytes" },
    { "offset", 0, 0x80000000, CORRUPT, "offset 2147483648 is beyond" },
    { "offset", 1, G_MAXUINT64, CORRUPT, "offset 18446744073709551615" },
    { "MASKWRITE size", 0, 24, CORRUPT, "(MASKWRITE): operation size is 24" },
    { "MASKWRITE size", 0, 32, CORRUPT, "(MASKWRITE): operation size is 32" },
    { "MASKWRITE address", 0, 0x401d000, CORRUPT, "is in column 2" },
    { "MASKWRITE address", 0, 0xffffffff, CORRUPT, "is in column 127" },
    { "MASKWRITE address", 0, 0x10001d000, CORRUPT, "beyond the NPU" },
    { "WRITE size", 0, 28, CORRUPT, "(WRITE): operation size is 28" },
    { "WRITE size", 1, 0, CORRUPT, "(WRITE): operation size is 0" },
    { "WRITE address", 0, 0x1f00000, CORRUPT, "is in row 31" },
    { "WRITE address", 0, 0x1d201, CORRUPT, "not a multiple of 4" },
    { "WRITE address", 1, G_MAXUINT64, CORRUPT, "beyond the NPU" },
    { "TCT size", 0, 12, CORRUPT, "(TCT): operation size is 12" },
    { "TCT size", 0, 20, CORRUPT, "(TCT): operation size is 20" },
    { "direction", 0, 2, CORRUPT, "(TCT): direction is 2" },
    { "row", 0, 6, CORRUPT, "(TCT): 1 rows from row 6" },
    { "column", 0, 2, CORRUPT, "(TCT): 1 columns from column 2" },
    { "column", 0, 255, CORRUPT, "(TCT): 1 columns from column 255" },
    { "rows", 0, 0, CORRUPT, "(TCT): 0 rows" },
    { "rows", 0, 7, CORRUPT, "(TCT): 7 rows" },
    { "columns", 0, 0, CORRUPT, "(TCT): 0 columns" },
    { "columns", 0, 2, CORRUPT, "(TCT): 2 columns from column 1" },
    { "channel", 0, 2, CORRUPT, "(TCT): channel is 2" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    DesignBytes *b = design_insts_new (3, 2, 2);

    design_bytes_set (b, cases[i].field, cases[i].nth, cases[i].value);
    assert_refused (cases[i].field, b->bytes->data, b->bytes->len,
        cases[i].code, cases[i].expected);
    design_bytes_free (b);
  }
  design_assert_count (G_N_ELEMENTS (cases));
}
GST_END_TEST;

/* The offset in the sixth buffer and those after it begins at 2 GiB. */
GST_START_TEST (test_late_buffers)
{
  NpuInstsLimits limits = make_limits (3, 2, 7);
  DesignBytes *b = design_insts_new (3, 2, 7);
  GError *error = NULL;
  NpuInsts insts;

  design_bytes_set (b, "offset", 6, 0x80000000 + 60);
  fail_unless (parse (b->bytes->data, b->bytes->len, &limits, &insts, &error));
  design_bytes_set (b, "offset", 6, 0x80000000 + 64);
  fail_if (parse (b->bytes->data, b->bytes->len, &limits, &insts, &error));
  design_assert_error ("seventh", error, CORRUPT, "offset 64 is beyond");
  error = NULL;
  design_bytes_set (b, "offset", 6, 0);
  design_bytes_set (b, "offset", 4, 0x80000000);
  fail_if (parse (b->bytes->data, b->bytes->len, &limits, &insts, &error));
  design_assert_error ("fifth", error, CORRUPT, "offset 2147483648 is beyond");
  design_bytes_free (b);
}
GST_END_TEST;

/* Cut off in and after every word: once as it is, once with a size that
 * fits. */
GST_START_TEST (test_truncated)
{
  DesignBytes *b = design_insts_new (3, 2, 2);
  gsize size;

  for (size = 0; size < b->bytes->len; size++) {
    const gchar *expected = size < 16       ? "too few for the header"
                            : size % 4 != 0 ? "not a multiple of 4"
                                            : "transaction size";

    design_bytes_set (b, "transaction size", 0, 300);
    assert_refused ("cut off", b->bytes->data, size, CORRUPT, expected);
    if (size < 16 || size % 4 != 0)
      continue;
    design_bytes_set (b, "transaction size", 0, size);
    assert_refused ("fitted", b->bytes->data, size, CORRUPT, "operation");
  }
  design_assert_count (300 + 71);
  design_bytes_free (b);
}
GST_END_TEST;

/* Everything sound, and nobody waits. */
GST_START_TEST (test_no_sync)
{
  DesignBytes *b = design_insts_new (3, 2, 2);

  g_byte_array_set_size (b->bytes, 284);
  design_bytes_set (b, "transaction size", 0, 284);
  design_bytes_set (b, "number of operations", 0, 7);
  assert_refused ("no sync", b->bytes->data, 284, CORRUPT, "TCT");
  g_byte_array_set_size (b->bytes, 16);
  design_bytes_set (b, "transaction size", 0, 16);
  design_bytes_set (b, "number of operations", 0, 0);
  assert_refused ("no operation", b->bytes->data, 16, CORRUPT, "TCT");
  design_bytes_free (b);
}
GST_END_TEST;

/* No single bit crashes the reader. */
GST_START_TEST (test_flipped)
{
  NpuInstsLimits limits = make_limits (3, 2, 2);
  DesignBytes *b = design_insts_new (3, 2, 2);
  guint i;

  for (i = 0; i < 8 * b->bytes->len; i++) {
    GError *error = NULL;
    NpuInsts insts;

    b->bytes->data[i / 8] ^= 1 << i % 8;
    if (!parse (b->bytes->data, b->bytes->len, &limits, &insts, &error)) {
      fail_unless (error->domain == NPU_DESIGN_ERROR);
      design_assert_error ("flipped", error, error->code, PATH);
    }
    b->bytes->data[i / 8] ^= 1 << i % 8;
  }
  design_bytes_free (b);
  design_assert_count (400);
}
GST_END_TEST;

static Suite *
npuinsts_suite (void)
{
  Suite *suite = suite_create ("npuinsts");
  TCase *sound = tcase_create ("sound"), *forged = tcase_create ("forged");

  suite_add_tcase (suite, sound);
  tcase_add_loop_test (sound, test_sound, 0, 8);
  tcase_add_test (sound, test_size);
  tcase_add_test (sound, test_indifferent);
  tcase_add_test (sound, test_preempt);
  suite_add_tcase (suite, forged);
  tcase_add_test (forged, test_fields);
  tcase_add_test (forged, test_late_buffers);
  tcase_add_test (forged, test_truncated);
  tcase_add_test (forged, test_no_sync);
  tcase_add_test (forged, test_flipped);
  return suite;
}

GST_CHECK_MAIN (npuinsts);
