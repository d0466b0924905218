/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npubenchreport.c: the rows as a table for people and as JSON. */
#include "npubench.h"

#include "npuprocessor.h"

#include <json-glib/json-glib.h>
#include <string.h>

static gboolean
is_encoder (const BenchRow *row)
{
  return g_str_equal (row->stage, "encoder");
}

static gboolean
is_mel (const BenchRow *row)
{
  return g_str_equal (row->stage, "mel");
}

/* Operations are parts of the encoder. */
static gboolean
is_part (const BenchRow *row)
{
  for (NpuOp op = 0; op < NPU_N_OPS; op++)
    if (g_str_equal (row->stage, npu_op_name (op)))
      return TRUE;
  return FALSE;
}

static void
print_time (const BenchRow *row)
{
  const BenchTime *time = &row->time;

  if (!row->passed)
    g_print ("%-40s", "  FAILED: wrong output");
  else if (time->median_ms == 0)
    g_print ("%40s", "");
  else if (time->cpu_ms > 0)
    g_print ("%9.2f %9.2f %9.2f %9.2f ", time->median_ms, time->min_ms,
        time->max_ms, time->cpu_ms);
  else
    g_print ("%9.2f %9.2f %9.2f %9s ", time->median_ms, time->min_ms,
        time->max_ms, "");
}

static void
print_figures (const BenchRow *row)
{
  for (guint i = 0; row->passed && i < row->n_figures; i++)
    g_print ("%s %s %.4g", i > 0 ? "," : " ", row->figures[i].name,
        row->figures[i].value);
}

static void
print_row (const BenchRow *row)
{
  g_autofree gchar *stage =
      g_strconcat (is_part (row) ? "  " : "", row->stage, NULL);

  g_print (
      "%-14s %-10s %-4s %2u  ", stage, row->isa, row->precision, row->threads);
  if (row->skipped != NULL) {
    g_print ("  skipped: %s\n", row->skipped);
    return;
  }
  print_time (row);
  print_figures (row);
  if (is_mel (row))
    g_print ("  max abs error %.1e", row->max_abs);
  else if (is_encoder (row))
    g_print ("  rel. RMS %.1e, cosine %.7f", row->rel_rms, row->cosine);
  if (row->passed && row->peak_ms > 0)
    g_print ("  %5.0f GFLOP/s, %2.0f %% of peak",
        row->gflop * 1e3 / row->time.median_ms,
        100 * row->peak_ms / row->time.median_ms);
  g_print ("\n");
}

void
bench_print_table (const BenchInput *input, const GArray *rows)
{
  g_autofree gchar *processor = npu_processor_name ();

  g_print ("processor  %s, %u threads\n", processor, npu_cpu_threads ());
  g_print ("model      %s (%s)\n", whisper_model_get_name (input->model),
      whisper_model_get_location (input->model));
  g_print ("checked    against %s\n\n", input->reference);
  g_print (
      "one window of %.4g s; cpu is the processor time of all threads, the "
      "least\n\n",
      input->positions * 0.02);
  g_print ("%-14s %-10s %-4s threads median     min       max   cpu, ms\n",
      "stage", "isa", "");
  for (guint i = 0; i < rows->len; i++)
    print_row (&g_array_index (rows, BenchRow, i));
}

static void
add_string (JsonBuilder *builder, const gchar *name, const gchar *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_double (JsonBuilder *builder, const gchar *name, gdouble value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

/* What a row that failed does not carry. */
static void
add_measured (JsonBuilder *builder, const BenchRow *row)
{
  const BenchTime *time = &row->time;

  if (time->median_ms > 0) {
    add_double (builder, "median_ms", time->median_ms);
    add_double (builder, "min_ms", time->min_ms);
    add_double (builder, "max_ms", time->max_ms);
  }
  if (time->cpu_ms > 0)
    add_double (builder, "cpu_ms", time->cpu_ms);
  if (row->gflop > 0)
    add_double (builder, "gflops", row->gflop * 1e3 / time->median_ms);
  if (row->peak_ms > 0)
    add_double (builder, "fraction_of_peak", row->peak_ms / time->median_ms);
  for (guint i = 0; i < row->n_figures; i++)
    add_double (builder, row->figures[i].name, row->figures[i].value);
}

static void
add_row (JsonBuilder *builder, const BenchInput *input, const BenchRow *row)
{
  json_builder_begin_object (builder);
  add_string (builder, "stage", row->stage);
  add_string (builder, "model", whisper_model_get_name (input->model));
  add_string (builder, "precision", row->precision);
  add_string (builder, "isa", row->isa);
  json_builder_set_member_name (builder, "threads");
  json_builder_add_int_value (builder, row->threads);
  json_builder_set_member_name (builder, "audio_ctx");
  json_builder_add_int_value (builder, input->positions);
  if (row->skipped != NULL) {
    add_string (builder, "skipped", row->skipped);
    json_builder_end_object (builder);
    return;
  }
  json_builder_set_member_name (builder, "passed");
  json_builder_add_boolean_value (builder, row->passed);
  if (row->passed)
    add_measured (builder, row);
  if (is_mel (row)) {
    add_double (builder, "max_abs", row->max_abs);
  } else if (is_encoder (row)) {
    add_double (builder, "cosine", row->cosine);
    add_double (builder, "rel_rms", row->rel_rms);
    add_double (builder, "packed_mb", (gdouble) row->packed_bytes / 1e6);
  }
  json_builder_end_object (builder);
}

/* Giga-operations per second of one thread, by instruction set and format. */
static void
add_peaks (JsonBuilder *builder, const GArray *rows)
{
  static const gchar *const formats[] = { "f32", "bf16", "int8" };
  const gchar *done = "";

  json_builder_set_member_name (builder, "peak");
  json_builder_begin_object (builder);
  for (guint i = 0; i < rows->len; i++) {
    const BenchRow *row = &g_array_index (rows, BenchRow, i);

    if (!is_encoder (row) || g_str_equal (row->isa, done))
      continue;
    done = row->isa;
    json_builder_set_member_name (builder, done);
    json_builder_begin_object (builder);
    for (guint format = 0; format < NPU_N_FORMATS; format++)
      if (row->peak_gops[format] > 0)
        add_double (builder, formats[format], row->peak_gops[format]);
    json_builder_end_object (builder);
  }
  json_builder_end_object (builder);
}

static void
add_machine (JsonBuilder *builder, const BenchInput *input, const GArray *rows)
{
  g_autofree gchar *processor = npu_processor_name ();

  json_builder_set_member_name (builder, "machine");
  json_builder_begin_object (builder);
  add_string (builder, "processor", processor);
  json_builder_set_member_name (builder, "threads");
  json_builder_add_int_value (builder, npu_cpu_threads ());
  add_peaks (builder, rows);
  json_builder_end_object (builder);
  add_string (builder, "weights", whisper_model_get_location (input->model));
  add_string (builder, "reference", input->reference);
}

void
bench_print_json (const BenchInput *input, const GArray *rows)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;

  json_builder_begin_object (builder);
  add_machine (builder, input, rows);
  json_builder_set_member_name (builder, "results");
  json_builder_begin_array (builder);
  for (guint i = 0; i < rows->len; i++)
    add_row (builder, input, &g_array_index (rows, BenchRow, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}
