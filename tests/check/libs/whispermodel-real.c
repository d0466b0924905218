/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The encoder of OpenAI's whisper-base, which NPU_TEST_DATA has.
 */
#include <gst/check/gstcheck.h>
#include <math.h>

#include "whisperencoder.h"
#include "whisperfixtureggml.h"

#define TEST_SKIPPED 77

static gchar *
weights_path (void)
{
  return g_build_filename (
      g_getenv ("NPU_TEST_DATA"), "whisper-base", "encoder.safetensors", NULL);
}

static WhisperModel *
open_sound (const gchar *path)
{
  GError *error = NULL;
  WhisperModel *model = whisper_model_open (path, &error);

  fail_unless (model != NULL, "%s", error ? error->message : "no error");
  return model;
}

/* The real weights: names, sizes, and a value whose bytes are known. */
GST_START_TEST (test_real_weights)
{
  const NpuEncoderShape *shape;
  WhisperModel *model;
  NpuWeights weights;
  gdouble sum = 0;
  gchar *path = weights_path ();
  NpuWeightView view;
  gsize i;

  model = open_sound (path);
  fail_unless_equals_string (whisper_model_get_name (model), "base");
  shape = whisper_model_get_shape (model);
  fail_unless_equals_int (shape->layers, 6);
  fail_unless_equals_int (shape->positions, 1500);
  /* The positions are sinusoids: each row has 256 pairs of sin and cos. */
  whisper_model_get_weights (model, &weights);
  view = weights.get (weights.model, NPU_WEIGHT_POSITIONS, 0);
  fail_unless_equals_int64 (view.rows, 1500);
  fail_unless_equals_int64 (view.cols, 512);
  for (i = 0; i < 512; i++) {
    gdouble value = fixture_view_value (&view, 777 * 512 + i);

    sum += value * value;
  }
  fail_unless (fabs (sum - 256) < 0.1, "%g", sum);
  whisper_model_unref (model);
  g_free (path);
}
GST_END_TEST;

#define FRAMES 3000
#define STATES (1500 * 512)

static gfloat *
load_floats (const gchar *name, gsize n)
{
  gchar *path =
      g_build_filename (g_getenv ("NPU_TEST_DATA"), "golden", name, NULL);
  gchar *data = NULL;
  gsize size = 0;

  fail_unless (g_file_get_contents (path, &data, &size, NULL), "%s", path);
  fail_unless_equals_int64 (size, n * sizeof (gfloat));
  g_free (path);
  return (gfloat *) data;
}

/* The golden mel, [80][3000] and normalised, as frames from before the
 * normalisation, which does not change them again. */
static gfloat *
load_frames (void)
{
  gfloat *mel = load_floats ("jfk.logmel.f32", 80 * FRAMES);
  gfloat *frames = g_new (gfloat, 80 * FRAMES);
  gsize i, band;

  for (i = 0; i < FRAMES; i++)
    for (band = 0; band < 80; band++)
      frames[i * 80 + band] = 4 * mel[band * FRAMES + i] - 4;
  g_free (mel);
  return frames;
}

static gdouble
relative_rms (const gfloat *values, const gfloat *expected)
{
  gdouble error = 0, power = 0;
  gsize i;

  for (i = 0; i < STATES; i++) {
    gdouble difference = (gdouble) values[i] - expected[i];

    error += difference * difference;
    power += (gdouble) expected[i] * expected[i];
  }
  return sqrt (error / power);
}

/* The error of the states that @bytes, a weight file, gives. */
static gdouble
encoder_error (
    const GByteArray *bytes, const gfloat *frames, const gfloat *expected)
{
  gchar *path = fixture_write ("ggml-base.bin", bytes->data, bytes->len);
  WhisperModel *model = open_sound (path);
  NpuBackend *backend = npu_cpu_backend_new (NULL, NULL);
  WhisperProgram *program =
      whisper_program_new (backend, model, NPU_PRECISION_F32, NULL);
  WhisperEncoder *encoder = whisper_encoder_new (program, 0, 0, NULL);
  gfloat *states = g_new (gfloat, STATES);
  gdouble error;

  fail_unless_equals_string (whisper_model_get_name (model), "base");
  fail_unless (whisper_encoder_run (encoder, frames, FRAMES, states, NULL));
  error = relative_rms (states, expected);
  g_free (states);
  whisper_encoder_free (encoder);
  whisper_program_free (program);
  backend->ops->free (backend);
  whisper_model_unref (model);
  g_free (path);
  return error;
}

/* The real weights as tensors that a fixture can write in another format. */
static GPtrArray *
load_tensors (const FixtureSizes *sizes)
{
  gchar *path = weights_path ();
  WhisperModel *model = open_sound (path);
  GPtrArray *tensors = fixture_model_new (sizes);
  NpuWeights weights;
  guint i;

  whisper_model_get_weights (model, &weights);
  for (i = 0; i < tensors->len; i++) {
    FixtureTensor *tensor = g_ptr_array_index (tensors, i);
    NpuWeightView view = weights.get (weights.model, tensor->id, tensor->layer);
    gsize j;

    fail_unless_equals_int64 (view.rows * view.cols, tensor->n);
    for (j = 0; j < tensor->n; j++)
      tensor->values[j] = fixture_view_value (&view, j);
  }
  whisper_model_unref (model);
  g_free (path);
  return tensors;
}

/* The real weights in the types that whisper.cpp publishes: the states are as far from
 * the golden ones as the type's few bits make them, and no further. */
GST_START_TEST (test_real_ggml)
{
  static const struct {
    GgmlType type;
    gdouble limit;
  } cases[] = {
    { GGML_F16, 1e-4 },
    { GGML_Q8_0, 0.02 },
    { GGML_Q5_1, 0.12 },
    { GGML_Q5_0, 0.14 },
  };
  const FixtureSizes sizes = { 80, 512, 2048, 6, 1500 };
  GPtrArray *tensors = load_tensors (&sizes);
  gfloat *frames = load_frames ();
  gfloat *expected = load_floats ("jfk.encoder-base.f32", STATES);
  GgmlFile *file = ggml_file_new (tensors, &sizes, cases[__i__].type);
  gdouble error = encoder_error (file->bytes, frames, expected);

  fail_unless (error < cases[__i__].limit, "relative RMS %g", error);
  g_print ("ggml type %d: relative RMS %.2g\n", cases[__i__].type, error);
  ggml_file_free (file);
  g_free (expected);
  g_free (frames);
  g_ptr_array_unref (tensors);
}
GST_END_TEST;

static Suite *
whispermodel_real_suite (void)
{
  Suite *suite = suite_create ("whispermodel-real");
  TCase *real = tcase_create ("real");

  suite_add_tcase (suite, real);
  tcase_add_checked_fixture (real, NULL, fixture_folder_remove);
  tcase_add_test (real, test_real_weights);
  tcase_add_loop_test (real, test_real_ggml, 0, 4);
  return suite;
}

int
main (int argc, char **argv)
{
  if (g_getenv ("NPU_TEST_DATA") == NULL) {
    g_print (
        "skipped: NPU_TEST_DATA is not set, so there are no real weights\n");
    return TEST_SKIPPED;
  }
  gst_check_init (&argc, &argv);
  return gst_check_run_suite (
      whispermodel_real_suite (), "whispermodel-real", __FILE__);
}
