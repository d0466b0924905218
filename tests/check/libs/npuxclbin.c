/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xclbin files: what is read of a sound one, and that each field that XRT
 * would follow is refused when it leads astray, by its name.
 */
#include <gst/check/gstcheck.h>
#include <string.h>

#include "designfixture.h"
#include "npuxclbin.h"

#define PATH "designs/test.xclbin"
#define CORRUPT NPU_DESIGN_ERROR_CORRUPT

/* In memory of its own, so that a sanitizer sees every step beyond it. */
static gboolean
parse (const guint8 *bytes, gsize size, NpuXclbin *xclbin, GError **error)
{
  guint8 *copy = g_memdup2 (bytes, size);
  gboolean sound =
      npu_xclbin_parse (copy, size, DESIGN_KERNEL, PATH, xclbin, error);

  g_free (copy);
  return sound;
}

static void
assert_refused (
    const gchar *what, const guint8 *bytes, gsize size, const gchar *field)
{
  GError *error = NULL;
  NpuXclbin xclbin;

  fail_if (parse (bytes, size, &xclbin, &error), "%s: accepted", what);
  fail_unless (strstr (error->message, PATH ": ") != NULL);
  design_assert_error (what, error, CORRUPT, field);
}

/* Frees @b. */
static void
assert_forged (const gchar *what, DesignBytes *b, const gchar *field)
{
  assert_refused (what, b->bytes->data, b->bytes->len, field);
  design_bytes_free (b);
}

GST_START_TEST (test_sound)
{
  guint columns = __i__;
  DesignBytes *b = design_xclbin_new (columns, NULL);
  GError *error = NULL;
  NpuXclbin xclbin;

  fail_unless (parse (b->bytes->data, b->bytes->len, &xclbin, &error), "%s",
      error ? error->message : "no error");
  fail_unless_equals_int (xclbin.columns, columns);
  fail_unless_equals_int (xclbin.n_arguments, 8);
  fail_unless_equals_string (xclbin.kernels[0], "MLIR_AIE");
  fail_unless (xclbin.kernels[1] == NULL);
  fail_unless_equals_int (xclbin.uuid[0], 0x6b);
  fail_unless_equals_int (xclbin.uuid[15], 15);
  npu_xclbin_clear (&xclbin);
  design_bytes_free (b);
}
GST_END_TEST;

/* What must not change the verdict: sections that nothing reads, no group
 * sections, empty ones, and fields that nothing follows. */
GST_START_TEST (test_indifferent)
{
  static const struct {
    const gchar *field;
    guint nth;
    guint64 value;
  } cases[] = {
    { "m_sectionKind", 5, 25 },
    { "m_sectionKind", 6, 13 },
    { "m_sectionSize", 5, 0 },
    { "m_timeStamp", 0, G_MAXUINT64 },
    { "m_mode", 0, 4 },
    { "m_platformVBNV", 0, 1 },
    { "pdi_id", 0, 240 },
    { "dpu_kernel_ids size", 0, 0 },
    { "pre_cdo_groups size", 0, 0 },
    { "ip m_base_address", 0, 0 },
    { "ip m_type", 0, 1 },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    DesignBytes *b = design_xclbin_new (4, NULL);
    GError *error = NULL;
    NpuXclbin xclbin;

    if (i == 1) /* connections need banks */
      design_bytes_set (b, "m_sectionSize", 5, 0);
    design_bytes_set (b, cases[i].field, cases[i].nth, cases[i].value);
    fail_unless (parse (b->bytes->data, b->bytes->len, &xclbin, &error),
        "%s: %s", cases[i].field, error ? error->message : "no error");
    npu_xclbin_clear (&xclbin);
    design_bytes_free (b);
  }
}
GST_END_TEST;

GST_START_TEST (test_fields)
{
  static const struct {
    const gchar *field;
    guint nth;
    guint64 value;
    const gchar *expected;
  } cases[] = {
    { "m_magic", 0, 0x306e69626c6378, "m_magic" }, /* "xclbin0" */
    { "m_magic", 0, 0, "m_magic" },
    { "m_numSections", 0, 0, "m_numSections" },
    { "m_numSections", 0, 65, "m_numSections" },
    { "m_numSections", 0, 6, "ASK_GROUP_CONNECTIVITY: there is no section" },
    { "m_numSections", 0, 4, "no section AIE_PARTITION" },
    { "m_numSections", 0, 3, "no section EMBEDDED_METADATA" },
    { "m_numSections", 0, 2, "no section EMBEDDED_METADATA" },
    { "m_sectionKind", 0, 13, "no section MEM_TOPOLOGY" },
    { "m_sectionKind", 1, 13, "no section IP_LAYOUT" },
    { "m_sectionKind", 2, 13, "no section CONNECTIVITY" },
    { "m_sectionKind", 0, 8, "two sections IP_LAYOUT" },
    { "m_sectionKind", 4, 2, "two sections EMBEDDED_METADATA" },
    { "m_sectionKind", 6, 32, "two sections AIE_PARTITION" },
    { "m_sectionOffset", 0, 0, "section 0: m_sectionOffset 0" },
    { "m_sectionOffset", 0, 728, "section 0: m_sectionOffset" },
    { "m_sectionOffset", 0, 744, "section 1: m_sectionOffset and" },
    { "m_sectionOffset", 1, 825, "section 1: m_sectionOffset" },
    { "m_sectionOffset", 1, 736, "overlap those of section 0" },
    { "m_sectionSize", 0, 89, "overlap those of section 0" },
    { "m_sectionSize", 0, 7, "MEM_TOPOLOGY: 7 bytes are too few for m_count" },
    { "m_sectionSize", 0, 87, "MEM_TOPOLOGY: m_count is 2" },
    { "m_sectionSize", 1, 87, "IP_LAYOUT: m_count is 1" },
    { "m_sectionSize", 2, 3, "CONNECTIVITY: 3 bytes are too few" },
    { "m_sectionSize", 2, 75, "CONNECTIVITY: m_count is 6" },
    { "m_sectionSize", 3, 100, "EMBEDDED_METADATA" },
    { "m_sectionSize", 4, 183, "AIE_PARTITION: 183 bytes are too few" },
    { "m_sectionSize", 4, 184, "AIE_PARTITION: mpo_name" },
    { "m_sectionSize", 4, 187, "AIE_PARTITION: mpo_name" },
    { "m_sectionSize", 4, 195, "AIE_PARTITION: start_columns" },
    { "m_sectionSize", 4, 295, "AIE_PARTITION: aie_pdi" },
    { "m_sectionSize", 4, 327, "AIE_PARTITION: pdi_image" },
    { "m_sectionSize", 4, 423, "AIE_PARTITION: cdo_groups" },
    { "m_sectionSize", 4, 426, "AIE_PARTITION: cdo_groups: mpo_name" },
    { "m_sectionSize", 4, 439, "AIE_PARTITION: dpu_kernel_ids" },
    { "m_sectionSize", 4, 443, "AIE_PARTITION: pre_cdo_groups" },
    { "m_mem_data m_count", 0, 0, "MEM_TOPOLOGY: m_count is 0" },
    { "m_mem_data m_count", 0, 3, "MEM_TOPOLOGY: m_count is 3" },
    { "m_mem_data m_count", 0, 1, "CONNECTIVITY: m_connection[0]: mem_data" },
    { "m_mem_data m_count", 1, 0, "ASK_GROUP_TOPOLOGY: m_count is 0" },
    { "m_mem_data m_count", 1, 3, "ASK_GROUP_TOPOLOGY: m_count is 3" },
    { "m_used", 0, 0, "CONNECTIVITY: m_connection[1]: mem_data_index is 0" },
    { "m_used", 1, 0, "CONNECTIVITY: m_connection[0]: mem_data_index is 1" },
    { "m_used", 3, 0, "ASK_GROUP_CONNECTIVITY: m_connection[0]: mem_data" },
    { "m_tag", 0, 0x7f54534f48, "m_mem_data[0]: m_tag" },
    { "m_tag", 1, 0xff, "m_mem_data[1]: m_tag" },
    { "m_ip_data m_count", 0, 0, "IP_LAYOUT: m_count is 0" },
    { "m_ip_data m_count", 0, 2, "IP_LAYOUT: m_count is 2" },
    { "ip m_type", 0, 0, "IP_LAYOUT: no m_name" },
    { "ip m_type", 0, 8, "IP_LAYOUT: no m_name" },
    { "m_name", 0, 0x4549415f52494c4e, "IP_LAYOUT: no m_name" },
    { "m_name", 0, 0x4549410a52494c4d, "m_ip_data[0]: m_name" },
    { "m_connection m_count", 0, 0, "CONNECTIVITY: m_count is 0" },
    { "m_connection m_count", 0, 7, "CONNECTIVITY: m_count is 7" },
    { "m_connection m_count", 0, 5, "argument 7 of the kernel has no memory" },
    { "m_connection m_count", 1, 5, "ASK_GROUP_CONNECTIVITY: argument 7" },
    { "arg_index", 0, 64, "m_connection[0]: arg_index is 64" },
    { "arg_index", 0, 2, "argument 1 of the kernel has no memory bank" },
    { "arg_index", 3, 0x7fffffff, "m_connection[3]: arg_index" },
    { "m_ip_layout_index", 5, 1, "m_connection[5]: m_ip_layout_index is 1" },
    { "m_ip_layout_index", 0, 0xffffffff, "m_ip_layout_index is -1" },
    { "mem_data_index", 0, 2, "m_connection[0]: mem_data_index is 2" },
    { "mem_data_index", 0, 0xffffffff, "mem_data_index is -1" },
    { "mem_data_index", 11, 2, "ASK_GROUP_CONNECTIVITY: m_connection[5]" },
    { "schema_version", 0, 1, "schema_version is 1" },
    { "partition mpo_name", 0, 448, "mpo_name: the text at offset 448" },
    { "column_width", 0, 0, "column_width is 0" },
    { "column_width", 0, 5, "column_width is 5" },
    { "column_width", 0, 0xffff, "column_width is 65535" },
    { "start_columns size", 0, 0, "start_columns: size is 0" },
    { "start_columns size", 0, 9, "start_columns: size is 9" },
    { "start_columns offset", 0, 448, "start_columns: size 3 at offset 448" },
    { "start_columns offset", 0, 193, "start_columns: offset 193" },
    { "start column", 0, 7, "start_columns[0] is 7" },
    { "start column", 2, 0xffff, "start_columns[2] is 65535" },
    { "aie_pdi size", 0, 0, "aie_pdi: size is 0" },
    { "aie_pdi size", 0, 65, "aie_pdi: size is 65" },
    { "aie_pdi size", 0, 3, "aie_pdi: size 3" },
    { "aie_pdi offset", 0, 360, "aie_pdi: size 1 at offset 360" },
    { "aie_pdi offset", 0, 204, "aie_pdi: offset 204" },
    { "pdi_image size", 0, 0, "pdi_image: size is 0" },
    { "pdi_image size", 0, 153, "pdi_image: size 153" },
    { "pdi_image size", 0, 0xffffffff, "pdi_image: size is" },
    { "pdi_image offset", 0, 424, "pdi_image: size 32 at offset 424" },
    { "pdi_image offset", 0, 0xfffffff8, "pdi_image: size 32" },
    { "pdi_image offset", 0, 300, "pdi_image: offset 300" },
    { "cdo_groups size", 0, 0, "cdo_groups: size is 0" },
    { "cdo_groups size", 0, 65, "cdo_groups: size is 65" },
    { "cdo_groups size", 0, 2, "cdo_groups: size 2" },
    { "cdo_groups offset", 0, 360, "cdo_groups: size 1 at offset 360" },
    { "cdo_groups offset", 0, 332, "cdo_groups: offset 332" },
    { "group mpo_name", 0, 448, "cdo_groups: mpo_name" },
    { "dpu_kernel_ids size", 0, 4097, "dpu_kernel_ids: size is 4097" },
    { "dpu_kernel_ids size", 0, 3, "dpu_kernel_ids: size 3" },
    { "dpu_kernel_ids offset", 0, 444, "dpu_kernel_ids: size 1 at offset" },
    { "dpu_kernel_ids offset", 0, 436, "dpu_kernel_ids: offset 436" },
    { "pre_cdo_groups size", 0, 3, "pre_cdo_groups: size 3" },
    { "pre_cdo_groups offset", 0, 446, "pre_cdo_groups: size 1 at offset" },
    { "pre_cdo_groups offset", 0, 442, "pre_cdo_groups: offset 442" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    DesignBytes *b = design_xclbin_new (2, NULL);

    design_bytes_set (b, cases[i].field, cases[i].nth, cases[i].value);
    assert_forged (cases[i].field, b, cases[i].expected);
  }
  design_assert_count (G_N_ELEMENTS (cases));
}
GST_END_TEST;

/* Every count, size and offset beyond all reason. */
GST_START_TEST (test_overflow)
{
  static const guint64 values[] = { 0x7fffffff, 0x80000000, 0xffffffff,
    G_MAXINT64, G_MAXUINT64, G_MAXUINT64 - 7 };
  static const struct {
    const gchar *field, *expected;
    guint n;
  } fields[] = {
    { "m_length", "m_length", 1 },
    { "m_numSections", "m_numSections", 1 },
    { "m_sectionOffset", "m_sectionOffset", 7 },
    { "m_sectionSize", "m_sectionSize", 7 },
    { "m_mem_data m_count", "TOPOLOGY: m_count", 2 },
    { "m_ip_data m_count", "IP_LAYOUT: m_count", 1 },
    { "m_connection m_count", "CONNECTIVITY: m_count", 2 },
    { "arg_index", "arg_index", 12 },
    { "m_ip_layout_index", "m_ip_layout_index", 12 },
    { "mem_data_index", "mem_data_index", 12 },
    { "partition mpo_name", "mpo_name", 1 },
    { "start_columns size", "start_columns", 1 },
    { "start_columns offset", "start_columns", 1 },
    { "aie_pdi size", "aie_pdi", 1 },
    { "aie_pdi offset", "aie_pdi", 1 },
    { "pdi_image size", "pdi_image", 1 },
    { "pdi_image offset", "pdi_image", 1 },
    { "cdo_groups size", "cdo_groups", 1 },
    { "cdo_groups offset", "cdo_groups", 1 },
    { "group mpo_name", "mpo_name", 1 },
    { "dpu_kernel_ids size", "dpu_kernel_ids", 1 },
    { "dpu_kernel_ids offset", "dpu_kernel_ids", 1 },
    { "pre_cdo_groups size", "pre_cdo_groups", 1 },
    { "pre_cdo_groups offset", "pre_cdo_groups", 1 },
  };
  guint i, j, nth;

  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    for (nth = 0; nth < fields[i].n; nth++) {
      for (j = 0; j < G_N_ELEMENTS (values); j++) {
        DesignBytes *b = design_xclbin_new (2, NULL);

        design_bytes_set (b, fields[i].field, nth, values[j]);
        assert_forged (fields[i].field, b, fields[i].expected);
      }
    }
  }
  design_assert_count (6 * 71);
}
GST_END_TEST;

/* Cut off before and in every field: once as it is, once with a length that
 * fits. */
GST_START_TEST (test_truncated)
{
  DesignBytes *b = design_xclbin_new (4, NULL);
  gsize end = b->bytes->len;
  guint i, n = 0;

  for (i = 1; i < b->marks->len; i++) {
    const DesignMark *m = &g_array_index (b->marks, DesignMark, i);
    const gchar *expected = m->offset < 8     ? "m_magic"
                            : m->offset < 456 ? "too few for the header"
                            : m->offset < 736 ? "m_numSections"
                                              : "m_sectionSize";

    if (m->offset + m->size == end && strcmp (m->what, "padding") == 0)
      break;
    design_bytes_set (b, "m_length", 0, end);
    assert_refused (m->what, b->bytes->data, m->offset,
        m->offset < 456 ? expected : "m_length");
    design_bytes_set (b, "m_length", 0, m->offset);
    assert_refused (m->what, b->bytes->data, m->offset, expected);
    n += 2;
  }
  assert_refused ("empty", b->bytes->data, 0, "m_magic");
  design_bytes_free (b);
  design_assert_count (n + 1);
  fail_unless (n > 300, "%u", n);
}
GST_END_TEST;

GST_START_TEST (test_longer)
{
  DesignBytes *b = design_xclbin_new (4, NULL);

  design_bytes_put_data (b, "tail", NULL, 3);
  assert_forged ("tail", b, "m_length");
  b = design_xclbin_new (4, NULL);
  memset (b->bytes->data + design_bytes_find (b, "uuid", 0)->offset, 0, 16);
  assert_forged ("uuid", b, "uuid is zero");
  b = design_xclbin_new (4, NULL);
  memset (b->bytes->data + design_bytes_find (b, "m_name", 0)->offset, 'a', 64);
  assert_forged ("m_name", b, "m_ip_data[0]: m_name");
  b = design_xclbin_new (4, NULL);
  memset (b->bytes->data + design_bytes_find (b, "m_tag", 1)->offset, 'a', 16);
  assert_forged ("m_tag", b, "m_mem_data[1]: m_tag");
  design_assert_count (4);
}
GST_END_TEST;

/* Kernels and arguments. */
GST_START_TEST (test_metadata)
{
  static const struct {
    const gchar *old, *by, *expected;
  } cases[] = {
    { "<project>", "<project", "Error on line" },
    { "</project>", "", "Error on line" },
    { "<?xml version=\"1.0\"", "\x01", "Error on line" },
    { "type=\"dpu\"", "type=\"\xff\"", "UTF-8" },
    { "<core>", "<core><a><b><c><d><e><f><g><h><i><j><k><l><m>", "nested" },
    { "<core>", "<core></core><core>", "\"core\" is there twice" },
    { "<platform>", "<platform/><platform>", "\"platform\" is there twice" },
    { "<kernel name=\"MLIR_AIE\"", "<kernel name=\"MLIR\"", "no kernel" },
    { "<kernel name=\"MLIR_AIE\"", "<kernel", "no \"name\"" },
    { "<kernel name=\"MLIR_AIE\"", "<kernel name=\"\"", "no \"name\"" },
    { "<kernel name=\"MLIR_AIE\"",
        "<kernel name=\"MLIR_AIE\"/><kernel "
        "name=\"MLIR_AIE\"",
        "kernel \"MLIR_AIE\" is there twice" },
    { "name=\"opcode\" ", "", "arg 0 of kernel \"MLIR_AIE\": \"name\"" },
    { "id=\"0\"", "", "arg 0 of kernel \"MLIR_AIE\": \"id\" is missing" },
    { "id=\"0\"", "id=\"\"", "\"id\" is not a number" },
    { "id=\"2\"", "id=\"3\"", "arg 2 of kernel \"MLIR_AIE\": \"id\" is 3" },
    { "id=\"7\"", "id=\"-1\"", "\"id\" is not a number" },
    { "id=\"7\"", "id=\"07\"", "\"id\" is not a number" },
    { "id=\"7\"", "id=\"7x\"", "\"id\" is not a number" },
    { "id=\"7\"", "id=\"99999999999999999999\"", "\"id\" is not a number" },
    { "id=\"0\" size=\"0x8\"", "id=\"0\"", "\"size\" is missing" },
    { "id=\"0\" size=\"0x8\"", "id=\"0\" size=\"0x4\"", "\"size\" is 4" },
    { "id=\"2\" size=\"0x4\"", "id=\"2\" size=\"0x8\"", "\"size\" is 8" },
    { "id=\"3\" size=\"0x8\"", "id=\"3\" size=\"0x10\"", "\"size\" is 16" },
    { "id=\"3\" size=\"0x8\"", "id=\"3\" size=\"\"", "\"size\" is not" },
    { "offset=\"0x00\" ", "", "\"offset\" is missing" },
    { "offset=\"0x34\"", "offset=\"0xfffc\"", "arg 7 of kernel" },
    { "offset=\"0x34\"", "offset=\"0xffffffff\"", "\"offset\" 4294967295" },
    { "offset=\"0x34\"", "offset=\"0x100000034\"", "\"offset\" is not" },
    { "hostSize=\"0x4\" ", "", "\"hostSize\" is missing" },
    { "addressQualifier=\"0\" id=\"0\"", "id=\"0\"", "\"addressQualifier\"" },
    { "addressQualifier=\"0\" id=\"0\"", "addressQualifier=\"1\" id=\"0\"",
        "\"addressQualifier\" is 1" },
    { "addressQualifier=\"1\" id=\"1\"", "addressQualifier=\"0\" id=\"1\"",
        "\"addressQualifier\" is 0" },
    { "addressQualifier=\"1\" id=\"5\"", "addressQualifier=\"4\" id=\"5\"",
        "\"addressQualifier\" is 4" },
  };
  gchar *sound = design_metadata (5), *wrong;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    wrong = design_replace (sound, cases[i].old, cases[i].by);
    assert_forged (
        cases[i].by, design_xclbin_new (4, wrong), cases[i].expected);
    g_free (wrong);
  }
  wrong = design_metadata (0);
  assert_forged ("none", design_xclbin_new (4, wrong), "has 3 arguments");
  g_free (wrong);
  wrong = design_metadata (6);
  assert_forged ("six", design_xclbin_new (4, wrong), "argument 8 of the");
  g_free (wrong);
  wrong = design_metadata (62);
  assert_forged ("many", design_xclbin_new (4, wrong), "more than 64 arg");
  g_free (wrong);
  wrong = g_strnfill ((1 << 20) + 1, ' ');
  assert_forged ("long", design_xclbin_new (4, wrong), "too many");
  g_free (wrong);
  g_free (sound);
  design_assert_count (G_N_ELEMENTS (cases) + 4);
}
GST_END_TEST;

/* No flipped bit crashes the reader, and what it takes for sound it can tell:
 * one bit of each byte. */
GST_START_TEST (test_flipped)
{
  DesignBytes *b = design_xclbin_new (3, NULL);
  guint i;

  for (i = 0; i < b->bytes->len; i++) {
    GError *error = NULL;
    NpuXclbin xclbin;

    b->bytes->data[i] ^= 1 << i % 8;
    if (parse (b->bytes->data, b->bytes->len, &xclbin, &error)) {
      fail_unless (xclbin.columns >= 1 && xclbin.columns <= 4);
      fail_unless (xclbin.n_arguments >= 4 && xclbin.n_arguments <= 8);
      npu_xclbin_clear (&xclbin);
    } else {
      design_assert_error ("flipped", error, CORRUPT, PATH);
    }
    b->bytes->data[i] ^= 1 << i % 8;
  }
  design_bytes_free (b);
  design_assert_count (200);
}
GST_END_TEST;

static Suite *
npuxclbin_suite (void)
{
  Suite *suite = suite_create ("npuxclbin");
  TCase *sound = tcase_create ("sound"), *forged = tcase_create ("forged");

  suite_add_tcase (suite, sound);
  tcase_add_loop_test (sound, test_sound, 1, 5);
  tcase_add_test (sound, test_indifferent);
  suite_add_tcase (suite, forged);
  tcase_add_test (forged, test_fields);
  tcase_add_test (forged, test_overflow);
  tcase_add_test (forged, test_truncated);
  tcase_add_test (forged, test_longer);
  tcase_add_test (forged, test_metadata);
  tcase_add_test (forged, test_flipped);
  return suite;
}

GST_CHECK_MAIN (npuxclbin);
