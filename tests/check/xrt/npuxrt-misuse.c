/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrt-misuse.c: what XRT would answer with a crash, with lost results or not
 * at all is refused by the bridge, with the reason; and all works afterwards.
 */
#include <errno.h>
#include <string.h>

#include "xrtfixture.h"

static Xrt f;
static NpuXrtRun *run;

static void
setup (void)
{
  xrt_init (&f);
  run = xrt_run_new (&f);
}

/* Whatever was refused has changed nothing. */
static void
teardown (void)
{
  NpuXrtState state;

  xrt_check_ok (&f, f.api->run_start (run, &f.error));
  xrt_check_ok (&f, f.api->run_wait (run, 250, &state, &f.error));
  fail_unless_equals_int (state, NPU_XRT_STATE_COMPLETED);
  xrt_check_ok (&f, f.api->run_free (run, &f.error));
  xrt_clear (&f);
}

static void
refused (gint code, gint wanted, const gchar *part)
{
  xrt_check_refused (&f, code, wanted, part);
}

GST_START_TEST (test_nothing_given)
{
  const NpuXrtApi *api = f.api;
  NpuXrtError *e = &f.error;
  NpuXrtState state;
  NpuXrtContext *context;
  NpuXrtKernel *kernel;
  NpuXrtBuffer *buffer;
  NpuXrtRun *other;
  NpuXrtArg arg;
  void *memory;
  guint n;

  refused (api->device_count (NULL, e), EINVAL, "no place");
  refused (api->device_open (0, NULL, e), EINVAL, "no place");
  refused (api->device_close (NULL, e), EINVAL, "no device");
  refused (api->context_open (NULL, "", 1, &context, e), EINVAL, "no device");
  refused (
      api->context_open (f.device, NULL, 1, &context, e), EINVAL, "no xclbin");
  refused (api->context_close (NULL, e), EINVAL, "no context");
  refused (api->kernel_open (NULL, "", &kernel, e), EINVAL, "no context");
  refused (api->kernel_open (f.context, NULL, &kernel, e), EINVAL, "no name");
  refused (api->kernel_close (NULL, e), EINVAL, "no kernel");
  refused (api->kernel_n_args (NULL, &n, e), EINVAL, "no kernel");
  refused (api->kernel_arg (NULL, 0, &arg, e), EINVAL, "no kernel");
  refused (api->kernel_arg (f.kernel, 0, NULL, e), EINVAL, "no place");
  refused (
      api->buffer_new (NULL, NPU_XRT_BUFFER_HOST_ONLY, 0, NULL, 1, &buffer, e),
      EINVAL, "no context");
  refused (api->buffer_free (NULL, e), EINVAL, "no buffer");
  refused (api->buffer_map (NULL, &memory, e), EINVAL, "no buffer");
  refused (
      api->buffer_sync (NULL, NPU_XRT_TO_DEVICE, 0, 1, e), EINVAL, "no buffer");
  refused (api->run_new (NULL, &other, e), EINVAL, "no kernel");
  refused (api->run_set_scalar (NULL, 0, "", 1, e), EINVAL, "no run");
  refused (api->run_set_scalar (run, 0, NULL, 8, e), EINVAL, "no value");
  refused (api->run_set_buffer (NULL, 1, f.in, e), EINVAL, "no run");
  refused (api->run_set_buffer (run, 1, NULL, e), EINVAL, "no buffer");
  refused (api->run_start (NULL, e), EINVAL, "no run");
  refused (api->run_wait (NULL, 1, &state, e), EINVAL, "no run");
  refused (api->run_state (NULL, &state, e), EINVAL, "no run");
  refused (api->run_abort (NULL, e), EINVAL, "no run");
  refused (api->run_free (NULL, e), EINVAL, "no run");
  /* Nor is a place for the error needed. */
  fail_unless_equals_int (api->run_free (NULL, NULL), EINVAL);
}
GST_END_TEST;

/* The rest of the checks of a file is the loader's. */
GST_START_TEST (test_bad_images)
{
  GByteArray *bytes = xclbin_fixture_new (XRT_KERNEL);
  NpuXrtContext *context = NULL;

  refused (f.api->context_open (f.device, bytes->data, 100, &context, &f.error),
      EINVAL, "100 bytes");
  refused (f.api->context_open (
               f.device, bytes->data, bytes->len - 1, &context, &f.error),
      EINVAL, "says that it has");
  bytes->data[0] = 'X';
  refused (f.api->context_open (
               f.device, bytes->data, bytes->len, &context, &f.error),
      EINVAL, "no xclbin");
  fail_unless (context == NULL);
  g_byte_array_unref (bytes);
}
GST_END_TEST;

/* Loading a second xclbin would take the first away from under its context. */
GST_START_TEST (test_second_context)
{
  NpuXrtContext *context = NULL;

  refused (f.api->context_open (
               f.device, f.xclbin->data, f.xclbin->len, &context, &f.error),
      EBUSY, "one context");
}
GST_END_TEST;

GST_START_TEST (test_unknown_kernel)
{
  NpuXrtKernel *kernel = NULL;

  refused (f.api->kernel_open (f.context, "matmul", &kernel, &f.error), ENOENT,
      "no kernel matmul, but " XRT_KERNEL);
  /* XRT's syntax for some of a kernel's instances. */
  refused (f.api->kernel_open (f.context, XRT_KERNEL ":{x}", &kernel, &f.error),
      ENOENT, "no kernel");
  refused (f.api->kernel_open (f.context, "", &kernel, &f.error), ENOENT,
      "no kernel");
  fail_unless (kernel == NULL);
}
GST_END_TEST;

GST_START_TEST (test_bad_buffers)
{
  g_autofree guint8 *memory = g_malloc (3 * NPU_XRT_PAGE_BYTES);
  guint8 *page =
      memory + NPU_XRT_PAGE_BYTES - (gsize) memory % NPU_XRT_PAGE_BYTES;
  const struct {
    gint kind;
    guint group;
    void *memory;
    gsize bytes;
    const gchar *part;
  } bad[] = {
    { NPU_XRT_BUFFER_HOST_ONLY, XCLBIN_DATA_BANK, NULL, 0, "0 bytes" },
    { NPU_XRT_BUFFER_HOST_ONLY, XCLBIN_DATA_BANK, NULL, G_MAXSIZE, "bytes" },
    { 2, XCLBIN_DATA_BANK, NULL, 64, "no kind" },
    { NPU_XRT_BUFFER_HOST_ONLY, 2, NULL, 64, "bank 2, slot 0" },
    { NPU_XRT_BUFFER_HOST_ONLY, 131072, NULL, 64, "bank 0, slot 2" },
    { NPU_XRT_BUFFER_HOST_ONLY, 131071, NULL, 64, "bank 65535, slot 1" },
    { NPU_XRT_BUFFER_HOST_ONLY, G_MAXUINT, NULL, 64, "bank 65535" },
    { NPU_XRT_BUFFER_HOST_ONLY, XCLBIN_DATA_BANK, page + 64, NPU_XRT_PAGE_BYTES,
        "whole pages" },
    { NPU_XRT_BUFFER_HOST_ONLY, XCLBIN_DATA_BANK, page, 64, "whole pages" },
    { NPU_XRT_BUFFER_CACHEABLE, XCLBIN_DATA_BANK, page, NPU_XRT_PAGE_BYTES,
        "host-only" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    NpuXrtBuffer *buffer = NULL;

    refused (f.api->buffer_new (f.context, bad[i].kind, bad[i].group,
                 bad[i].memory, bad[i].bytes, &buffer, &f.error),
        EINVAL, bad[i].part);
    fail_unless (buffer == NULL);
  }
}
GST_END_TEST;

/* What XRT throws arrives as what it is.  (2.13 has no use for host-only memory
 * of the caller's, which is all that an NPU takes.) */
GST_START_TEST (test_refused_by_xrt)
{
  gpointer page = g_aligned_alloc (1, NPU_XRT_PAGE_BYTES, NPU_XRT_PAGE_BYTES);
  NpuXrtBuffer *buffer = NULL;
  gint code;

  code = f.api->buffer_new (f.context, NPU_XRT_BUFFER_HOST_ONLY,
      XCLBIN_DATA_BANK, page, NPU_XRT_PAGE_BYTES, &buffer, &f.error);
  fail_unless_equals_int (code, EINVAL);
  fail_unless_equals_int (f.error.code, EINVAL);
  fail_unless (!f.error.refused && strstr (f.error.text, "userptr") != NULL,
      "%s", f.error.text);
  fail_unless (buffer == NULL);
  g_aligned_free (page);
}
GST_END_TEST;

GST_START_TEST (test_sync_outside)
{
  static const gsize bad[][2] = { { 0, 0 }, { 0, XRT_BUFFER_BYTES + 1 },
    { XRT_BUFFER_BYTES, 1 }, { 1, XRT_BUFFER_BYTES }, { 64, G_MAXSIZE },
    { G_MAXSIZE, 64 } };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    refused (f.api->buffer_sync (
                 f.in, NPU_XRT_TO_DEVICE, bad[i][0], bad[i][1], &f.error),
        EINVAL, "not in a buffer of 4096");
  refused (
      f.api->buffer_sync (f.in, 2, 0, 1, &f.error), EINVAL, "no direction");
}
GST_END_TEST;

GST_START_TEST (test_bad_arguments)
{
  const NpuXrtApi *api = f.api;
  guint64 value = 3;

  /* An index that there is not, also for XRT's signed numbers. */
  refused (api->run_set_scalar (run, XCLBIN_N_ARGS, &value, 4, &f.error),
      EINVAL, "no argument 6");
  refused (api->run_set_buffer (run, G_MAXUINT, f.in, &f.error), EINVAL,
      "no argument");
  /* A width that would go over the next argument, or fill half of this. */
  refused (
      api->run_set_scalar (run, XCLBIN_ARG_N_INSTRUCTIONS, &value, 8, &f.error),
      EINVAL, "(ninstr) has 4 bytes, not 8");
  refused (api->run_set_scalar (run, XCLBIN_ARG_OPCODE, &value, 4, &f.error),
      EINVAL, "(opcode) has 8 bytes, not 4");
  /* The wrong kind. */
  refused (api->run_set_scalar (run, XCLBIN_ARG_IN, &value, 8, &f.error),
      EINVAL, "(bo0) is a buffer");
  refused (api->run_set_buffer (run, XCLBIN_ARG_OPCODE, f.in, &f.error), EINVAL,
      "(opcode) is a scalar");
  refused (api->run_set_buffer (run, XCLBIN_ARG_CONTROL, f.in, &f.error),
      EINVAL, "(ctrl) is a scalar");
  /* The wrong bank. */
  refused (api->run_set_buffer (run, XCLBIN_ARG_INSTRUCTIONS, f.in, &f.error),
      EINVAL, "group 1, this one is of 0");
  refused (api->run_set_buffer (run, XCLBIN_ARG_IN, f.instructions, &f.error),
      EINVAL, "group 0, this one is of 1");
}
GST_END_TEST;

GST_START_TEST (test_missing_arguments)
{
  NpuXrtRun *empty;
  guint64 opcode = 3;

  xrt_check_ok (&f, f.api->run_new (f.kernel, &empty, &f.error));
  refused (f.api->run_start (empty, &f.error), EINVAL, "argument 0 (opcode)");
  xrt_check_ok (&f, f.api->run_set_scalar (empty, XCLBIN_ARG_OPCODE, &opcode,
                        sizeof opcode, &f.error));
  xrt_check_ok (
      &f, f.api->run_set_buffer (empty, XCLBIN_ARG_IN, f.in, &f.error));
  refused (f.api->run_start (empty, &f.error), EINVAL, "argument 1 (instr)");
  xrt_check_ok (&f, f.api->run_free (empty, &f.error));
}
GST_END_TEST;

GST_START_TEST (test_in_flight)
{
  NpuXrtState state;
  guint32 n = 4;

  refused (f.api->run_wait (run, 250, &state, &f.error), EINVAL, "started");
  refused (f.api->run_abort (run, &f.error), EINVAL, "not in flight");
  xrt_check_ok (&f, f.api->run_state (run, &state, &f.error));
  fail_unless_equals_int (state, NPU_XRT_STATE_NEW);
  xrt_check_ok (&f, f.api->run_start (run, &f.error));

  refused (f.api->run_start (run, &f.error), EBUSY, "in flight");
  refused (f.api->run_set_scalar (
               run, XCLBIN_ARG_N_INSTRUCTIONS, &n, sizeof n, &f.error),
      EBUSY, "in flight");
  refused (f.api->run_set_buffer (run, XCLBIN_ARG_IN, f.in, &f.error), EBUSY,
      "in flight");
  refused (f.api->run_wait (run, 0, &state, &f.error), EINVAL, "0 ms");
  refused (f.api->run_wait (run, 251, &state, &f.error), EINVAL, "251 ms");
  refused (f.api->run_wait (run, 1, NULL, &f.error), EINVAL, "no place");

  xrt_check_ok (&f, f.api->run_wait (run, 1, &state, &f.error));
  fail_unless_equals_int (state, NPU_XRT_STATE_COMPLETED);
  /* What has ended stays so. */
  xrt_check_ok (&f, f.api->run_wait (run, 1, &state, &f.error));
  fail_unless_equals_int (state, NPU_XRT_STATE_COMPLETED);
}
GST_END_TEST;

GST_START_TEST (test_closed_too_early)
{
  refused (f.api->device_close (f.device, &f.error), EBUSY, "1 contexts");
  refused (f.api->context_close (f.context, &f.error), EBUSY, "4 of its");
  refused (f.api->kernel_close (f.kernel, &f.error), EBUSY, "1 of its runs");
}
GST_END_TEST;

static Suite *
npuxrt_misuse_suite (void)
{
  Suite *suite = suite_create ("npuxrt-misuse");
  TCase *tcase = tcase_create ("misuse");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_nothing_given);
  tcase_add_test (tcase, test_bad_images);
  tcase_add_test (tcase, test_second_context);
  tcase_add_test (tcase, test_unknown_kernel);
  tcase_add_test (tcase, test_bad_buffers);
  tcase_add_test (tcase, test_refused_by_xrt);
  tcase_add_test (tcase, test_sync_outside);
  tcase_add_test (tcase, test_bad_arguments);
  tcase_add_test (tcase, test_missing_arguments);
  tcase_add_test (tcase, test_in_flight);
  tcase_add_test (tcase, test_closed_too_early);
  return suite;
}

int
main (int argc, char **argv)
{
  return xrt_main (argc, argv, npuxrt_misuse_suite, "npuxrt_misuse", 0);
}
