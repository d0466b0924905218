/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrt.c: the bridge drives a real XRT through the whole sequence, and says
 * no to misuse before XRT sees it.
 *
 * The emulation computes nothing: what is shown is that module, symbols, order
 * of calls and lifetimes are right, against a library that no one here wrote.
 */
#include <errno.h>
#include <string.h>

#include "xrtfixture.h"

#define N_ROUNDS 20
#define N_IN_FLIGHT NPU_XRT_MAX_IN_FLIGHT

static NpuXrtState
wait_for (Xrt *f, NpuXrtRun *run)
{
  NpuXrtState state;

  do
    xrt_check_ok (
        f, f->api->run_wait (run, NPU_XRT_MAX_SLICE_MS, &state, &f->error));
  while (state < NPU_XRT_STATE_COMPLETED || state == NPU_XRT_STATE_SUBMITTED);
  return state;
}

static void
check_zeros (Xrt *f, NpuXrtBuffer *buffer)
{
  void *memory;

  xrt_check_ok (f, f->api->buffer_map (buffer, &memory, &f->error));
  for (guint i = 0; i < XRT_BUFFER_BYTES; i++)
    fail_unless_equals_int (((const guint8 *) memory)[i], 0);
}

/* Write, sync, start, wait, sync, as often as a stream would. */
GST_START_TEST (test_sequence)
{
  Xrt f;
  NpuXrtRun *run;
  void *in;

  xrt_init (&f);
  xrt_check_ok (&f, f.api->buffer_map (f.in, &in, &f.error));
  run = xrt_run_new (&f);
  for (guint round = 0; round < N_ROUNDS; round++) {
    memset (in, (gint) round + 1, XRT_BUFFER_BYTES);
    xrt_check_ok (&f, f.api->buffer_sync (f.in, NPU_XRT_TO_DEVICE, 0,
                          XRT_BUFFER_BYTES, &f.error));
    xrt_check_ok (&f, f.api->run_start (run, &f.error));
    fail_unless_equals_int (wait_for (&f, run), NPU_XRT_STATE_COMPLETED);
    xrt_check_ok (&f, f.api->buffer_sync (f.out, NPU_XRT_FROM_DEVICE, 0,
                          XRT_BUFFER_BYTES, &f.error));
    check_zeros (&f, f.out);
  }
  xrt_check_ok (&f, f.api->run_free (run, &f.error));
  xrt_clear (&f);
}
GST_END_TEST;

/* As many in flight as a context may have, again and again. */
GST_START_TEST (test_queue)
{
  Xrt f;
  NpuXrtRun *runs[N_IN_FLIGHT + 1];
  gint code;

  xrt_init (&f);
  for (guint i = 0; i <= N_IN_FLIGHT; i++)
    runs[i] = xrt_run_new (&f);
  for (guint round = 0; round < N_ROUNDS; round++) {
    for (guint i = 0; i < N_IN_FLIGHT; i++)
      xrt_check_ok (&f, f.api->run_start (runs[i], &f.error));
    code = f.api->run_start (runs[N_IN_FLIGHT], &f.error);
    xrt_check_refused (&f, code, EAGAIN, "in flight");
    for (guint i = 0; i < N_IN_FLIGHT; i++)
      fail_unless_equals_int (wait_for (&f, runs[i]), NPU_XRT_STATE_COMPLETED);
  }
  for (guint i = 0; i <= N_IN_FLIGHT; i++)
    xrt_check_ok (&f, f.api->run_free (runs[i], &f.error));
  xrt_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_arguments_are_described)
{
  static const struct {
    const gchar *name;
    gsize bytes;
    gboolean is_buffer;
    guint bank;
  } expected[XCLBIN_N_ARGS] = {
    { "opcode", 8, FALSE, 0 },
    { "instr", 8, TRUE, XCLBIN_INSTRUCTIONS_BANK },
    { "ninstr", 4, FALSE, 0 },
    { "bo0", 8, TRUE, XCLBIN_DATA_BANK },
    { "bo1", 8, TRUE, XCLBIN_DATA_BANK },
    { "ctrl", 4, FALSE, 0 },
  };
  NpuXrtArg arg;
  Xrt f;
  guint n;

  xrt_init (&f);
  xrt_check_ok (&f, f.api->kernel_n_args (f.kernel, &n, &f.error));
  fail_unless_equals_int (n, XCLBIN_N_ARGS);
  for (guint i = 0; i < n; i++) {
    xrt_check_ok (&f, f.api->kernel_arg (f.kernel, i, &arg, &f.error));
    fail_unless_equals_string (arg.name, expected[i].name);
    fail_unless_equals_uint64 (arg.bytes, expected[i].bytes);
    fail_unless_equals_int (arg.is_buffer, expected[i].is_buffer);
    fail_unless_equals_int (NPU_XRT_GROUP_BANK (arg.group), expected[i].bank);
  }
  xrt_check_refused (&f, f.api->kernel_arg (f.kernel, n, &arg, &f.error),
      EINVAL, "argument 6");
  xrt_clear (&f);
}
GST_END_TEST;

/* What XRT says is handed on; what it cannot say is an error, and no more. */
GST_START_TEST (test_device_info)
{
  gchar text[4096], start[8];
  gsize needed;
  guint count;
  gint code;
  Xrt f;

  xrt_init (&f);
  fail_unless (f.api->xrt[0] != '\0');
  xrt_check_ok (&f, f.api->device_count (&count, &f.error));
  xrt_check_ok (&f, f.api->device_info (f.device, NPU_XRT_INFO_HOST, text,
                        sizeof text, &needed, &f.error));
  fail_unless (strstr (text, "version") != NULL, "%s", text);
  fail_unless_equals_uint64 (needed, strlen (text) + 1);
  xrt_check_ok (&f, f.api->device_info (f.device, NPU_XRT_INFO_HOST, start,
                        sizeof start, &needed, &f.error));
  fail_unless_equals_uint64 (needed, strlen (text) + 1);
  fail_unless_equals_int (strlen (start), sizeof start - 1);

  code = f.api->device_info (
      f.device, NPU_XRT_INFO_BDF, text, sizeof text, NULL, &f.error);
  fail_unless (code != 0);
  fail_unless_equals_int (f.error.code, code);
  fail_unless (!f.error.refused && f.error.text[0] != '\0');
  xrt_check_refused (&f,
      f.api->device_info (f.device, 99, text, sizeof text, NULL, &f.error),
      EINVAL, "99");
  xrt_check_refused (&f,
      f.api->device_info (f.device, NPU_XRT_INFO_HOST, text, 0, NULL, &f.error),
      EINVAL, "0 bytes");
  xrt_clear (&f);
}
GST_END_TEST;

/* This XRT would look for its drivers nowhere. */
GST_START_TEST (test_prefix_is_not_set)
{
  g_autofree gchar *prefix = g_strdup (g_getenv ("XILINX_XRT"));
  NpuXrtDevice *device = NULL;
  guint count;
  Xrt f = { .api = npu_xrt_module_open (NULL) };

  g_unsetenv ("XILINX_XRT");
  xrt_check_refused (
      &f, f.api->device_count (&count, &f.error), ENOENT, "XILINX_XRT");
  xrt_check_refused (
      &f, f.api->device_open (0, &device, &f.error), ENOENT, "XILINX_XRT");
  fail_unless (device == NULL);
  g_setenv ("XILINX_XRT", prefix, TRUE);
  xrt_check_ok (&f, f.api->device_count (&count, &f.error));
}
GST_END_TEST;

static Suite *
npuxrt_suite (void)
{
  Suite *suite = suite_create ("npuxrt");
  TCase *tcase = tcase_create ("sequence");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_sequence);
  tcase_add_test (tcase, test_queue);
  tcase_add_test (tcase, test_arguments_are_described);
  tcase_add_test (tcase, test_device_info);
  tcase_add_test (tcase, test_prefix_is_not_set);
  return suite;
}

int
main (int argc, char **argv)
{
  return xrt_main (argc, argv, npuxrt_suite, "npuxrt", 0);
}
