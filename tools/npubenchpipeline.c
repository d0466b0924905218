/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubenchpipeline.c: what whole pipelines take: start-up, memory, time per
 * window, and several at once.
 *
 * Each measurement is a process of its own (npubenchchild.c).  The states that
 * a pipeline gives must be the encoder's own, bit for bit; those were checked
 * before.
 */
#include "npubench.h"

#include <gio/gio.h>
#include <string.h>

#include "whispermel.h"

/* Each measurement is repeated this often, or as often as there are runs. */
#define REPEATS 3

/* What a child printed. */
typedef struct {
  gdouble total_ms, cpu_ms, start_up_ms, peak_mb, weights, users;
  gdouble first_ms, last_ms; /* from PLAYING to a pipeline's end */
  GArray *digests;
  gchar *missing;
} Measured;

/* Of the windows of a file: of its only one, or the first, the last, and all
 * between, as each repeats the same audio. */
typedef struct {
  guint64 only, first, between, last;
} Expected;

/* ---- what must come out ------------------------------------------------ */

/* The frames of a file of @windows windows. */
static gfloat *
compute_mel (
    NpuBackend *backend, const BenchInput *input, guint windows, GError **error)
{
  gsize frames = windows * 2 * (gsize) input->positions;
  WhisperMel *mel = whisper_mel_new (backend, input->shape.n_mels);
  gfloat *out = g_new (gfloat, frames * input->shape.n_mels);

  for (guint i = 0; i < windows; i++)
    whisper_mel_push (
        mel, input->samples, 2 * (gsize) input->positions * NPU_MEL_HOP);
  whisper_mel_drain (mel);
  if (!whisper_mel_pull (mel, frames, out, error))
    g_clear_pointer (&out, g_free);
  whisper_mel_free (mel);
  return out;
}

static gboolean
encode (WhisperEncoder *encoder, const BenchInput *input, const gfloat *mel,
    guint window, guint64 *digest, GError **error)
{
  gsize frames = 2 * (gsize) input->positions;
  gsize size = (gsize) input->positions * input->shape.width * sizeof (gfloat);
  gfloat *states = g_malloc (size);
  gboolean ok = whisper_encoder_run (encoder,
      mel + window * frames * input->shape.n_mels, frames, states, error);

  *digest = bench_digest (states, size);
  g_free (states);
  return ok;
}

static gboolean
encode_all (WhisperEncoder *encoder, NpuBackend *backend,
    const BenchInput *input, Expected *expected, GError **error)
{
  gfloat *one = compute_mel (backend, input, 1, error);
  gfloat *three = one != NULL ? compute_mel (backend, input, 3, error) : NULL;
  gboolean ok = three != NULL
                && encode (encoder, input, one, 0, &expected->only, error)
                && encode (encoder, input, three, 0, &expected->first, error)
                && encode (encoder, input, three, 1, &expected->between, error)
                && encode (encoder, input, three, 2, &expected->last, error);

  g_free (one);
  g_free (three);
  return ok;
}

static gboolean
compute_expected (const BenchInput *input, const BenchCase *bench_case,
    Expected *expected, GError **error)
{
  NpuBackend *backend = npu_cpu_backend_new (bench_case->isa, error);
  WhisperProgram *program = NULL;
  WhisperEncoder *encoder = NULL;
  gboolean ok = FALSE;

  if (backend != NULL)
    program = whisper_program_new (
        backend, input->model, bench_case->precision, error);
  if (program != NULL)
    encoder = whisper_encoder_new (
        program, input->positions, bench_case->threads, error);
  if (encoder != NULL) {
    ok = encode_all (encoder, backend, input, expected, error);
    whisper_encoder_free (encoder);
  }
  if (program != NULL)
    whisper_program_free (program);
  if (backend != NULL)
    backend->ops->free (backend);
  return ok;
}

/* ---- the child --------------------------------------------------------- */

static void
measured_clear (Measured *measured)
{
  g_array_unref (measured->digests);
  g_free (measured->missing);
}

/* One line of a child's output. */
static void
measured_add (Measured *measured, const gchar *name, const gchar *text)
{
  gdouble value = g_ascii_strtod (text, NULL);
  guint64 digest = g_ascii_strtoull (text, NULL, 10);

  if (g_str_equal (name, "window")) {
    g_array_append_val (measured->digests, digest);
  } else if (g_str_equal (name, "run-ms")) {
    measured->last_ms = MAX (measured->last_ms, value);
    if (measured->first_ms == 0 || value < measured->first_ms)
      measured->first_ms = value;
  } else if (g_str_equal (name, "total-ms")) {
    measured->total_ms = value;
  } else if (g_str_equal (name, "cpu-ms")) {
    measured->cpu_ms = value;
  } else if (g_str_equal (name, "start-up-ms")) {
    measured->start_up_ms = value;
  } else if (g_str_equal (name, "peak-mb")) {
    measured->peak_mb = value;
  } else if (g_str_equal (name, "weights")) {
    measured->weights = value;
  } else if (g_str_equal (name, "users")) {
    measured->users = value;
  } else if (g_str_equal (name, "missing")) {
    measured->missing = g_strdup (text);
  }
}

static void
measured_parse (Measured *measured, const gchar *output)
{
  gchar **lines = g_strsplit (output, "\n", -1);

  *measured =
      (Measured){ .digests = g_array_new (FALSE, FALSE, sizeof (guint64)) };
  for (gchar **line = lines; *line != NULL; line++) {
    gchar *space = strchr (*line, ' ');

    if (space == NULL)
      continue;
    *space = '\0';
    measured_add (measured, *line, space + 1);
  }
  g_strfreev (lines);
}

static GSubprocess *
start_child (const BenchInput *input, const BenchCase *bench_case,
    const gchar *wav, guint pipelines, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", error);
  g_autofree gchar *threads = g_strdup_printf ("%u", bench_case->threads);
  g_autofree gchar *audio_ctx = g_strdup_printf ("%u", input->positions);
  g_autofree gchar *n = g_strdup_printf ("%u", pipelines);
  const gchar *argv[] = { self, "--child", wav, "--pipelines", n, "--model",
    whisper_model_get_location (input->model), "--precision",
    npu_precision_name (bench_case->precision), "--threads", threads,
    "--audio-ctx", audio_ctx, NULL };

  if (self == NULL)
    return NULL;
  g_subprocess_launcher_setenv (launcher, "NPU_ISA", bench_case->isa, TRUE);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

static gboolean
run_child (const BenchInput *input, const BenchCase *bench_case,
    const gchar *wav, guint pipelines, Measured *measured, GError **error)
{
  g_autoptr (GSubprocess) child =
      start_child (input, bench_case, wav, pipelines, error);
  g_autofree gchar *output = NULL, *messages = NULL;

  if (child == NULL
      || !g_subprocess_communicate_utf8 (
          child, NULL, NULL, &output, &messages, error))
    return FALSE;
  if (!g_subprocess_get_successful (child)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "A pipeline (filesrc ! wavparse ! npumel ! npuwhisperenc ! fakesink) "
        "failed: %s",
        g_strstrip (messages));
    return FALSE;
  }
  measured_parse (measured, output);
  return TRUE;
}

/* ---- rows -------------------------------------------------------------- */

static gboolean
is_expected (const Measured *measured, const Expected *expected, guint windows,
    guint pipelines)
{
  /* All of them on the context whose weights were counted. */
  if (measured->digests->len != windows * pipelines
      || measured->users != pipelines)
    return FALSE;
  for (guint i = 0; i < measured->digests->len; i++) {
    guint window = i % windows;
    guint64 wanted = windows == 1            ? expected->only
                     : window == 0           ? expected->first
                     : window == windows - 1 ? expected->last
                                             : expected->between;

    if (g_array_index (measured->digests, guint64, i) != wanted)
      return FALSE;
  }
  return TRUE;
}

/* All measurements of one precision, [repeats] each. */
typedef struct {
  guint repeats;
  gdouble start_up_ms[REPEATS];
  gdouble window_ms[REPEATS]; /* from one window to many */
  gdouble one_ms[REPEATS];    /* a window of one pipeline that plays … */
  gdouble each_ms[REPEATS];   /* … and of several, of all their windows */
  gdouble unfairness;         /* the slowest pipeline's time by the fastest's */
  gdouble cpu_ms;             /* processor time of a window, the least */
  gdouble peak_mb[BENCH_N_FILES]; /* the most */
  gdouble weights;
  gboolean passed[BENCH_N_FILES];
} Series;

static void
series_add (Series *series, const Measured *measured)
{
  guint i = series->repeats++;
  const Measured *few = &measured[BENCH_FEW], *many = &measured[BENCH_MANY],
                 *each = &measured[BENCH_EACH];
  gdouble cpu_ms = (many->cpu_ms - few->cpu_ms) / (BENCH_MANY_WINDOWS - 1);

  series->start_up_ms[i] = few->start_up_ms;
  series->window_ms[i] =
      (many->total_ms - few->total_ms) / (BENCH_MANY_WINDOWS - 1);
  series->one_ms[i] = many->last_ms / (BENCH_MANY_WINDOWS - 1);
  series->each_ms[i] = each->last_ms / (BENCH_MANY_WINDOWS - 1);
  series->unfairness = MAX (series->unfairness, each->last_ms / each->first_ms);
  series->cpu_ms = i == 0 ? cpu_ms : MIN (series->cpu_ms, cpu_ms);
  series->weights = MAX (series->weights, each->weights);
  for (guint wav = 0; wav < BENCH_N_FILES; wav++)
    series->peak_mb[wav] = MAX (series->peak_mb[wav], measured[wav].peak_mb);
}

/* One child for each file.  *@missing is set, to be freed, if an element is. */
static gboolean
measure_once (const BenchInput *input, const BenchCase *bench_case,
    const BenchFiles *files, const Expected *expected, Series *series,
    gchar **missing, GError **error)
{
  Measured measured[BENCH_N_FILES];
  guint n = 0;
  gboolean ok = TRUE;

  while (ok && *missing == NULL && n < BENCH_N_FILES) {
    guint pipelines = n == BENCH_EACH ? BENCH_PIPELINES : 1;

    ok = run_child (
        input, bench_case, files->wavs[n], pipelines, &measured[n], error);
    if (!ok)
      break;
    *missing = g_strdup (measured[n].missing);
    series->passed[n] &=
        is_expected (&measured[n], expected, bench_file_windows[n], pipelines);
    n++;
  }
  if (ok && *missing == NULL)
    series_add (series, measured);
  while (n > 0)
    measured_clear (&measured[--n]);
  return ok;
}

static BenchRow
new_row (const BenchCase *bench_case, const gchar *stage, gboolean passed)
{
  return (BenchRow){ .stage = stage,
    .isa = bench_case->isa,
    .precision = npu_precision_name (bench_case->precision),
    .threads = bench_case->threads,
    .passed = passed };
}

/* The row of a stage on its own, which there is. */
static const BenchRow *
find_row (const GArray *rows, const gchar *stage, NpuPrecision precision,
    const gchar *isa, guint threads)
{
  const gchar *name = npu_precision_name (precision);

  for (guint i = 0; i < rows->len; i++) {
    const BenchRow *row = &g_array_index (rows, BenchRow, i);

    if (g_str_equal (row->stage, stage) && g_str_equal (row->isa, isa)
        && g_str_equal (row->precision, name) && row->threads == threads)
      return row;
  }
  g_assert_not_reached ();
}

static void
append_rows (const BenchCase *bench_case, Series *series, const BenchTime *bare,
    GArray *rows)
{
  gboolean one = series->passed[BENCH_FEW] && series->passed[BENCH_MANY];
  BenchRow start_up =
      new_row (bench_case, "start-up", series->passed[BENCH_FEW]);
  BenchRow memory = new_row (bench_case, "memory", one);
  BenchRow pipeline = new_row (bench_case, "pipeline", one);
  BenchRow several =
      new_row (bench_case, "pipelines=8", one && series->passed[BENCH_EACH]);
  gdouble one_ms;

  start_up.time = bench_summarize (series->start_up_ms, series->repeats);
  bench_row_add (&memory, "peak_mb", series->peak_mb[BENCH_MANY]);
  bench_row_add (&memory, "one_window_peak_mb", series->peak_mb[BENCH_FEW]);

  pipeline.time = bench_summarize (series->window_ms, series->repeats);
  pipeline.time.cpu_ms = series->cpu_ms;
  if (pipeline.time.min_ms <= 0 || pipeline.time.cpu_ms <= 0)
    pipeline.skipped = "windows this short are lost in this machine's noise";
  bench_row_add (
      &pipeline, "overhead", pipeline.time.median_ms / bare->median_ms - 1);
  bench_row_add (
      &pipeline, "cpu_overhead", pipeline.time.cpu_ms / bare->cpu_ms - 1);

  one_ms = bench_summarize (series->one_ms, series->repeats).median_ms;
  several.time = bench_summarize (series->each_ms, series->repeats);
  bench_row_add (&several, "pipelines", BENCH_PIPELINES);
  bench_row_add (
      &several, "throughput_of_one", one_ms / several.time.median_ms);
  bench_row_add (&several, "slowest_by_fastest", series->unfairness);
  bench_row_add (&several, "weight_copies", series->weights);
  bench_row_add (&several, "peak_mb", series->peak_mb[BENCH_EACH]);

  g_array_append_val (rows, start_up);
  g_array_append_val (rows, memory);
  g_array_append_val (rows, pipeline);
  g_array_append_val (rows, several);
}

/* @skipped: why, or NULL for failed rows. */
static void
append_unmeasured (
    const BenchCase *bench_case, const gchar *skipped, GArray *rows)
{
  static const gchar *const stages[] = { "start-up", "memory", "pipeline",
    "pipelines=8" };

  for (guint i = 0; i < G_N_ELEMENTS (stages); i++) {
    BenchRow row = new_row (bench_case, stages[i], FALSE);

    row.skipped = skipped;
    g_array_append_val (rows, row);
  }
}

static void
append_missing (const BenchCase *bench_case, const gchar *element, GArray *rows)
{
  gchar *reason = g_strdup_printf ("there is no element \"%s\" here", element);

  append_unmeasured (bench_case, g_intern_string (reason), rows);
  g_free (reason);
}

gboolean
bench_run_pipelines (const BenchInput *input, const BenchFiles *files,
    const BenchCase *bench_case, GArray *rows, GError **error)
{
  const BenchRow *mel =
      find_row (rows, "mel", NPU_PRECISION_F32, bench_case->isa, 1);
  const BenchRow *encoder = find_row (rows, "encoder", bench_case->precision,
      bench_case->isa, bench_case->threads);
  /* The row of the mel is of a whole window. */
  gdouble part = 2.0 * input->positions / WHISPER_MEL_FRAMES;
  BenchTime bare = { .median_ms =
                         part * mel->time.median_ms + encoder->time.median_ms,
    .cpu_ms = part * mel->time.min_ms + encoder->time.cpu_ms };
  guint repeats = MIN (bench_case->runs, REPEATS);
  Series series = { .passed = { TRUE, TRUE, TRUE } };
  Expected expected = { 0 };
  gchar *missing = NULL;
  gboolean ok;

  if (!mel->passed || !encoder->passed) {
    append_unmeasured (bench_case, NULL, rows);
    return TRUE;
  }
  ok = compute_expected (input, bench_case, &expected, error);
  for (guint i = 0; ok && missing == NULL && i < repeats; i++)
    ok = measure_once (
        input, bench_case, files, &expected, &series, &missing, error);
  if (ok && missing != NULL)
    append_missing (bench_case, missing, rows);
  else if (ok)
    append_rows (bench_case, &series, &bare, rows);
  g_free (missing);
  return ok;
}
