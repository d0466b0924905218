/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where designs are looked for: each place, their order, and what is said of
 * what is skipped.
 */
#include <gst/check/gstcheck.h>
#include <string.h>
#include <unistd.h>

#include "designfixture.h"
#include "npudesignsearch.h"

static const gchar *const variables[] = { "NPU_DESIGN_PATH", "XDG_DATA_HOME",
  "HOME" };
static gchar *saved[G_N_ELEMENTS (variables)];

static DesignFixture *design;
static GPtrArray *candidates;

static void
set_variable (const gchar *variable, const gchar *name)
{
  gchar *path = fixture_path (name);

  g_setenv (variable, path, TRUE);
  g_free (path);
}

/* Every test starts with places that do not exist. */
static void
setup (void)
{
  guint i;

  design = design_fixture_new ();
  for (i = 0; i < G_N_ELEMENTS (variables); i++)
    saved[i] = g_strdup (g_getenv (variables[i]));
  g_unsetenv ("NPU_DESIGN_PATH");
  set_variable ("XDG_DATA_HOME", "data");
  set_variable ("HOME", "home");
}

static void
teardown (void)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (variables); i++) {
    if (saved[i])
      g_setenv (variables[i], saved[i], TRUE);
    else
      g_unsetenv (variables[i]);
    g_clear_pointer (&saved[i], g_free);
  }
  g_clear_pointer (&candidates, g_ptr_array_unref);
  g_clear_pointer (&design, design_fixture_free);
  fixture_folder_remove ();
}

/* A design called @called in the folder @name. */
static void
put (const gchar *name, const gchar *called)
{
  gchar *sound = design_fixture_manifest (design);
  gchar *field = g_strdup_printf ("\"name\": \"%s\"", called);
  gchar *manifest = design_replace (sound, "\"name\": \"test\"", field);

  g_free (design_fixture_write (design, name, manifest));
  g_free (manifest);
  g_free (field);
  g_free (sound);
}

static void
search (void)
{
  gchar *installed = fixture_path ("lib/designs");

  g_clear_pointer (&candidates, g_ptr_array_unref);
  candidates = npu_design_search (installed);
  g_free (installed);
}

/* Candidate @i is @name at @place: loaded, or skipped for @reason. */
static void
assert_candidate (
    guint i, NpuDesignPlace place, const gchar *name, const gchar *reason)
{
  NpuDesignCandidate *candidate;
  gchar *path = fixture_path (name);

  fail_unless (i < candidates->len, "%u candidates", candidates->len);
  candidate = g_ptr_array_index (candidates, i);
  fail_unless_equals_int (candidate->place, place);
  if (place != NPU_DESIGN_PLACE_VARIABLE || *name)
    fail_unless_equals_string (candidate->path, path);
  fail_unless ((candidate->design != NULL) == (reason == NULL), "%s: %s", path,
      candidate->reason);
  fail_unless ((candidate->design != NULL) == (candidate->reason == NULL));
  if (reason)
    fail_unless (strstr (candidate->reason, reason) != NULL, "%s: %s", path,
        candidate->reason);
  g_free (path);
}

GST_START_TEST (test_nothing)
{
  search ();
  fail_unless_equals_int (candidates->len, 3);
  assert_candidate (0, NPU_DESIGN_PLACE_VARIABLE, "", "not set");
  assert_candidate (
      1, NPU_DESIGN_PLACE_DATA, "data/gst-npu/designs", "no such folder");
  assert_candidate (
      2, NPU_DESIGN_PLACE_INSTALLED, "lib/designs", "no such folder");
  fail_unless (npu_design_search_find (candidates, "test", 3) == NULL);
  fail_unless_equals_string (
      npu_design_place_name (NPU_DESIGN_PLACE_VARIABLE), "NPU_DESIGN_PATH");
}
GST_END_TEST;

/* Where this build would install designs. */
GST_START_TEST (test_installed)
{
  NpuDesignCandidate *last;

  candidates = npu_design_search (NULL);
  last = g_ptr_array_index (candidates, candidates->len - 1);
  fail_unless_equals_int (last->place, NPU_DESIGN_PLACE_INSTALLED);
  fail_unless (g_path_is_absolute (last->path));
  fail_unless (strstr (last->path, "/gst-npu/designs") != NULL);
}
GST_END_TEST;

GST_START_TEST (test_places)
{
  put ("mine/b", "gemm");
  put ("mine/a", "mel");
  put ("data/gst-npu/designs/gemm", "gemm");
  put ("data/gst-npu/designs/norm", "layernorm");
  put ("lib/designs/mel", "mel");
  put ("lib/designs/attention", "attention");
  set_variable ("NPU_DESIGN_PATH", "mine");
  search ();
  fail_unless_equals_int (candidates->len, 6);
  assert_candidate (0, NPU_DESIGN_PLACE_VARIABLE, "mine/a", NULL);
  assert_candidate (1, NPU_DESIGN_PLACE_VARIABLE, "mine/b", NULL);
  assert_candidate (2, NPU_DESIGN_PLACE_DATA, "data/gst-npu/designs/gemm",
      "design \"gemm\" for generation 3 was found in");
  assert_candidate (
      3, NPU_DESIGN_PLACE_DATA, "data/gst-npu/designs/norm", NULL);
  assert_candidate (
      4, NPU_DESIGN_PLACE_INSTALLED, "lib/designs/attention", NULL);
  assert_candidate (
      5, NPU_DESIGN_PLACE_INSTALLED, "lib/designs/mel", "mine/a before");
  fail_unless (g_str_has_suffix (
      npu_design_search_find (candidates, "gemm", 3)->folder, "mine/b"));
  fail_unless (npu_design_search_find (candidates, "gemm", 4) == NULL);
  fail_unless (npu_design_search_find (candidates, "norm", 3) == NULL);
}
GST_END_TEST;

/* Several folders, one of them a design; empty ones do not count. */
GST_START_TEST (test_path)
{
  gchar *one, *two, *none, *path;

  put ("one/x", "x");
  put ("two", "y");
  one = fixture_path ("one");
  two = fixture_path ("two");
  none = fixture_path ("none");
  path = g_strjoin (":", "", two, none, one, "", NULL);
  g_setenv ("NPU_DESIGN_PATH", path, TRUE);
  search ();
  fail_unless_equals_int (candidates->len, 5);
  assert_candidate (0, NPU_DESIGN_PLACE_VARIABLE, "two", NULL);
  assert_candidate (1, NPU_DESIGN_PLACE_VARIABLE, "none", "no such folder");
  assert_candidate (2, NPU_DESIGN_PLACE_VARIABLE, "one/x", NULL);
  g_free (path);
  g_free (one);
  g_free (two);
  g_free (none);
}
GST_END_TEST;

/* The same name for two devices is two designs. */
GST_START_TEST (test_generations)
{
  gchar *sound, *strix;

  put ("mine/phoenix", "test");
  design_bytes_set (design->copy, "generation", 0, 4);
  design_bytes_set (design->mix, "generation", 0, 4);
  sound = design_fixture_manifest (design);
  strix = design_replace (sound, "\"generation\": 3", "\"generation\": 4");
  g_free (design_fixture_write (design, "mine/strix", strix));
  set_variable ("NPU_DESIGN_PATH", "mine");
  search ();
  assert_candidate (0, NPU_DESIGN_PLACE_VARIABLE, "mine/phoenix", NULL);
  assert_candidate (1, NPU_DESIGN_PLACE_VARIABLE, "mine/strix", NULL);
  fail_unless (npu_design_search_find (candidates, "test", 4)
               != npu_design_search_find (candidates, "test", 3));
  g_free (strix);
  g_free (sound);
}
GST_END_TEST;

/* What is skipped does not hide what comes after it. */
GST_START_TEST (test_skipped)
{
  gchar *path;

  put ("mine/damaged", "test");
  g_free (fixture_write ("mine/damaged/copy.bin", "x", 1));
  g_free (fixture_write ("mine/empty/README", "x", 1));
  g_free (fixture_write ("mine/README", "x", 1));
  path = fixture_path ("mine/linked/manifest.json");
  fail_unless_equals_int (symlink ("/dev/zero", path), 0);
  g_free (path);
  put ("lib/designs/test", "test");
  set_variable ("NPU_DESIGN_PATH", "mine");
  search ();
  fail_unless_equals_int (candidates->len, 5);
  assert_candidate (0, NPU_DESIGN_PLACE_VARIABLE, "mine/damaged",
      "copy.bin: 1 bytes, but the manifest says 300");
  assert_candidate (1, NPU_DESIGN_PLACE_VARIABLE, "mine/empty",
      "manifest.json: no such file");
  assert_candidate (
      2, NPU_DESIGN_PLACE_VARIABLE, "mine/linked", "a symbolic link");
  assert_candidate (4, NPU_DESIGN_PLACE_INSTALLED, "lib/designs/test", NULL);
  fail_unless (g_str_has_suffix (
      npu_design_search_find (candidates, "test", 3)->folder, "designs/test"));
}
GST_END_TEST;

/* A relative XDG_DATA_HOME is ignored, as its specification says. */
GST_START_TEST (test_home)
{
  put ("home/.local/share/gst-npu/designs/test", "test");
  g_setenv ("XDG_DATA_HOME", "data", TRUE);
  search ();
  assert_candidate (
      1, NPU_DESIGN_PLACE_DATA, "home/.local/share/gst-npu/designs/test", NULL);
  g_unsetenv ("XDG_DATA_HOME");
  search ();
  assert_candidate (
      1, NPU_DESIGN_PLACE_DATA, "home/.local/share/gst-npu/designs/test", NULL);
}
GST_END_TEST;

GST_START_TEST (test_empty)
{
  g_free (fixture_write ("data/gst-npu/designs/README", "x", 1));
  search ();
  assert_candidate (
      1, NPU_DESIGN_PLACE_DATA, "data/gst-npu/designs", "no design in it");
}
GST_END_TEST;

static Suite *
npudesign_search_suite (void)
{
  Suite *suite = suite_create ("npudesign-search");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_nothing);
  tcase_add_test (tcase, test_installed);
  tcase_add_test (tcase, test_places);
  tcase_add_test (tcase, test_path);
  tcase_add_test (tcase, test_generations);
  tcase_add_test (tcase, test_skipped);
  tcase_add_test (tcase, test_home);
  tcase_add_test (tcase, test_empty);
  return suite;
}

GST_CHECK_MAIN (npudesign_search);
