/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xrtfixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define TEST_SKIPPED 77

void
xrt_check_ok (const Xrt *f, gint code)
{
  fail_unless (code == 0, "%d: %s", code, f->error.text);
  fail_unless_equals_int (f->error.code, 0);
}

void
xrt_check_refused (const Xrt *f, gint code, gint wanted, const gchar *part)
{
  fail_unless (
      code == wanted, "%d instead of %d: %s", code, wanted, f->error.text);
  fail_unless_equals_int (f->error.code, code);
  fail_unless (f->error.refused, "XRT said this: %s", f->error.text);
  fail_unless (strstr (f->error.text, part) != NULL, "no %s in: %s", part,
      f->error.text);
}

static NpuXrtBuffer *
new_buffer (Xrt *f, gint kind, guint index)
{
  NpuXrtBuffer *buffer;
  NpuXrtArg arg;

  xrt_check_ok (f, f->api->kernel_arg (f->kernel, index, &arg, &f->error));
  xrt_check_ok (f, f->api->buffer_new (f->context, kind, arg.group, NULL,
                       XRT_BUFFER_BYTES, &buffer, &f->error));
  return buffer;
}

void
xrt_init (Xrt *f)
{
  GError *error = NULL;

  memset (f, 0, sizeof *f);
  f->api = npu_xrt_module_open (&error);
  fail_unless (f->api != NULL, "%s", error ? error->message : "no error");
  f->xclbin = xclbin_fixture_new (XRT_KERNEL);
  xrt_check_ok (f, f->api->device_open (0, &f->device, &f->error));
  xrt_check_ok (f, f->api->context_open (f->device, f->xclbin->data,
                       f->xclbin->len, &f->context, &f->error));
  xrt_check_ok (
      f, f->api->kernel_open (f->context, XRT_KERNEL, &f->kernel, &f->error));
  f->instructions =
      new_buffer (f, NPU_XRT_BUFFER_CACHEABLE, XCLBIN_ARG_INSTRUCTIONS);
  f->in = new_buffer (f, NPU_XRT_BUFFER_HOST_ONLY, XCLBIN_ARG_IN);
  f->out = new_buffer (f, NPU_XRT_BUFFER_HOST_ONLY, XCLBIN_ARG_OUT);
}

void
xrt_clear (Xrt *f)
{
  xrt_check_ok (f, f->api->buffer_free (f->out, &f->error));
  xrt_check_ok (f, f->api->buffer_free (f->in, &f->error));
  xrt_check_ok (f, f->api->buffer_free (f->instructions, &f->error));
  xrt_check_ok (f, f->api->kernel_close (f->kernel, &f->error));
  xrt_check_ok (f, f->api->context_close (f->context, &f->error));
  xrt_check_ok (f, f->api->device_close (f->device, &f->error));
  g_byte_array_unref (f->xclbin);
}

NpuXrtRun *
xrt_run_new (Xrt *f)
{
  guint64 opcode = 3;
  guint32 n_instructions = XRT_BUFFER_BYTES, control = 0;
  NpuXrtRun *run;

  xrt_check_ok (f, f->api->run_new (f->kernel, &run, &f->error));
  xrt_check_ok (f, f->api->run_set_scalar (run, XCLBIN_ARG_OPCODE, &opcode,
                       sizeof opcode, &f->error));
  xrt_check_ok (f, f->api->run_set_buffer (run, XCLBIN_ARG_INSTRUCTIONS,
                       f->instructions, &f->error));
  xrt_check_ok (f, f->api->run_set_scalar (run, XCLBIN_ARG_N_INSTRUCTIONS,
                       &n_instructions, sizeof n_instructions, &f->error));
  xrt_check_ok (
      f, f->api->run_set_buffer (run, XCLBIN_ARG_IN, f->in, &f->error));
  xrt_check_ok (
      f, f->api->run_set_buffer (run, XCLBIN_ARG_OUT, f->out, &f->error));
  xrt_check_ok (f, f->api->run_set_scalar (run, XCLBIN_ARG_CONTROL, &control,
                       sizeof control, &f->error));
  return run;
}

/* The folder of the XRT that came with the module, or NULL. */
static gchar *
find_xrt_folder (void)
{
  g_autofree gchar *maps = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL))
    return NULL;
  lines = g_strsplit (maps, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (strstr (lines[i], "/libxrt_coreutil.so") != NULL)
      return g_path_get_dirname (strchr (lines[i], '/'));
  return NULL;
}

static gboolean
has_emulation (const gchar *folder)
{
  g_autofree gchar *path = g_build_filename (folder, "libxrt_noop.so.2", NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* XRT looks for its drivers in $XILINX_XRT/lib, and there is no folder for
 * which that is so where they are in /usr/lib/<architecture>. */
static void
make_prefix (const gchar *prefix, const gchar *folder, guint delay_ms)
{
  g_autofree gchar *lib = g_build_filename (prefix, "lib", NULL);
  g_autofree gchar *ini = g_build_filename (prefix, "xrt.ini", NULL);
  g_autofree gchar *text = g_strdup_printf (
      "[Runtime]\nnoop_completion_delay_us=%u\n", 1000 * delay_ms);

  g_assert (symlink (folder, lib) == 0);
  g_assert (g_file_set_contents (ini, text, -1, NULL));
  g_setenv ("XILINX_XRT", prefix, TRUE);
  g_setenv ("XRT_INI_PATH", ini, TRUE);
  g_setenv ("XCL_EMULATION_MODE", "noop", TRUE);
}

static void
remove_prefix (const gchar *prefix)
{
  g_autofree gchar *lib = g_build_filename (prefix, "lib", NULL);
  g_autofree gchar *ini = g_build_filename (prefix, "xrt.ini", NULL);

  g_unlink (lib);
  g_unlink (ini);
  g_rmdir (prefix);
}

gint
xrt_main (gint argc, gchar **argv, Suite *(*make_suite) (void),
    const gchar *name, guint delay_ms)
{
  const gchar *module = g_getenv ("NPU_XRT_MODULE");
  g_autofree gchar *prefix = NULL;
  g_autofree gchar *folder = NULL;
  gint failed;

  if (module == NULL || *module == '\0') {
    g_print ("skipped: built without XRT (docs/npu.md says how)\n");
    return TEST_SKIPPED;
  }
  gst_check_init (&argc, &argv);
  /* Loads XRT, and calls nothing in it yet. */
  g_assert (npu_xrt_module_open (NULL) != NULL);
  folder = find_xrt_folder ();
  if (folder == NULL || !has_emulation (folder)) {
    g_print ("skipped: this XRT has no emulation \"noop\" (2.13 has)\n");
    return TEST_SKIPPED;
  }
  prefix = g_dir_make_tmp ("npu-xrt-XXXXXX", NULL);
  g_assert (prefix != NULL);
  make_prefix (prefix, folder, delay_ms);
  failed = gst_check_run_suite (make_suite (), name, __FILE__);
  remove_prefix (prefix);
  return failed;
}
