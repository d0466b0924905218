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

#include "npucpu.h"

#define WARM_UPS 2

static gchar *opt_model, *opt_precision, *opt_isa;
static gint opt_threads, opt_runs = 9, opt_audio_ctx, opt_pipelines;
static gboolean opt_json, opt_list_models, opt_no_pipelines;
static gchar *opt_child, *opt_plot;

static const GOptionEntry options[] = {
  { "model", 'm', 0, G_OPTION_ARG_STRING, &opt_model,
      "Weights: a file or synthetic[:size] (default: search)", "MODEL" },
  { "precision", 'p', 0, G_OPTION_ARG_STRING, &opt_precision,
      "f32, bf16 or int8 (default: each)", "PRECISION" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &opt_threads,
      "Threads (default: 1, then all)", "N" },
  { "isa", 'i', 0, G_OPTION_ARG_STRING, &opt_isa,
      "Instruction set: c, avx2, avxvnni, avx512, avx512vnni, avx512bf16, "
      "amx (default: all fast ones)",
      "ISA" },
  { "audio-ctx", 'a', 0, G_OPTION_ARG_INT, &opt_audio_ctx,
      "Positions in a window (default: all that the model has)", "N" },
  { "runs", 'r', 0, G_OPTION_ARG_INT, &opt_runs,
      "Timed runs of each row (default: 9)", "N" },
  { "no-pipelines", 'n', 0, G_OPTION_ARG_NONE, &opt_no_pipelines,
      "Do not measure whole pipelines, which takes longest", NULL },
  { "list-models", 'l', 0, G_OPTION_ARG_NONE, &opt_list_models,
      "Show which weights are found where, and why others are not used", NULL },
  { "plot", 'o', 0, G_OPTION_ARG_FILENAME, &opt_plot,
      "Draw log-mel and encoder into a picture as well: FILE.svg or FILE.png",
      "FILE" },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &opt_json, "Print JSON", NULL },
  /* How it starts itself again. */
  { "child", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &opt_child,
      "Run pipelines on a sound file, and print what they took", "FILE" },
  { "pipelines", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &opt_pipelines,
      "How many", "N" },
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
  else if (opt_audio_ctx < 0)
    wrong = "--audio-ctx is a number of positions";
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

/* @precision: AUTO for all. */
static gboolean
run_encoders (const BenchInput *input, BenchCase bench_case, guint threads,
    NpuPrecision precision, GArray *rows, GError **error)
{
  gboolean ok =
      bench_peak_measure (bench_case.isa, threads, &bench_case.peak, error);

  bench_case.threads = threads;
  for (NpuPrecision p = NPU_PRECISION_F32; ok && p <= NPU_PRECISION_INT8; p++) {
    bench_case.precision = p;
    if (precision == NPU_PRECISION_AUTO || precision == p)
      ok = bench_run_encoder (input, &bench_case, rows, error);
  }
  return ok;
}

/* On one thread and on all, or on as many as asked for. */
static gboolean
run_isa (const BenchInput *input, const gchar *isa, NpuPrecision precision,
    GArray *rows, GError **error)
{
  BenchCase bench_case = { .isa = isa, .warm_ups = WARM_UPS, .runs = opt_runs };
  guint all = npu_cpu_threads ();

  if (!bench_run_mel (input, &bench_case, rows, error)
      || !bench_peak_measure (isa, 1, &bench_case.core_peak, error))
    return FALSE;
  if (opt_threads > 0)
    return run_encoders (
        input, bench_case, opt_threads, precision, rows, error);
  return run_encoders (input, bench_case, 1, precision, rows, error)
         && (all == 1
             || run_encoders (input, bench_case, all, precision, rows, error));
}

/* The instruction set that pipelines would use, or the one asked for. */
static gchar *
dup_pipelines_isa (GError **error)
{
  NpuBackend *backend = npu_cpu_backend_new (opt_isa, error);
  gchar *isa;

  if (backend == NULL)
    return NULL;
  isa = g_strdup (((NpuCpuBackend *) backend)->kernels.isa);
  backend->ops->free (backend);
  return isa;
}

/* On all threads, or as many as asked for. */
static gboolean
run_pipelines (const BenchInput *input, NpuPrecision precision, GArray *rows,
    GError **error)
{
  g_autofree gchar *isa = dup_pipelines_isa (error);
  BenchCase bench_case = { .threads = npu_cpu_threads (), .runs = opt_runs };
  BenchFiles *files = isa != NULL ? bench_files_new (input, error) : NULL;
  gboolean ok = files != NULL;

  bench_case.isa = g_intern_string (isa);
  if (opt_threads > 0)
    bench_case.threads = opt_threads;
  for (NpuPrecision p = NPU_PRECISION_F32; ok && p <= NPU_PRECISION_INT8; p++) {
    bench_case.precision = p;
    if (precision == NPU_PRECISION_AUTO || precision == p)
      ok = bench_run_pipelines (input, files, &bench_case, rows, error);
  }
  if (files != NULL)
    bench_files_free (files);
  return ok;
}

static gboolean
run_isas (const BenchInput *input, NpuPrecision precision, GArray *rows,
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

  if (!check_options (&precision, error)
      || (opt_plot != NULL && !bench_plot_check (opt_plot, error)))
    return FALSE;
  model = open_model (error);
  if (model == NULL)
    return FALSE;
  input = bench_input_new (model, (guint) opt_audio_ctx, error);
  if (input == NULL)
    return FALSE;

  ok = run_isas (input, precision, rows, error)
       && (opt_no_pipelines || run_pipelines (input, precision, rows, error));
  if (ok && opt_json)
    bench_print_json (input, rows);
  else if (ok)
    bench_print_table (input, rows);
  if (ok && opt_plot != NULL)
    ok = bench_plot (input, rows, opt_plot, error);
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
    if (g_array_index (rows, BenchRow, i).skipped == NULL
        && !g_array_index (rows, BenchRow, i).passed)
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
  if (opt_child != NULL)
    return bench_child_main (&(BenchChild){ opt_child, opt_model, opt_precision,
        (guint) opt_pipelines, (guint) opt_threads, (guint) opt_audio_ctx });
  if (opt_list_models)
    return bench_list_models () ? 0 : 1;
  return run_bench ();
}
