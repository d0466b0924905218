/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gst-npu-bench: how fast this machine is, and that what it computes is right.
 *
 * Every row's output is checked before it is timed; a row whose output misses
 * its gate is marked failed and carries no time.
 * Exit status: 0 all passed, 1 a row failed (--list-models: no weights found),
 * 2 it could not be run.
 */
#include "npubench.h"

#include <string.h>

#define WARM_UPS 2

static gchar *opt_model, *opt_precision, *opt_isa;
static gint opt_threads, opt_runs = 9;
static gboolean opt_json, opt_list_models;

static const GOptionEntry options[] = {
  { "model", 'm', 0, G_OPTION_ARG_STRING, &opt_model,
      "Weights: a file or synthetic[:size] (default: search)", "MODEL" },
  { "precision", 'p', 0, G_OPTION_ARG_STRING, &opt_precision,
      "f32, bf16 or int8 (default: each)", "PRECISION" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &opt_threads,
      "Threads (default: 1, then all)", "N" },
  { "isa", 'i', 0, G_OPTION_ARG_STRING, &opt_isa,
      "Instruction set: c, avx2, avxvnni, avx512, avx512vnni, avx512bf16 "
      "(default: all fast ones)",
      "ISA" },
  { "runs", 'r', 0, G_OPTION_ARG_INT, &opt_runs,
      "Timed runs of each row (default: 9)", "N" },
  { "list-models", 'l', 0, G_OPTION_ARG_NONE, &opt_list_models,
      "Show which weights are found where, and why others are not used", NULL },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &opt_json, "Print JSON", NULL },
  G_OPTION_ENTRY_NULL
};

static WhisperModel *
open_model (GError **error)
{
  const gchar *data = g_getenv ("NPU_TEST_DATA");
  g_autofree gchar *golden = NULL;
  gboolean found;

  if (opt_model != NULL)
    return whisper_model_open (opt_model, error);
  if (data != NULL) {
    golden =
        g_build_filename (data, "whisper-base", "encoder.safetensors", NULL);
    if (g_file_test (golden, G_FILE_TEST_EXISTS))
      return whisper_model_open (golden, error);
  }
  return whisper_model_open_default (&found, error);
}

static gboolean
check_options (NpuPrecision *precision, GError **error)
{
  const gchar *wrong = NULL;

  *precision = NPU_PRECISION_AUTO;
  if (opt_precision != NULL
      && (!npu_precision_from_name (opt_precision, precision)
          || *precision == NPU_PRECISION_AUTO))
    wrong = "--precision is f32, bf16 or int8";
  else if (opt_threads < 0 || opt_threads > NPU_POOL_MAX_THREADS)
    wrong = "--threads is 1 to 256";
  else if (opt_runs < 1 || opt_runs > 10000)
    wrong = "--runs is 1 to 10000";
  if (wrong == NULL)
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, wrong);
  return FALSE;
}

/* The plain C kernels are the reference and measured only when asked for. */
static gboolean
is_wanted (const gchar *isa)
{
  NpuBackend *backend;

  if (opt_isa != NULL)
    return g_str_equal (isa, opt_isa);
  if (g_str_equal (isa, "c"))
    return FALSE;
  backend = npu_cpu_backend_new (isa, NULL);
  if (backend == NULL)
    return FALSE;
  backend->ops->free (backend);
  return TRUE;
}

static gboolean
run_precision (const BenchInput *input, BenchCase bench_case,
    NpuPrecision precision, GArray *rows, GError **error)
{
  guint all = npu_cpu_threads ();

  bench_case.precision = precision;
  if (opt_threads > 0)
    bench_case.threads = opt_threads;
  if (!bench_run_encoder (input, &bench_case, rows, error))
    return FALSE;
  bench_case.threads = all;
  return opt_threads > 0 || all == 1
         || bench_run_encoder (input, &bench_case, rows, error);
}

/* @precision: AUTO for all. */
static gboolean
run_isa (const BenchInput *input, const gchar *isa, NpuPrecision precision,
    GArray *rows, GError **error)
{
  BenchCase bench_case = { isa, NPU_PRECISION_F32, 1, WARM_UPS, opt_runs };

  if (!bench_run_mel (input, &bench_case, rows, error))
    return FALSE;
  for (NpuPrecision p = NPU_PRECISION_F32; p <= NPU_PRECISION_INT8; p++)
    if ((precision == NPU_PRECISION_AUTO || precision == p)
        && !run_precision (input, bench_case, p, rows, error))
      return FALSE;
  return TRUE;
}

static gboolean
run_all (const BenchInput *input, NpuPrecision precision, GArray *rows,
    GError **error)
{
  for (const gchar *const *isa = npu_kernels_isas (); *isa != NULL; isa++)
    if (is_wanted (*isa) && !run_isa (input, *isa, precision, rows, error))
      return FALSE;

  if (rows->len > 0)
    return TRUE;
  if (opt_isa != NULL) /* the same error as for a missing one */
    return run_isa (input, opt_isa, precision, rows, error);
  return run_isa (input, "c", precision, rows, error);
}

static gboolean
bench (GArray *rows, GError **error)
{
  NpuPrecision precision;
  WhisperModel *model;
  BenchInput *input;
  gboolean ok;

  if (!check_options (&precision, error))
    return FALSE;
  model = open_model (error);
  if (model == NULL)
    return FALSE;
  input = bench_input_new (model, error);
  if (input == NULL)
    return FALSE;

  ok = run_all (input, precision, rows, error);
  if (ok && opt_json)
    bench_print_json (input, rows);
  else if (ok)
    bench_print_table (input, rows);
  bench_input_free (input);
  return ok;
}

static gboolean
parse_options (gint *argc, gchar ***argv, GError **error)
{
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- measure log-mel and the Whisper encoder");

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc == 1)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "\"%s\" is not an option: see --help", (*argv)[1]);
  return FALSE;
}

static int
run_bench (void)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (BenchRow));
  g_autoptr (GError) error = NULL;

  if (!bench (rows, &error)) {
    g_printerr ("gst-npu-bench: %s\n", error->message);
    return 2;
  }
  for (guint i = 0; i < rows->len; i++)
    if (!g_array_index (rows, BenchRow, i).passed)
      return 1;
  return 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (!parse_options (&argc, &argv, &error)) {
    g_printerr ("gst-npu-bench: %s\n", error->message);
    return 2;
  }
  if (opt_list_models)
    return bench_list_models () ? 0 : 1;
  return run_bench ();
}
