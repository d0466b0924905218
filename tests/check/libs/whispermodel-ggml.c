/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisper.cpp's ggml files: every type's values to the last bit, and files
 * forged in every field.
 */
#include <gst/check/gstcheck.h>
#include <math.h>
#include <string.h>

#include "whisperencoder.h"
#include "whisperfixtureggml.h"
#include "whisperforge.h"

#define CORRUPT WHISPER_MODEL_ERROR_CORRUPT
#define NOT_WHISPER WHISPER_MODEL_ERROR_NOT_WHISPER
#define SHAPE WHISPER_MODEL_ERROR_SHAPE

static const struct {
  const gchar *name;
  GgmlType type;
  gdouble tolerance; /* of the value, in parts of a block's range */
} types[] = {
  { "f32", GGML_F32, 0 },
  { "f16", GGML_F16, 0 },
  { "q8_0", GGML_Q8_0, 0.6 / 254 },
  { "q5_0", GGML_Q5_0, 1.1 / 32 },
  { "q5_1", GGML_Q5_1, 0.6 / 31 },
  { "q4_0", GGML_Q4_0, 1.1 / 16 },
  { "q4_1", GGML_Q4_1, 0.6 / 15 },
};

static GPtrArray *model;

static void
setup (void)
{
  model = fixture_model_new (&fixture_tiny);
}

static void
teardown (void)
{
  g_clear_pointer (&model, g_ptr_array_unref);
  fixture_folder_remove ();
}

static WhisperModel *
open_bytes (const GByteArray *bytes)
{
  gchar *path = fixture_write ("ggml-sound.bin", bytes->data, bytes->len);
  GError *error = NULL;
  WhisperModel *opened = whisper_model_open (path, &error);

  fail_unless (opened != NULL, "%s", error ? error->message : "no error");
  g_free (path);
  return opened;
}

/* Every kernel table reads the stored values of the view to the last bit. */
static void
assert_values (const NpuWeightView *view, const gfloat *stored, gsize n)
{
  const char *const *isa = npu_kernels_isas ();
  gfloat *values = g_new (gfloat, n);

  fail_unless_equals_int64 (view->rows * view->cols, n);
  for (; *isa; isa++) {
    NpuKernels kernels;

    if (npu_kernels_init (&kernels, npu_cpu_flags (), *isa) < 0)
      continue; /* not this processor's */
    kernels.to_f32 (view->dtype, view->data, n, values);
    fail_unless (memcmp (values, stored, n * sizeof *values) == 0, "%s", *isa);
  }
  g_free (values);
}

/* Replaces the values of @tensor with what @type makes of them. */
static void
store_as (FixtureTensor *tensor, GgmlType type, gdouble tolerance)
{
  GByteArray *bytes = g_byte_array_new ();
  gfloat *stored = g_new (gfloat, tensor->n);
  gsize i;

  ggml_append_values (bytes, type, tensor->values, tensor->n, stored);
  /* The fixture's values lie between -1/4 and 1/4. */
  for (i = 0; i < tensor->n; i++)
    fail_unless (fabsf (stored[i] - tensor->values[i]) <= tolerance * 0.5,
        "%g became %g", tensor->values[i], stored[i]);
  g_byte_array_unref (bytes);
  g_free (tensor->values);
  tensor->values = stored;
}

static void
store_all_as (GPtrArray *tensors, guint type)
{
  guint i;

  for (i = 0; i < tensors->len; i++) {
    FixtureTensor *tensor = g_ptr_array_index (tensors, i);

    if (ggml_is_quantised (tensor))
      store_as (tensor, types[type].type, types[type].tolerance);
  }
}

/* Each type; names of any length put the values at any alignment. */
GST_START_TEST (test_values)
{
  GgmlFile *file = ggml_file_new (model, &fixture_tiny, types[__i__].type);
  WhisperModel *opened = open_bytes (file->bytes);
  NpuWeights weights;
  guint i;

  store_all_as (model, __i__);
  whisper_model_get_weights (opened, &weights);
  for (i = 0; i < model->len; i++) {
    FixtureTensor *tensor = g_ptr_array_index (model, i);
    NpuWeightView view = weights.get (weights.model, tensor->id, tensor->layer);

    assert_values (&view, tensor->values, tensor->n);
  }
  whisper_model_unref (opened);
  ggml_file_free (file);
}
GST_END_TEST;

static void
run_encoder (WhisperModel *opened, gfloat *states, gsize n)
{
  const NpuEncoderShape *shape = whisper_model_get_shape (opened);
  const gsize frames = 2 * shape->positions;
  NpuBackend *backend = npu_cpu_backend_new (NULL, NULL);
  WhisperProgram *program =
      whisper_program_new (backend, opened, NPU_PRECISION_F32, NULL);
  WhisperEncoder *encoder = whisper_encoder_new (program, 0, 1, NULL);
  gfloat *mel = g_new (gfloat, frames * shape->n_mels);
  gsize i;

  fail_unless_equals_int64 (n, shape->positions * shape->width);
  for (i = 0; i < frames * shape->n_mels; i++)
    mel[i] = (gint) (i * 7919 % 64) / -8.0f;
  fail_unless (whisper_encoder_run (encoder, mel, frames, states, NULL));
  g_free (mel);
  whisper_encoder_free (encoder);
  whisper_program_free (program);
  backend->ops->free (backend);
}

/* A ggml file gives the very states of a float32 safetensors file that holds
 * the same values. */
GST_START_TEST (test_encoder)
{
  const gsize n = fixture_tiny.positions * fixture_tiny.width;
  GgmlFile *file = ggml_file_new (model, &fixture_tiny, types[__i__].type);
  WhisperModel *opened = open_bytes (file->bytes);
  gfloat *states = g_new (gfloat, n), *expected = g_new (gfloat, n);
  FixtureFile *plain;
  GByteArray *bytes;

  run_encoder (opened, states, n);
  whisper_model_unref (opened);
  store_all_as (model, __i__);
  plain = fixture_file_new (model, "F32", "model.encoder.");
  bytes = fixture_file_bytes (plain);
  opened = open_bytes (bytes);
  run_encoder (opened, expected, n);
  fail_unless (memcmp (states, expected, n * sizeof *states) == 0);
  fail_unless (isfinite (states[0]) && states[0] != states[1]);
  whisper_model_unref (opened);
  g_byte_array_unref (bytes);
  fixture_file_free (plain);
  g_free (expected);
  g_free (states);
  ggml_file_free (file);
}
GST_END_TEST;

static GgmlFile *
sound_file (GgmlType type)
{
  return ggml_file_new (model, &fixture_tiny, type);
}

/* Takes @file. */
static void
assert_forged (const gchar *what, GgmlFile *file, WhisperModelError code,
    const gchar *field)
{
  forge_assert_bytes (what, file->bytes->data, file->bytes->len, code, field);
  ggml_file_free (file);
}

/* Fields of the header, and of the first tensors. */
GST_START_TEST (test_fields)
{
  static const struct {
    const gchar *field;
    guint nth;
    guint32 value;
    WhisperModelError code;
    const gchar *expected;
  } cases[] = {
    { "magic", 0, 0x6c6d6767, CORRUPT, "header length" },
    { "magic", 0, 0x67676d66, CORRUPT, "header length" },
    { "magic", 0, 0x46554747, CORRUPT, "GGUF" },
    { "n_audio_ctx", 0, 0, SHAPE, "\"n_audio_ctx\" is 0" },
    { "n_audio_ctx", 0, 5, SHAPE, "\"n_audio_ctx\" is 5" },
    { "n_audio_ctx", 0, 1500, SHAPE, "\"n_audio_ctx\" is 1500" },
    { "n_audio_state", 0, 0, SHAPE, "\"n_audio_state\" is 0" },
    { "n_audio_state", 0, 128, SHAPE, "\"n_audio_state\" is 128" },
    { "n_audio_head", 0, 0, SHAPE, "\"n_audio_head\" is 0" },
    { "n_audio_head", 0, 2, SHAPE, "\"n_audio_head\" is 2" },
    { "n_audio_layer", 0, 0, SHAPE, "\"n_audio_layer\" is 0" },
    { "n_audio_layer", 0, 1, SHAPE, "\"n_audio_layer\" is 1" },
    { "n_audio_layer", 0, 3, SHAPE, "\"n_audio_layer\" is 3" },
    { "n_mels", 0, 0, CORRUPT, "n_mels is 0" },
    { "n_mels", 0, 128, CORRUPT, "n_mels is 128" },
    { "mel filters' bands", 0, 0, CORRUPT, "mel filters have 0 bands" },
    { "mel filters' bands", 0, 79, CORRUPT, "mel filters have 79 bands" },
    { "mel filters' bands", 0, 129, CORRUPT, "mel filters' bands" },
    { "mel filters' bins", 0, 0, CORRUPT, "mel filters have 0 bins" },
    { "mel filters' bins", 0, 200, CORRUPT, "mel filters have 200 bins" },
    { "vocabulary's size", 0, 1000001, CORRUPT, "vocabulary's size" },
    { "vocabulary's size", 0, 1000000, CORRUPT, "a word" },
    { "vocabulary's size", 0, 3, CORRUPT, "no dimensions" },
    { "vocabulary's size", 0, 5, CORRUPT, "number of dimensions" },
    { "word's length", 0, 1000001, CORRUPT, "word's length" },
    { "word's length", 0, 1000000, CORRUPT, "a word" },
    { "word's length", 3, 1, CORRUPT, "number of dimensions" },
    { "number of dimensions", 0, 0, CORRUPT, "no dimensions" },
    { "number of dimensions", 0, 5, CORRUPT, "number of dimensions" },
    { "number of dimensions", 0, 2, CORRUPT, "tensor's name" },
    { "number of dimensions", 0, 4, CORRUPT, "is not text" },
    { "length of a tensor's name", 0, 0, CORRUPT, "no name" },
    { "length of a tensor's name", 0, 129, CORRUPT, "length of a tensor's" },
    { "length of a tensor's name", 0, 128, CORRUPT, "is not text" },
    { "length of a tensor's name", 0, 19, CORRUPT, "number of dimensions" },
    { "type", 0, 0, CORRUPT, "number of dimensions" },
    { "type", 0, 2, CORRUPT, "whole q4_0 blocks" },
    { "type", 0, 8, CORRUPT, "whole q8_0 blocks" },
    { "type", 0, 4, CORRUPT, "unknown type 4" },
    { "type", 0, 5, CORRUPT, "unknown type 5" },
    { "type", 0, 9, CORRUPT, "unknown type 9" },
    { "type", 0, 15, CORRUPT, "unknown type 15" },
    { "type", 0, 30, CORRUPT, "unknown type 30" },
    { "type", 0, 0xffffffff, CORRUPT, "unknown type 4294967295" },
    { "type", 0, 10, NOT_WHISPER, "type q2_k cannot be used" },
    { "type", 0, 11, NOT_WHISPER, "type q3_k cannot be used" },
    { "type", 0, 12, NOT_WHISPER, "type q4_k cannot be used" },
    { "type", 0, 13, NOT_WHISPER, "type q5_k cannot be used" },
    { "type", 0, 14, NOT_WHISPER, "type q6_k cannot be used" },
    { "dimension", 0, 0, CORRUPT, "number of dimensions" },
    { "dimension", 0, 2, CORRUPT, "number of dimensions" },
    { "dimension", 0, 0x7fffffff, CORRUPT, "\"encoder.conv1.weight\"" },
    { "dimension", 1, 0x7fffffff, CORRUPT, "\"encoder.conv1.weight\"" },
    { "dimension", 2, 0x7fffffff, CORRUPT, "\"encoder.conv1.weight\"" },
    { "dimension", 2, 0x80000000, CORRUPT, "tensor's dimension" },
    { "dimension", 2, 0xffffffff, CORRUPT, "tensor's dimension" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GgmlFile *file = sound_file (GGML_Q8_0);
    gchar *what = g_strdup_printf ("%s = %u", cases[i].field, cases[i].value);

    ggml_file_set (file, cases[i].field, cases[i].nth, cases[i].value);
    assert_forged (what, file, cases[i].code, cases[i].expected);
    g_free (what);
  }
  forge_assert_count (G_N_ELEMENTS (cases));
}
GST_END_TEST;

/* No count or length of a file is negative or beyond all reason. */
GST_START_TEST (test_numbers)
{
  static const guint32 values[] = { 1000001, 0x7fffffff, 0x80000000,
    0xffffffff };
  static const gchar *const fields[] = { "n_vocab", "n_audio_ctx",
    "n_audio_state", "n_audio_head", "n_audio_layer", "n_text_ctx",
    "n_text_state", "n_text_head", "n_text_layer", "n_mels", "ftype",
    "mel filters' bands", "mel filters' bins", "vocabulary's size",
    "word's length", "number of dimensions", "length of a tensor's name" };
  guint i, j;

  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    for (j = 0; j < G_N_ELEMENTS (values); j++) {
      GgmlFile *file = sound_file (GGML_F32);

      ggml_file_set (file, fields[i], 0, values[j]);
      assert_forged (fields[i], file, CORRUPT, fields[i]);
    }
  }
  forge_assert_count (G_N_ELEMENTS (fields) * G_N_ELEMENTS (values));
}
GST_END_TEST;

/* The name of the tensor whose @nth of all it is. */
static gchar *
name_of (GgmlFile *file, guint nth)
{
  GgmlMark *name = ggml_file_find (file, "name", nth);

  return g_strndup ((gchar *) file->bytes->data + name->offset, name->size);
}

/* Each tensor: renamed, of a size that does not fit, not finite. */
GST_START_TEST (test_every_tensor)
{
  static const guint16 bad_halves[] = { 0x7c00, 0xfc00, 0x7e00, 0xffff };
  static const guint32 bad_floats[] = { 0x7f800000, 0xff800000, 0x7fc00000,
    0x7f800001 };
  guint i;

  for (i = 0; i < model->len; i++) {
    FixtureTensor *tensor = g_ptr_array_index (model, i);
    GgmlFile *file = sound_file (GGML_Q5_1);
    gchar *name = name_of (file, i);
    guint8 *bytes = file->bytes->data;
    GgmlMark *data;

    bytes[ggml_file_find (file, "name", i)->offset] = 'f';
    assert_forged ("renamed", file, NOT_WHISPER, name);

    file = sound_file (GGML_Q5_1);
    bytes = file->bytes->data;
    bytes[ggml_file_find (file, "name", i)->offset + 3] = '\n';
    assert_forged ("no text", file, CORRUPT, "is not text");

    file = sound_file (GGML_Q5_1);
    bytes = file->bytes->data;
    data = ggml_file_find (file, "data", i);
    if (tensor->n_dims == 1) /* its first value */
      memcpy (bytes + data->offset, &bad_floats[i % 4], 4);
    else if (tensor->id == NPU_WEIGHT_POSITIONS)
      memcpy (bytes + data->offset + 4 * (i % 64), &bad_floats[i % 4], 4);
    else if (tensor->n_dims == 3)
      memcpy (bytes + data->offset + 2 * (i % 64), &bad_halves[i % 4], 2);
    else /* a block's scale or minimum */
      memcpy (bytes + data->offset + 24 * (i % 64) + 2 * (i % 2),
          &bad_halves[i % 4], 2);
    assert_forged ("not finite", file, CORRUPT, name);
    g_free (name);
  }
  forge_assert_count (3 * model->len);
}
GST_END_TEST;

/* A scale that is not finite, in each quantised type's last block. */
GST_START_TEST (test_not_finite)
{
  guint i;

  for (i = 2; i < G_N_ELEMENTS (types); i++) {
    GgmlFile *file = sound_file (types[i].type);
    GgmlMark *data = ggml_file_find (file, "data", 9); /* layer 0's Q */
    gsize block = data->size / (64 * 64 / 32);

    memcpy (
        file->bytes->data + data->offset + data->size - block, "\xff\x7f", 2);
    assert_forged (
        types[i].name, file, CORRUPT, "attn.query.weight\": value 4064 is NaN");
  }
  forge_assert_count (G_N_ELEMENTS (types) - 2);
}
GST_END_TEST;

/* Cut off before, in and after every field.  After a whole tensor, what is
 * missing is the next one. */
GST_START_TEST (test_truncated)
{
  const guint first_layer = NPU_N_WEIGHTS; /* tensors up to its end */
  GgmlFile *file = sound_file (GGML_Q8_0);
  guint n = 0, i; /* whole tensors before the cut */

  for (i = 1; i < file->marks->len && n < model->len; i++) {
    const GgmlMark *field = &g_array_index (file->marks, GgmlMark, i);
    WhisperModelError code = CORRUPT;
    const gchar *expected = "needs";

    if (field->size == 0)
      continue; /* an empty word */
    if (strcmp (field->what, "number of dimensions") == 0) {
      code = n == first_layer ? SHAPE : NOT_WHISPER;
      expected = n == 0             ? "no tensors"
                 : n == first_layer ? "\"n_audio_layer\" is 2"
                                    : "is missing";
    }
    forge_assert_bytes (
        field->what, file->bytes->data, field->offset, code, expected);
    forge_assert_bytes (field->what, file->bytes->data,
        field->offset + field->size - 1, CORRUPT, "needs");
    n += strcmp (field->what, "data") == 0;
  }
  fail_unless_equals_int (n, model->len);
  forge_assert_count (10 * model->len);
  ggml_file_free (file);
}
GST_END_TEST;

/* A tensor's header at the end of the file. */
static GByteArray *
appended (const guint32 *dims, guint n_dims, const gchar *name, guint32 type)
{
  GgmlFile *file = sound_file (GGML_Q8_0);
  GByteArray *bytes = g_byte_array_ref (file->bytes);
  guint32 header[3] = { n_dims, strlen (name), type };

  g_byte_array_append (bytes, (guint8 *) header, sizeof header);
  g_byte_array_append (bytes, (const guint8 *) dims, 4 * n_dims);
  g_byte_array_append (bytes, (const guint8 *) name, strlen (name));
  ggml_file_free (file);
  return bytes;
}

GST_START_TEST (test_appended)
{
  static const struct {
    const gchar *name;
    guint n_dims;
    guint32 dims[4];
    guint32 type;
    WhisperModelError code;
    const gchar *expected;
  } cases[] = {
    { "huge", 4, { 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff }, 0, CORRUPT,
        "\"huge\": its dimensions are larger" },
    { "huge", 3, { 0x7fffffff, 0x7fffffff, 4 }, 0, CORRUPT,
        "\"huge\": its dimensions are larger" },
    { "huge", 3, { 0x40000000, 0x40000000, 15 }, 8, CORRUPT, "\"huge\"" },
    { "huge", 3, { 0x40000000, 0x40000000, 16 }, 2, CORRUPT, "\"huge\"" },
    { "huge", 2, { 0x7fffffff, 0x7fffffff }, 1, CORRUPT, "\"huge\"" },
    { "encoder.conv1.weight", 1, { 0 }, 0, CORRUPT, "there twice" },
    { "encoder.blocks.0.mlp.0.lora", 1, { 0 }, 0, NOT_WHISPER, "mlp.0.lora" },
    { "encoder.blocks.128.mlp.0.bias", 1, { 0 }, 0, SHAPE, "128 layers" },
    { "encoder.blocks.2.mlp.0.bias", 1, { 0 }, 0, NOT_WHISPER,
        "\"encoder.blocks.2.attn_ln.weight\" is missing" },
    { "model.encoder.conv1.weight", 1, { 0 }, 0, NOT_WHISPER, "two encoders" },
  };
  static const guint32 none[1];
  GByteArray *bytes;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    bytes =
        appended (cases[i].dims, cases[i].n_dims, cases[i].name, cases[i].type);
    forge_assert_bytes (cases[i].name, bytes->data, bytes->len, cases[i].code,
        cases[i].expected);
    g_byte_array_unref (bytes);
  }
  /* Many tensors of nothing: memory by the megabyte for a few bytes each. */
  bytes = appended (none, 1, "x", 0);
  for (i = 0; i < 100000; i++) {
    guint32 header[4] = { 1, 8, 0, 0 };
    gchar name[9];

    g_snprintf (name, sizeof name, "%08x", i);
    g_byte_array_append (bytes, (guint8 *) header, sizeof header);
    g_byte_array_append (bytes, (guint8 *) name, 8);
  }
  forge_assert_bytes (
      "many", bytes->data, bytes->len, CORRUPT, "more than 16384");
  g_byte_array_unref (bytes);
  forge_assert_count (G_N_ELEMENTS (cases) + 1);
}
GST_END_TEST;

/* Sound headers of something else. */
GST_START_TEST (test_other_files)
{
  GgmlFile *file = sound_file (GGML_F16);

  /* whisper.cpp's own test models have no tensors. */
  forge_assert_bytes ("no tensors", file->bytes->data,
      ggml_file_find (file, "number of dimensions", 0)->offset, NOT_WHISPER,
      "no tensors");
  ggml_file_free (file);

  file = sound_file (GGML_Q8_0);
  ggml_file_set (file, "ftype", 0, 1007);
  assert_forged ("old blocks", file, NOT_WHISPER, "version 1");
  file = sound_file (GGML_Q4_0);
  ggml_file_set (file, "ftype", 0, 2);
  assert_forged ("old blocks", file, NOT_WHISPER, "version 0");

  file = sound_file (GGML_F16);
  memcpy (file->bytes->data + ggml_file_find (file, "filters", 0)->offset,
      "\0\0\xc0\x7f", 4);
  assert_forged ("filters", file, CORRUPT, "mel filters");
  forge_assert_count (4);
}
GST_END_TEST;

static Suite *
whispermodel_ggml_suite (void)
{
  Suite *suite = suite_create ("whispermodel-ggml");
  TCase *sound = tcase_create ("sound"), *forged = tcase_create ("forged");

  suite_add_tcase (suite, sound);
  tcase_add_checked_fixture (sound, setup, teardown);
  tcase_add_loop_test (sound, test_values, 0, G_N_ELEMENTS (types));
  tcase_add_loop_test (sound, test_encoder, 0, G_N_ELEMENTS (types));
  suite_add_tcase (suite, forged);
  tcase_add_checked_fixture (forged, setup, teardown);
  tcase_add_test (forged, test_fields);
  tcase_add_test (forged, test_numbers);
  tcase_add_test (forged, test_every_tensor);
  tcase_add_test (forged, test_not_finite);
  tcase_add_test (forged, test_truncated);
  tcase_add_test (forged, test_appended);
  tcase_add_test (forged, test_other_files);
  return suite;
}

GST_CHECK_MAIN (whispermodel_ggml);
