/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrtmodule.c: the module is found, and what is not one is refused with what
 * the user can do.  Needs no XRT.
 */
#include <gst/check/gstcheck.h>
#include <string.h>

#include "npuxrtmodule.h"

static gchar *before;

static void
setup (void)
{
  before = g_strdup (g_getenv ("NPU_XRT_MODULE"));
}

static void
teardown (void)
{
  if (before != NULL)
    g_setenv ("NPU_XRT_MODULE", before, TRUE);
  else
    g_unsetenv ("NPU_XRT_MODULE");
  g_clear_pointer (&before, g_free);
}

static void
check_refused (const gchar *path, NpuXrtModuleError code, const gchar *part)
{
  GError *error = NULL;

  if (path != NULL)
    g_setenv ("NPU_XRT_MODULE", path, TRUE);
  else
    g_unsetenv ("NPU_XRT_MODULE");
  fail_unless (npu_xrt_module_open (&error) == NULL);
  fail_unless (g_error_matches (error, NPU_XRT_MODULE_ERROR, code), "%s",
      error->message);
  fail_unless (strstr (error->message, part) != NULL, "no %s in: %s", part,
      error->message);
  g_clear_error (&error);
}

GST_START_TEST (test_missing)
{
  check_refused ("/nowhere/there is no module.so", NPU_XRT_MODULE_ERROR_MISSING,
      "libxrt-dev");
}
GST_END_TEST;

GST_START_TEST (test_something_else)
{
  /* No library at all, and one that is not ours. */
  check_refused (g_getenv ("NPU_TEST_TEXT"), NPU_XRT_MODULE_ERROR_LOAD,
      "cannot be loaded");
  check_refused (g_getenv ("NPU_TEST_LIBRARY"), NPU_XRT_MODULE_ERROR_LOAD,
      "is not gst-npu's module");
  check_refused ("/", NPU_XRT_MODULE_ERROR_LOAD, "cannot be loaded");
}
GST_END_TEST;

GST_START_TEST (test_other_build)
{
  check_refused (g_getenv ("NPU_TEST_OTHER_MODULE"),
      NPU_XRT_MODULE_ERROR_VERSION, "same build");
}
GST_END_TEST;

/* It is there once, however often it is opened, and stays. */
GST_START_TEST (test_same_build)
{
  const NpuXrtApi *api;
  GError *error = NULL;

  g_setenv ("NPU_XRT_MODULE", g_getenv ("NPU_TEST_SAME_MODULE"), TRUE);
  api = npu_xrt_module_open (&error);
  fail_unless (api != NULL, "%s", error ? error->message : "no error");
  fail_unless_equals_string (api->xrt, "none");
  fail_unless (npu_xrt_module_open (NULL) == api);
}
GST_END_TEST;

static Suite *
npuxrtmodule_suite (void)
{
  Suite *suite = suite_create ("npuxrtmodule");
  TCase *tcase = tcase_create ("module");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_missing);
  tcase_add_test (tcase, test_something_else);
  tcase_add_test (tcase, test_other_build);
  tcase_add_test (tcase, test_same_build);
  return suite;
}

GST_CHECK_MAIN (npuxrtmodule);
