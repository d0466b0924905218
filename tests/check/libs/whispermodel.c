/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Models: weight files of every sound kind, the names given to sizes, what is
 * said of paths that are no weight files, and made-up weights.
 */
#include <fcntl.h>
#include <gst/check/gstcheck.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "whisperfixture.h"
#include "whispermodel-private.h"

static GPtrArray *fixture;

static void
setup (void)
{
  fixture = fixture_model_new (&fixture_tiny);
}

static void
teardown (void)
{
  g_clear_pointer (&fixture, g_ptr_array_unref);
  fixture_folder_remove ();
}

static WhisperModel *
open_sound (const gchar *name)
{
  GError *error = NULL;
  WhisperModel *model = whisper_model_open (name, &error);

  fail_unless (model != NULL, "%s", error ? error->message : "no error");
  fail_unless (error == NULL);
  return model;
}

/* Writes @file, which is freed, and opens it. */
static WhisperModel *
open_file (FixtureFile *file)
{
  GByteArray *bytes = fixture_file_bytes (file);
  gchar *path = fixture_write ("sound.safetensors", bytes->data, bytes->len);
  WhisperModel *model = open_sound (path);

  fail_unless_equals_string (whisper_model_get_location (model), path);
  fail_if (whisper_model_is_synthetic (model));
  g_free (path);
  g_byte_array_unref (bytes);
  fixture_file_free (file);
  return model;
}

static void
assert_opens (FixtureFile *file)
{
  WhisperModel *model = open_file (file);

  fixture_assert_equal (model, fixture);
  whisper_model_unref (model);
}

static void
assert_fails (const gchar *name, WhisperModelError code, const gchar *text)
{
  GError *error = NULL;
  WhisperModel *model = whisper_model_open (name, &error);

  fail_unless (model == NULL);
  fail_unless (g_error_matches (error, WHISPER_MODEL_ERROR, code), "%s: %d",
      name, error ? error->code : -1);
  fail_unless (strstr (error->message, text) != NULL, "no <%s> in \"%s\"", text,
      error->message);
  g_error_free (error);
}

GST_START_TEST (test_types_and_prefixes)
{
  static const gchar *const types[] = { "F32", "F16", "BF16" };
  static const gchar *const prefixes[] = { "model.encoder.", "encoder.", "" };
  guint i, j;

  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    for (j = 0; j < G_N_ELEMENTS (prefixes); j++)
      assert_opens (fixture_file_new (fixture, types[i], prefixes[j]));
  }
}
GST_END_TEST;

GST_START_TEST (test_shape)
{
  WhisperModel *model =
      open_file (fixture_file_new (fixture, "F16", "model.encoder."));
  const NpuEncoderShape *shape = whisper_model_get_shape (model);

  fail_unless_equals_int (shape->n_mels, 80);
  fail_unless_equals_int (shape->width, 64);
  fail_unless_equals_int (shape->ffn, 128);
  fail_unless_equals_int (shape->heads, 1);
  fail_unless_equals_int (shape->layers, 2);
  fail_unless_equals_int (shape->positions, 4);
  fail_unless_equals_string (whisper_model_get_name (model), "custom-64x2");
  whisper_model_unref (model);
}
GST_END_TEST;

/* Types may differ between tensors. */
GST_START_TEST (test_mixed_types)
{
  static const gchar *const types[] = { "F32", "F16", "BF16" };
  FixtureFile *file = fixture_file_new (fixture, "F16", "model.encoder.");
  guint i;

  for (i = 0; i < fixture->len; i++) {
    FixtureTensor *tensor = g_ptr_array_index (fixture, i);
    FixtureEntry *entry = g_ptr_array_index (file->entries, i);

    fixture_replace (&entry->dtype, "\"%s\"", types[i % 3]);
    g_byte_array_set_size (entry->data, 0);
    fixture_append_values (
        entry->data, types[i % 3], tensor->values, tensor->n);
  }
  fixture_file_place (file);
  assert_opens (file);
}
GST_END_TEST;

/* A whole model: the decoder's tensors are not looked at, whatever their type.
 * A bias of K, which some writers store, has no effect and is not asked for. */
GST_START_TEST (test_other_tensors)
{
  FixtureFile *file = fixture_file_new (fixture, "F16", "model.encoder.");
  FixtureEntry *entry;

  entry = fixture_file_append (
      file, "model.decoder.layers.0.fc1.weight", "F16", "[2, 3]", 12);
  memset (entry->data->data, 0xff, 12); /* NaN */
  fixture_file_append (file, "proj_out.weight", "I64", "[1]", 8);
  fixture_file_append (file, "model.decoder.x", "F8_E4M3", "[3]", 3);
  fixture_file_append (file, "model.decoder.scalar", "F64", "[]", 8);
  fixture_file_append (file, "model.decoder.empty", "BOOL", "[0, 7]", 0);
  fixture_file_append (
      file, "model.encoder.layers.1.self_attn.k_proj.bias", "F16", "[64]", 128);
  assert_opens (file);
}
GST_END_TEST;

/* Whatever the format allows around the values. */
GST_START_TEST (test_header_variants)
{
  FixtureFile *file = fixture_file_new (fixture, "F16", "model.encoder.");
  GPtrArray *entries = file->entries;
  guint i;

  file->metadata = g_strdup ("{\"format\":\"pt\",\"note\":\"\\u00e9 \\ud83d"
                             "\\ude00 \\\"{[\\/\"}");
  file->padding = g_strdup (" \t\r\n   ");
  for (i = 0; i < entries->len; i++) {
    FixtureEntry *entry = g_ptr_array_index (entries, i);
    gchar *spaced = g_strdup_printf (
        " \n{\t\"data_offsets\" : %s ,\r"
        "\"later\":{\"a\":[1.5e3,true,null]}, \"shape\":%s,\"dtype\":%s } ",
        entry->offsets, entry->shape, entry->dtype);

    g_free (entry->instead);
    entry->instead = spaced;
  }
  assert_opens (file);
}
GST_END_TEST;

/* The data begin where the header ends: at any alignment. */
GST_START_TEST (test_unaligned)
{
  static const gchar *const types[] = { "F32", "F16", "BF16" };
  guint i, padding;

  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    for (padding = 0; padding < 4; padding++) {
      FixtureFile *file = fixture_file_new (fixture, types[i], "encoder.");

      file->padding = g_strnfill (padding, ' ');
      assert_opens (file);
    }
  }
}
GST_END_TEST;

/* The header's entries may stand in any order. */
GST_START_TEST (test_order)
{
  FixtureFile *file = fixture_file_new (fixture, "F16", "encoder.");
  FixtureFile *reversed = fixture_file_new (fixture, "F16", "encoder.");
  guint i, n = file->entries->len;

  for (i = 0; i < n / 2; i++) {
    gpointer first = reversed->entries->pdata[i];

    reversed->entries->pdata[i] = reversed->entries->pdata[n - 1 - i];
    reversed->entries->pdata[n - 1 - i] = first;
  }
  file->header = fixture_file_header (reversed);
  fixture_file_free (reversed);
  assert_opens (file);
}
GST_END_TEST;

GST_START_TEST (test_positions_up_to_whisper)
{
  const FixtureSizes sizes = { 128, 64, 64, 1, 1500 };
  GPtrArray *model = fixture_model_new (&sizes);
  WhisperModel *opened =
      open_file (fixture_file_new (model, "BF16", "model.encoder."));

  fixture_assert_equal (opened, model);
  fail_unless_equals_int (whisper_model_get_shape (opened)->n_mels, 128);
  fail_unless_equals_int (whisper_model_get_shape (opened)->positions, 1500);
  whisper_model_unref (opened);
  g_ptr_array_unref (model);
}
GST_END_TEST;

GST_START_TEST (test_size_names)
{
  static const struct {
    const gchar *name;
    NpuEncoderShape shape;
  } cases[] = {
    { "tiny", { 80, 384, 1536, 6, 4, 1500 } },
    { "base", { 80, 512, 2048, 8, 6, 1500 } },
    { "small", { 80, 768, 3072, 12, 12, 1500 } },
    { "medium", { 80, 1024, 4096, 16, 24, 1500 } },
    { "large", { 80, 1280, 5120, 20, 32, 1500 } },
    { "large-v3", { 128, 1280, 5120, 20, 32, 1500 } },
    { "custom-64x2", { 80, 64, 256, 1, 2, 1500 } },
    { "custom-512x5", { 80, 512, 2048, 8, 5, 1500 } },
    { "custom-512x6", { 128, 512, 2048, 8, 6, 1500 } },
    { "custom-512x6", { 80, 512, 1024, 8, 6, 1500 } },
    { "custom-512x6", { 80, 512, 2048, 8, 6, 750 } },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gchar *name = whisper_size_name (&cases[i].shape);

    fail_unless_equals_string (name, cases[i].name);
    g_free (name);
  }
}
GST_END_TEST;

/* The same bytes, the same key; other bytes under the same path, another. */
GST_START_TEST (test_key)
{
  FixtureFile *file = fixture_file_new (fixture, "F16", "encoder.");
  GByteArray *bytes = fixture_file_bytes (file);
  gchar *path = fixture_write ("key.safetensors", bytes->data, bytes->len);
  gchar *link = fixture_path ("link.safetensors");
  struct utimbuf times = { 1000000000, 1000000000 };
  WhisperModel *model, *linked, *touched;

  model = open_sound (path);
  fail_unless_equals_int (symlink (path, link), 0);
  linked = open_sound (link);
  fail_unless_equals_string (
      whisper_model_get_key (model), whisper_model_get_key (linked));
  fail_unless_equals_int (utime (path, &times), 0);
  touched = open_sound (path);
  fail_if (
      strcmp (whisper_model_get_key (model), whisper_model_get_key (touched))
      == 0);
  whisper_model_unref (model);
  whisper_model_unref (linked);
  whisper_model_unref (touched);
  g_free (link);
  g_free (path);
  g_byte_array_unref (bytes);
  fixture_file_free (file);
}
GST_END_TEST;

static gpointer
ref_and_unref (gpointer model)
{
  guint i;

  for (i = 0; i < 10000; i++) {
    whisper_model_ref (model);
    whisper_model_unref (model);
  }
  return NULL;
}

/* A model stays as long as anyone holds it, also after its file is gone. */
GST_START_TEST (test_refcount)
{
  WhisperModel *model =
      open_file (fixture_file_new (fixture, "F32", "encoder."));
  GThread *threads[4];
  guint i;

  fail_unless_equals_int (unlink (whisper_model_get_location (model)), 0);
  for (i = 0; i < 4; i++)
    threads[i] = g_thread_new ("ref", ref_and_unref, model);
  for (i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  fixture_assert_equal (model, fixture);
  whisper_model_unref (model);
}
GST_END_TEST;

/* Each of these would hang, act on a device, or be misread if it were opened
 * like a file. */
GST_START_TEST (test_not_files)
{
  gchar *fifo = fixture_path ("fifo");
  gchar *dangling = fixture_path ("dangling");
  gchar *loop = fixture_path ("loop");
  gchar *inside = fixture_path ("file/inside");
  gchar *empty = fixture_write ("empty", "", 0);
  gchar *below = g_build_filename (empty, "below", NULL);

  fail_unless_equals_int (mkfifo (fifo, 0600), 0);
  fail_unless_equals_int (symlink ("nowhere", dangling), 0);
  fail_unless_equals_int (symlink ("loop", loop), 0);
  assert_fails (fifo, WHISPER_MODEL_ERROR_UNREADABLE, "FIFO");
  assert_fails ("/dev/zero", WHISPER_MODEL_ERROR_UNREADABLE, "device");
  assert_fails (dangling, WHISPER_MODEL_ERROR_NOT_FOUND, "no such file");
  assert_fails (loop, WHISPER_MODEL_ERROR_UNREADABLE, "cannot be read");
  assert_fails (inside, WHISPER_MODEL_ERROR_NOT_FOUND, "no such file");
  assert_fails (below, WHISPER_MODEL_ERROR_NOT_FOUND, "no such file");
  assert_fails ("", WHISPER_MODEL_ERROR_NOT_FOUND, "no such file");
  assert_fails (empty, WHISPER_MODEL_ERROR_CORRUPT, "empty");
  assert_fails (fixture_folder (), WHISPER_MODEL_ERROR_UNREADABLE, "a folder");
  if (geteuid () != 0) {
    fail_unless_equals_int (chmod (empty, 0), 0);
    assert_fails (empty, WHISPER_MODEL_ERROR_UNREADABLE, "cannot be read");
  }
  g_free (below);
  g_free (empty);
  g_free (inside);
  g_free (loop);
  g_free (dangling);
  g_free (fifo);
}
GST_END_TEST;

/* What people name instead of weights gets a word of its own. */
GST_START_TEST (test_strangers)
{
  static const struct {
    const gchar *text, *expected;
  } cases[] = {
    { "version https://git-lfs.github.com/spec/v1\n", "Git LFS" },
    { "PK\003\004..............", "PyTorch" },
    { "\200\002..............", "PyTorch" },
    { "GGUF\003...........", "GGUF" },
    { "\211HDF\r\n........", "HDF5" },
    { "<!DOCTYPE html><html>", "web page" },
    { "<html><body>404", "web page" },
    { "{\"model_type\":\"whisper\"}", "JSON" },
    { "RIFF....WAVEfmt ", "header length" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gchar *path =
        fixture_write ("stranger", cases[i].text, strlen (cases[i].text));

    assert_fails (path, WHISPER_MODEL_ERROR_CORRUPT, cases[i].expected);
    g_free (path);
  }
}
GST_END_TEST;

/* Paths may have spaces and any bytes; messages are UTF-8 all the same. */
GST_START_TEST (test_paths)
{
  static const gchar *const names[] = { "two words/\303\251t\303\251",
    "latin1-\351t\351", "percent%s%n" };
  FixtureFile *file = fixture_file_new (fixture, "F16", "encoder.");
  GByteArray *bytes = fixture_file_bytes (file);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    gchar *path = fixture_write (names[i], bytes->data, bytes->len);
    GError *error = NULL;

    whisper_model_unref (open_sound (path));
    g_free (path);
    path = fixture_write (names[i], "x", 1);
    fail_unless (whisper_model_open (path, &error) == NULL);
    fail_unless (g_utf8_validate (error->message, -1, NULL));
    g_error_free (error);
    g_free (path);
  }
  g_byte_array_unref (bytes);
  fixture_file_free (file);
}
GST_END_TEST;

/* ---- made-up weights ---- */

static gchar *
checksum (WhisperModel *model)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  NpuWeights weights;
  guint id, layer;
  gchar *text;

  whisper_model_get_weights (model, &weights);
  for (id = 0; id < NPU_N_WEIGHTS; id++) {
    for (layer = 0; layer < weights.shape.layers; layer++) {
      NpuWeightView view = weights.get (weights.model, id, layer);

      g_checksum_update (sum, view.data, view.rows * view.cols * 2);
    }
  }
  text = g_strdup (g_checksum_get_string (sum));
  g_checksum_free (sum);
  return text;
}

/* The same weights on every machine, for ever. */
GST_START_TEST (test_synthetic_bytes)
{
  static const gchar *const cases[][2] = {
    { "synthetic:test",
        "8b61aa9b10fce382433af24925aae97e12a5510cc37531ed090daaf72c4dcaa5" },
    { "synthetic:base",
        "292dafedb78ad1b212a5ee6b709d850ac8ed2bc6f63c2969cd6124c47e819be1" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    WhisperModel *model = open_sound (cases[i][0]);
    gchar *sum = checksum (model);

    fail_unless_equals_string (sum, cases[i][1]);
    g_free (sum);
    whisper_model_unref (model);
  }
}
GST_END_TEST;

GST_START_TEST (test_synthetic_sizes)
{
  const gchar *const *size = whisper_model_size_names ();

  for (; *size; size++) {
    gchar *name = g_strconcat ("synthetic:", *size, NULL);
    gchar *dashed = g_strconcat ("synthetic-", *size, NULL);
    WhisperModel *model = open_sound (name), *same = open_sound (dashed);
    const NpuEncoderShape *shape = whisper_model_get_shape (model);
    NpuWeights weights;
    NpuWeightView view;

    fail_unless (whisper_model_is_synthetic (model));
    fail_unless_equals_string (whisper_model_get_name (model), dashed);
    fail_unless_equals_string (whisper_model_get_location (model), name);
    fail_unless_equals_string (
        whisper_model_get_key (model), whisper_model_get_key (same));
    fail_unless_equals_int (shape->width, 64 * shape->heads);
    fail_unless_equals_int (shape->positions, 1500);
    whisper_model_get_weights (model, &weights);
    view = weights.get (weights.model, NPU_WEIGHT_FC2, shape->layers - 1);
    fail_unless_equals_int64 (view.rows, shape->width);
    fail_unless_equals_int64 (view.cols, shape->ffn);
    view = weights.get (weights.model, NPU_WEIGHT_CONV1, 0);
    fail_unless_equals_int64 (view.cols, 3 * shape->n_mels);
    whisper_model_unref (same);
    whisper_model_unref (model);
    g_free (dashed);
    g_free (name);
  }
}
GST_END_TEST;

static void
moments (const NpuWeightView *view, gdouble *mean, gdouble *deviation)
{
  const gsize n = view->rows * view->cols;
  gdouble sum = 0, squares = 0;
  gsize i;

  for (i = 0; i < n; i++) {
    gdouble value = fixture_view_value (view, i);

    fail_unless (isfinite (value));
    sum += value;
    squares += value * value;
  }
  *mean = sum / n;
  *deviation = sqrt (squares / n - *mean * *mean);
}

/* Scaled so that activations neither grow nor vanish; layers differ. */
GST_START_TEST (test_synthetic_scale)
{
  WhisperModel *model = open_sound ("synthetic:tiny");
  NpuWeights weights;
  NpuWeightView view, other;
  gdouble mean, deviation;

  whisper_model_get_weights (model, &weights);
  view = weights.get (weights.model, NPU_WEIGHT_Q, 1);
  moments (&view, &mean, &deviation);
  fail_unless (fabs (mean) < 0.001, "%g", mean);
  fail_unless (fabs (deviation * sqrt (384) - 1) < 0.01, "%g", deviation);
  other = weights.get (weights.model, NPU_WEIGHT_Q, 2);
  fail_if (memcmp (view.data, other.data, 2 * 384) == 0);
  view = weights.get (weights.model, NPU_WEIGHT_FC2, 3);
  moments (&view, &mean, &deviation);
  fail_unless (fabs (deviation * sqrt (8 * 1536) - 1) < 0.01, "%g", deviation);
  view = weights.get (weights.model, NPU_WEIGHT_FINAL_NORM_GAMMA, 0);
  moments (&view, &mean, &deviation);
  fail_unless (fabs (mean - 1) < 0.02, "%g", mean);
  whisper_model_unref (model);
}
GST_END_TEST;

/* Whisper's sinusoids, to half precision. */
GST_START_TEST (test_synthetic_positions)
{
  WhisperModel *model = open_sound ("synthetic:test");
  NpuWeights weights;
  NpuWeightView view;
  guint p, c;

  whisper_model_get_weights (model, &weights);
  view = weights.get (weights.model, NPU_WEIGHT_POSITIONS, 0);
  for (p = 0; p < 1500; p += 7) {
    for (c = 0; c < 32; c++) {
      gdouble angle = p * exp (-log (10000) * c / 31);
      gfloat s = fixture_view_value (&view, p * 64 + c);
      gfloat k = fixture_view_value (&view, p * 64 + 32 + c);

      fail_unless (fabs (s - sin (angle)) < 3e-4, "%u %u: %g", p, c, s);
      fail_unless (fabs (k - cos (angle)) < 3e-4, "%u %u: %g", p, c, k);
    }
  }
  whisper_model_unref (model);
}
GST_END_TEST;

GST_START_TEST (test_synthetic_errors)
{
  static const gchar *const names[] = { "synthetic:", "synthetic:huge",
    "synthetic-", "synthetic:base ", "synthetic:Base" };
  const gchar *const *size;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    for (size = whisper_model_size_names (); *size; size++)
      assert_fails (names[i], WHISPER_MODEL_ERROR_NOT_FOUND, *size);
  }
  assert_fails ("synthetics", WHISPER_MODEL_ERROR_NOT_FOUND, "no such file");
}
GST_END_TEST;

static Suite *
whispermodel_suite (void)
{
  Suite *suite = suite_create ("whispermodel");
  TCase *files = tcase_create ("files");
  TCase *synthetic = tcase_create ("synthetic");

  suite_add_tcase (suite, files);
  tcase_add_checked_fixture (files, setup, teardown);
  tcase_add_test (files, test_types_and_prefixes);
  tcase_add_test (files, test_shape);
  tcase_add_test (files, test_mixed_types);
  tcase_add_test (files, test_other_tensors);
  tcase_add_test (files, test_header_variants);
  tcase_add_test (files, test_unaligned);
  tcase_add_test (files, test_order);
  tcase_add_test (files, test_positions_up_to_whisper);
  tcase_add_test (files, test_size_names);
  tcase_add_test (files, test_key);
  tcase_add_test (files, test_refcount);
  tcase_add_test (files, test_not_files);
  tcase_add_test (files, test_strangers);
  tcase_add_test (files, test_paths);
  suite_add_tcase (suite, synthetic);
  tcase_add_test (synthetic, test_synthetic_bytes);
  tcase_add_test (synthetic, test_synthetic_sizes);
  tcase_add_test (synthetic, test_synthetic_scale);
  tcase_add_test (synthetic, test_synthetic_positions);
  tcase_add_test (synthetic, test_synthetic_errors);
  return suite;
}

GST_CHECK_MAIN (whispermodel);
