/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npubenchrun.c: checks what a row computes, and only then times it. */
#include "npubench.h"

#include <math.h>
#include <string.h>

#include "whispermel.h"

/* The gates: log-mel after normalisation, and the hidden states. */
#define MEL_MAX_ABS 1e-4

/* Relative RMS error and cosine of a whole window. */
typedef struct {
  gdouble rel_rms, cosine;
} Gate;

static const Gate gates[] = { [NPU_PRECISION_F32] = { 1e-4, 0.9999999 },
  [NPU_PRECISION_BF16] = { 0.015, 0.9998 },
  [NPU_PRECISION_INT8] = { 0.064, 0.9979 } };

static BenchRow
new_row (const BenchCase *bench_case, const gchar *stage, guint threads)
{
  BenchRow row = { 0 };

  row.stage = stage;
  row.isa = bench_case->isa;
  row.precision = npu_precision_name (bench_case->precision);
  row.threads = threads;
  return row;
}

static gdouble
max_abs_difference (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble max = 0;

  for (gsize i = 0; i < n; i++) {
    gdouble difference = fabs ((gdouble) a[i] - b[i]);

    if (!(difference <= max)) /* a NaN counts as the worst */
      max = isnan (difference) ? INFINITY : difference;
  }
  return max;
}

static void
compare_states (BenchRow *row, const Gate *gate, const gfloat *states,
    const gfloat *reference, gsize n)
{
  gdouble dot = 0, square = 0, reference_square = 0, error = 0;

  for (gsize i = 0; i < n; i++) {
    gdouble x = states[i], y = reference[i];

    dot += x * y;
    square += x * x;
    reference_square += y * y;
    error += (x - y) * (x - y);
  }
  row->cosine = dot / sqrt (square * reference_square);
  row->rel_rms = sqrt (error / reference_square);
  row->passed = row->rel_rms <= gate->rel_rms && row->cosine >= gate->cosine;
}

static gboolean
time_mel (const BenchInput *input, const BenchCase *bench_case,
    NpuBackend *backend, GArray *rows, GError **error)
{
  gsize values = (gsize) WHISPER_MEL_FRAMES * input->shape.n_mels;
  gfloat *out = g_new (gfloat, values);
  gdouble *ms = g_new (gdouble, bench_case->runs);
  BenchRow row = new_row (bench_case, "mel", 1);
  gboolean ok;

  row.precision = npu_precision_name (NPU_PRECISION_F32);
  ok = bench_mel (backend, input, out, error);
  if (ok) {
    whisper_mel_normalize (out, values, out);
    row.max_abs = max_abs_difference (out, input->reference_mel, values);
    row.passed = row.max_abs <= MEL_MAX_ABS;
  }
  for (guint i = 0; ok && i < bench_case->warm_ups + bench_case->runs; i++) {
    gdouble start = bench_now_ms ();

    ok = bench_mel (backend, input, out, error);
    if (i >= bench_case->warm_ups)
      ms[i - bench_case->warm_ups] = bench_now_ms () - start;
  }
  if (ok) {
    row.time = bench_summarize (ms, bench_case->runs);
    g_array_append_val (rows, row);
  }
  g_free (ms);
  g_free (out);
  return ok;
}

/* ms[0] is the whole window, ms[1 + op] an operation; each [runs]. */
static void
append_encoder_rows (const BenchCase *bench_case, const BenchRow *checked,
    const BenchInput *input, gdouble *ms, GArray *rows)
{
  guint first = rows->len;

  for (guint stage = 0; stage <= NPU_N_OPS; stage++) {
    BenchRow row = *checked;

    if (stage > 0)
      row.stage = npu_op_name (stage - 1);
    row.time =
        bench_summarize (ms + stage * bench_case->runs, bench_case->runs);
    if (stage == 0)
      row.time.cpu_ms = checked->time.cpu_ms;
    g_array_append_val (rows, row);
  }
  bench_peak_apply (bench_case, input, &g_array_index (rows, BenchRow, first));
}

static gboolean
time_encoder (const BenchInput *input, const BenchCase *bench_case,
    WhisperEncoder *encoder, gfloat *states, gdouble *ms, gdouble *cpu_ms,
    GError **error)
{
  gsize frames = 2 * (gsize) input->positions;
  guint runs = bench_case->runs;

  for (guint i = 0; i < bench_case->warm_ups + runs; i++) {
    gdouble start = bench_now_ms (), cpu = bench_cpu_ms ();
    const guint64 *op_ns;
    guint run = i - bench_case->warm_ups;

    if (!whisper_encoder_run (encoder, input->mel, frames, states, error))
      return FALSE;
    if (i < bench_case->warm_ups)
      continue;
    ms[run] = bench_now_ms () - start;
    cpu = bench_cpu_ms () - cpu;
    *cpu_ms = run == 0 ? cpu : MIN (*cpu_ms, cpu);
    op_ns = whisper_encoder_get_op_times (encoder);
    for (guint op = 0; op < NPU_N_OPS; op++)
      ms[(1 + op) * runs + run] = (gdouble) op_ns[op] / 1e6;
  }
  return TRUE;
}

static gboolean
run_window (const BenchInput *input, const BenchCase *bench_case,
    WhisperEncoder *encoder, GArray *rows, GError **error)
{
  gsize values = (gsize) input->positions * input->shape.width;
  gfloat *states = g_new (gfloat, values);
  gdouble *ms = g_new0 (gdouble, (1 + NPU_N_OPS) * bench_case->runs);
  BenchRow row = new_row (bench_case, "encoder", bench_case->threads);
  gboolean ok;

  ok = whisper_encoder_run (
      encoder, input->mel, 2 * (gsize) input->positions, states, error);
  if (ok)
    compare_states (&row, &gates[bench_case->precision], states,
        input->reference_states, values);
  if (ok && row.passed)
    ok = time_encoder (
        input, bench_case, encoder, states, ms, &row.time.cpu_ms, error);
  if (ok)
    append_encoder_rows (bench_case, &row, input, ms, rows);
  g_free (ms);
  g_free (states);
  return ok;
}

/* Packing the weights and making room for a window, once. */
static void
append_pack_row (const BenchRow *encoder, gdouble ms, GArray *rows)
{
  BenchRow row = { .stage = "pack",
    .isa = encoder->isa,
    .precision = encoder->precision,
    .threads = encoder->threads,
    .passed = encoder->passed,
    .time = { .median_ms = ms, .min_ms = ms, .max_ms = ms } };

  g_array_append_val (rows, row);
}

static gboolean
pack_and_run (const BenchInput *input, const BenchCase *bench_case,
    NpuBackend *backend, GArray *rows, GError **error)
{
  gdouble start = bench_now_ms ();
  WhisperProgram *program =
      whisper_program_new (backend, input->model, bench_case->precision, error);
  WhisperEncoder *encoder;
  gdouble ms;
  guint first = rows->len;
  gboolean ok = FALSE;

  if (program == NULL)
    return FALSE;
  encoder = whisper_encoder_new (
      program, input->positions, bench_case->threads, error);
  ms = bench_now_ms () - start;
  if (encoder != NULL) {
    ok = run_window (input, bench_case, encoder, rows, error);
    if (ok) {
      BenchRow *row = &g_array_index (rows, BenchRow, first);

      row->packed_bytes = whisper_program_get_packed_bytes (program);
      append_pack_row (row, ms, rows);
    }
    whisper_encoder_free (encoder);
  }
  whisper_program_free (program);
  return ok;
}

gboolean
bench_run_mel (const BenchInput *input, const BenchCase *bench_case,
    GArray *rows, GError **error)
{
  NpuBackend *backend = npu_cpu_backend_new (bench_case->isa, error);
  gboolean ok;

  if (backend == NULL)
    return FALSE;
  ok = time_mel (input, bench_case, backend, rows, error);
  backend->ops->free (backend);
  return ok;
}

gboolean
bench_run_encoder (const BenchInput *input, const BenchCase *bench_case,
    GArray *rows, GError **error)
{
  NpuBackend *backend = npu_cpu_backend_new (bench_case->isa, error);
  gboolean ok;

  if (backend == NULL)
    return FALSE;
  ok = pack_and_run (input, bench_case, backend, rows, error);
  backend->ops->free (backend);
  return ok;
}
