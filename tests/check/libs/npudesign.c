/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole designs: what is loaded of a sound one; that nothing but the files
 * that the manifest vouches for is taken, and that they must agree.
 */
#include <gst/check/gstcheck.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "designfixture.h"
#include "npudesign.h"

#define NOT_FOUND NPU_DESIGN_ERROR_NOT_FOUND
#define UNREADABLE NPU_DESIGN_ERROR_UNREADABLE
#define CORRUPT NPU_DESIGN_ERROR_CORRUPT
#define MISMATCH NPU_DESIGN_ERROR_MISMATCH

/* All of a design but its manifest. */
static const gchar *const files[] = { "test.xclbin", "copy.bin", "mix.bin",
  "copy.answer" };

static DesignFixture *design;

static void
setup (void)
{
  design = design_fixture_new ();
}

static void
teardown (void)
{
  g_clear_pointer (&design, design_fixture_free);
  fixture_folder_remove ();
}

/* Writes the design with @manifest (transfer full), or NULL for its own. */
static gchar *
put (gchar *manifest)
{
  gchar *folder = design_fixture_write (design, "test", manifest);

  g_free (manifest);
  return folder;
}

static void
assert_refused (const gchar *what, NpuDesignError code, const gchar *name,
    const gchar *field)
{
  gchar *folder = fixture_path ("test"), *path;
  GError *error = NULL;

  fail_unless (npu_design_load (folder, &error) == NULL, "%s: loaded", what);
  path = name ? g_build_filename (folder, name, NULL) : g_strdup (folder);
  fail_unless (
      g_str_has_prefix (error->message, path), "%s: %s", what, error->message);
  design_assert_error (what, error, code, field);
  g_free (path);
  g_free (folder);
}

GST_START_TEST (test_sound)
{
  gchar *folder = put (NULL);
  GError *error = NULL;
  NpuDesign *loaded = npu_design_load (folder, &error);

  fail_unless (loaded != NULL, "%s", error ? error->message : "no error");
  fail_unless (npu_design_ref (loaded) == loaded);
  npu_design_unref (loaded);
  fail_unless_equals_string (loaded->folder, folder);
  fail_unless_equals_string (loaded->manifest->name, "test");
  fail_unless_equals_int (loaded->info.columns, 2);
  fail_unless_equals_int (loaded->info.n_arguments, 8);
  fail_unless_equals_int (
      g_bytes_get_size (loaded->xclbin), design->xclbin->bytes->len);
  fail_unless (memcmp (g_bytes_get_data (loaded->xclbin, NULL),
                   design->xclbin->bytes->data, design->xclbin->bytes->len)
               == 0);
  fail_unless_equals_int (loaded->insts[0].info.n_operations, 8);
  fail_unless_equals_int (loaded->insts[1].info.n_operations, 14);
  fail_unless_equals_int (loaded->insts[1].info.buffers, 0xf);
  fail_unless_equals_int (
      g_bytes_get_size (loaded->insts[1].bytes), design->mix->bytes->len);
  fail_unless_equals_int (g_bytes_get_size (loaded->known_answer), 128);
  /* by coreutils */
  fail_unless_equals_string (loaded->manifest->known_answer.sha256,
      "410d117aadfb464b6b3b833f4c810e7e8744247b8b0bf93ba4829efedb5bf39c");
  npu_design_unref (loaded);
  g_free (folder);
}
GST_END_TEST;

/* What was loaded does not change with the files. */
GST_START_TEST (test_copies)
{
  gchar *folder = put (NULL);
  NpuDesign *loaded = npu_design_load (folder, NULL);

  fail_unless (loaded != NULL);
  g_free (fixture_write ("test/copy.answer", "", 0));
  fail_unless_equals_int (
      ((const guint8 *) g_bytes_get_data (loaded->known_answer, NULL))[127],
      63);
  npu_design_unref (loaded);
  g_free (folder);
}
GST_END_TEST;

/* A link to the folder is as good as the folder. */
GST_START_TEST (test_linked_folder)
{
  gchar *folder = put (NULL), *link = fixture_path ("link");
  NpuDesign *loaded;

  fail_unless_equals_int (symlink (folder, link), 0);
  loaded = npu_design_load (link, NULL);
  fail_unless (loaded != NULL);
  npu_design_unref (loaded);
  g_free (link);
  g_free (folder);
}
GST_END_TEST;

GST_START_TEST (test_no_folder)
{
  assert_refused ("nothing", NOT_FOUND, NULL, "no such folder");
  g_free (fixture_write ("test", "x", 1));
  assert_refused ("a file", NOT_FOUND, NULL, "no such folder");
  design_assert_count (2);
}
GST_END_TEST;

/* ---- what may be in the place of a file ---- */

static void
replace_by_link (const gchar *path)
{
  gchar *other = g_strconcat (path, ".other", NULL);

  fail_unless_equals_int (rename (path, other), 0);
  fail_unless_equals_int (symlink (other, path), 0);
  g_free (other);
}

static void
replace_by_nothing (const gchar *path)
{
  fail_unless_equals_int (unlink (path), 0);
}

static void
replace_by_dangling_link (const gchar *path)
{
  replace_by_nothing (path);
  fail_unless_equals_int (symlink ("nowhere", path), 0);
}

static void
replace_by_escape (const gchar *path)
{
  replace_by_nothing (path);
  fail_unless_equals_int (symlink ("../../../../etc/passwd", path), 0);
}

static void
replace_by_folder (const gchar *path)
{
  replace_by_nothing (path);
  fail_unless_equals_int (mkdir (path, 0700), 0);
}

static void
replace_by_fifo (const gchar *path)
{
  replace_by_nothing (path);
  fail_unless_equals_int (mkfifo (path, 0600), 0);
}

static void
replace_by_empty (const gchar *path)
{
  fail_unless_equals_int (truncate (path, 0), 0);
}

/* Sparse: takes no room. */
static void
replace_by_huge (const gchar *path)
{
  fail_unless_equals_int (truncate (path, G_GINT64_CONSTANT (1) << 40), 0);
}

GST_START_TEST (test_no_regular_file)
{
  static const struct {
    void (*replace) (const gchar *path);
    NpuDesignError code;
    const gchar *expected;
  } cases[] = {
    { replace_by_nothing, NOT_FOUND, "no such file" },
    { replace_by_link, UNREADABLE, "a symbolic link" },
    { replace_by_dangling_link, UNREADABLE, "a symbolic link" },
    { replace_by_escape, UNREADABLE, "a symbolic link" },
    { replace_by_folder, UNREADABLE, "not a regular file" },
    { replace_by_fifo, UNREADABLE, "not a regular file" },
    { replace_by_empty, CORRUPT, "the file is empty" },
    { replace_by_huge, UNREADABLE, "are too many" },
  };
  guint i, j;

  for (i = 0; i <= G_N_ELEMENTS (files); i++) {
    const gchar *name = i < G_N_ELEMENTS (files) ? files[i] : "manifest.json";

    for (j = 0; j < G_N_ELEMENTS (cases); j++) {
      gchar *folder = put (NULL), *path;

      path = g_build_filename (folder, name, NULL);
      cases[j].replace (path);
      assert_refused (name, cases[j].code, name, cases[j].expected);
      fixture_folder_remove ();
      g_free (path);
      g_free (folder);
    }
  }
  design_assert_count (5 * G_N_ELEMENTS (cases));
}
GST_END_TEST;

/* What the system refuses, for root too: no file may be opened any more. */
GST_START_TEST (test_unreadable)
{
  gint next = dup (0);
  struct rlimit limit;
  rlim_t before;

  g_free (put (NULL));
  fail_unless_equals_int (getrlimit (RLIMIT_NOFILE, &limit), 0);
  fail_unless (next >= 0 && close (next) == 0);
  before = limit.rlim_cur;
  limit.rlim_cur = next + 1;
  fail_unless_equals_int (setrlimit (RLIMIT_NOFILE, &limit), 0);
  assert_refused ("file", UNREADABLE, "manifest.json", "cannot be read: ");
  limit.rlim_cur = next;
  fail_unless_equals_int (setrlimit (RLIMIT_NOFILE, &limit), 0);
  assert_refused ("folder", UNREADABLE, NULL, "cannot be opened: ");
  limit.rlim_cur = before;
  fail_unless_equals_int (setrlimit (RLIMIT_NOFILE, &limit), 0);
}
GST_END_TEST;

/* ---- files other than the manifest's ---- */

static GByteArray *
bytes_of (guint i)
{
  GByteArray *all[] = { design->xclbin->bytes, design->copy->bytes,
    design->mix->bytes, design->answer };

  return all[i];
}

/* One bit of any byte of any file. */
GST_START_TEST (test_hashes)
{
  guint i, j, n = 0;

  for (i = 0; i < G_N_ELEMENTS (files); i++) {
    GByteArray *bytes = bytes_of (i);
    gchar *name = g_strconcat ("test/", files[i], NULL);

    g_free (put (NULL));
    for (j = 0; j < bytes->len; j += 1 + bytes->len / 64) {
      bytes->data[j] ^= 1 << j % 8;
      g_free (fixture_write (name, bytes->data, bytes->len));
      assert_refused (name, MISMATCH, files[i], "its SHA-256 is");
      bytes->data[j] ^= 1 << j % 8;
      n++;
    }
    g_free (name);
  }
  design_assert_count (n);
  fail_unless (n > 150, "%u", n);
}
GST_END_TEST;

GST_START_TEST (test_lengths)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (files); i++) {
    GByteArray *bytes = bytes_of (i);
    gchar *name = g_strconcat ("test/", files[i], NULL);

    g_free (put (NULL));
    g_free (fixture_write (name, bytes->data, bytes->len - 1));
    assert_refused (name, MISMATCH, files[i], "bytes, but the manifest says");
    g_byte_array_append (bytes, (const guint8 *) "", 1);
    g_free (fixture_write (name, bytes->data, bytes->len));
    assert_refused (name, MISMATCH, files[i], "bytes, but the manifest says");
    g_byte_array_set_size (bytes, bytes->len - 1);
    g_free (name);
  }
  design_assert_count (8);
}
GST_END_TEST;

/* ---- sound hashes of files that do not fit ---- */

/* A change of the manifest alone. */
GST_START_TEST (test_claims)
{
  static const struct {
    const gchar *old, *by;
    NpuDesignError code;
    const gchar *name, *expected;
  } cases[] = {
    { "\"columns\": 2", "\"columns\": 1", MISMATCH, "test.xclbin",
        "column_width is 2" },
    { "\"columns\": 2", "\"columns\": 4", MISMATCH, "test.xclbin",
        "column_width is 2" },
    { "\"kernel\": \"MLIR_AIE\"", "\"kernel\": \"OTHER\"", CORRUPT,
        "test.xclbin", "no kernel \"OTHER\"" },
    { "\"generation\": 3", "\"generation\": 4", MISMATCH, "copy.bin",
        "device generation is 3" },
    { "\"file\": \"test.xclbin\"", "\"file\": \"other.xclbin\"", NOT_FOUND,
        "other.xclbin", "no such file" },
    { "\"direction\": \"inout\", \"type\": \"f32\", \"shape\": [4, 4], "
      "\"bytes\": 64 }",
        "\"direction\": \"inout\", \"type\": \"f32\", \"shape\": [4, 4], "
        "\"bytes\": 64 }, { \"name\": \"d\", \"kind\": \"data\", "
        "\"direction\": \"in\", \"type\": \"int32\", \"shape\": [1], "
        "\"bytes\": 4 }",
        MISMATCH, "mix.bin",
        "no operation uses argument 4, which the manifest calls \"d\"" },
    { "        { \"name\": \"t\", \"kind\": \"scratch\", \"direction\": "
      "\"inout\", \"type\": \"uint8\", \"shape\": [128], \"bytes\": 128 },\n",
        "", CORRUPT, "mix.bin", "argument is 3, but there are 3 buffers" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gchar *sound = design_fixture_manifest (design);

    g_free (put (design_replace (sound, cases[i].old, cases[i].by)));
    assert_refused (
        cases[i].by, cases[i].code, cases[i].name, cases[i].expected);
    g_free (sound);
  }
  design_assert_count (G_N_ELEMENTS (cases));
}
GST_END_TEST;

/* Six buffers, where the kernel takes five. */
GST_START_TEST (test_too_many_buffers)
{
  GString *arguments = g_string_new ("\"bytes\": 64 }");
  gchar *sound = design_fixture_manifest (design), *wrong;
  const gchar *last = "\"shape\": [4, 4], \"bytes\": 64 }";
  guint i;

  g_string_prepend (arguments, "\"shape\": [4, 4], ");
  for (i = 0; i < 2; i++)
    g_string_append_printf (arguments,
        ", { \"name\": \"x%u\", \"kind\": \"data\", \"direction\": \"in\", "
        "\"type\": \"int32\", \"shape\": [1], \"bytes\": 4 }",
        i);
  wrong = design_replace (sound, last, arguments->str);
  g_free (put (wrong));
  assert_refused ("six", MISMATCH, "test.xclbin",
      "takes 5 buffers, but the manifest lists 6");
  g_free (sound);
  g_string_free (arguments, TRUE);
}
GST_END_TEST;

/* A file that is not sound, although the manifest vouches for it. */
GST_START_TEST (test_unsound)
{
  design_bytes_set (design->xclbin, "column_width", 0, 9);
  g_free (put (NULL));
  assert_refused ("width", CORRUPT, "test.xclbin", "column_width is 9");
  design_bytes_set (design->xclbin, "column_width", 0, 2);
  design_bytes_set (design->mix, "argument", 1, 0);
  g_free (put (NULL));
  assert_refused ("argument", MISMATCH, "mix.bin", "no operation uses");
  design_bytes_set (design->copy, "column", 0, 7);
  g_free (put (NULL));
  assert_refused ("column", CORRUPT, "copy.bin", "column 7");
  design_assert_count (3);
}
GST_END_TEST;

static Suite *
npudesign_suite (void)
{
  Suite *suite = suite_create ("npudesign");
  TCase *sound = tcase_create ("sound"), *forged = tcase_create ("forged");

  suite_add_tcase (suite, sound);
  tcase_add_checked_fixture (sound, setup, teardown);
  tcase_add_test (sound, test_sound);
  tcase_add_test (sound, test_copies);
  tcase_add_test (sound, test_linked_folder);
  suite_add_tcase (suite, forged);
  tcase_add_checked_fixture (forged, setup, teardown);
  tcase_add_test (forged, test_no_folder);
  tcase_add_test (forged, test_no_regular_file);
  tcase_add_test (forged, test_unreadable);
  tcase_add_test (forged, test_hashes);
  tcase_add_test (forged, test_lengths);
  tcase_add_test (forged, test_claims);
  tcase_add_test (forged, test_too_many_buffers);
  tcase_add_test (forged, test_unsound);
  return suite;
}

GST_CHECK_MAIN (npudesign);
