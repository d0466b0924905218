/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folders as Hugging Face's hub has them: sharded models, and config.json held
 * against the weights.
 */
#include <fcntl.h>
#include <gst/check/gstcheck.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "whisperfixture.h"

#define CORRUPT WHISPER_MODEL_ERROR_CORRUPT
#define NOT_WHISPER WHISPER_MODEL_ERROR_NOT_WHISPER
#define SHAPE WHISPER_MODEL_ERROR_SHAPE

#define INDEX "model.safetensors.index.json"
#define SHARD_1 "model-00001-of-00002.safetensors"
#define SHARD_2 "model-00002-of-00002.safetensors"

static const gchar sound_config[] =
    "{\"model_type\":\"whisper\","
    "\"d_model\":64,\"encoder_layers\":2,\"encoder_attention_heads\":1,"
    "\"encoder_ffn_dim\":128,\"num_mel_bins\":80,\"max_source_positions\":4,"
    "\"activation_function\":\"gelu\",\"decoder_layers\":2,\"dropout\":0.0,"
    "\"suppress_tokens\":[1,2],\"forced_decoder_ids\":null}";

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

static FixtureFile *
sound_file (void)
{
  return fixture_file_new (fixture, "F16", "model.encoder.");
}

/* Takes @file. */
static void
put_file (const gchar *name, FixtureFile *file)
{
  GByteArray *bytes = fixture_file_bytes (file);

  g_free (fixture_write (name, bytes->data, bytes->len));
  g_byte_array_unref (bytes);
  fixture_file_free (file);
}

static void
put_text (const gchar *name, const gchar *text)
{
  g_free (fixture_write (name, text, strlen (text)));
}

/* Half of the model's tensors each. */
static void
put_shards (void)
{
  FixtureFile *first = sound_file (), *second = sound_file ();
  guint half = fixture->len / 2;

  g_ptr_array_remove_range (first->entries, half, fixture->len - half);
  g_ptr_array_remove_range (second->entries, 0, half);
  fixture_file_append (
      second, "model.decoder.layer_norm.bias", "F32", "[2]", 8);
  fixture_file_place (first);
  fixture_file_place (second);
  put_file ("m/" SHARD_1, first);
  put_file ("m/" SHARD_2, second);
}

/* The index of put_shards(); tensor @at (if any) is said to be in @shard, or
 * left out if that is NULL. */
static gchar *
index_text (gint at, const gchar *shard)
{
  GString *text = g_string_new ("{\"metadata\":{\"total_size\":1},"
                                "\"weight_map\":{");
  FixtureFile *file = sound_file ();
  guint i;

  for (i = 0; i < fixture->len; i++) {
    FixtureEntry *entry = g_ptr_array_index (file->entries, i);
    const gchar *in = i < fixture->len / 2 ? SHARD_1 : SHARD_2;

    if ((gint) i == at)
      in = shard;
    if (in)
      g_string_append_printf (text, "\"%s\":\"%s\",", entry->name, in);
  }
  fixture_file_free (file);
  g_string_append (text, "\"model.decoder.layer_norm.bias\":\"" SHARD_2 "\"}}");
  return g_string_free (text, FALSE);
}

static void
put_index (gint at, const gchar *shard)
{
  gchar *text = index_text (at, shard);

  put_text ("m/" INDEX, text);
  g_free (text);
}

static void
assert_opens (const gchar *name)
{
  gchar *path = fixture_path (name);
  GError *error = NULL;
  WhisperModel *model = whisper_model_open (path, &error);

  fail_unless (model != NULL, "%s", error ? error->message : "no error");
  fail_unless_equals_string (whisper_model_get_location (model), path);
  fixture_assert_equal (model, fixture);
  whisper_model_unref (model);
  g_free (path);
}

static void
assert_fails (const gchar *name, WhisperModelError code, const gchar *file,
    const gchar *text)
{
  gchar *path = fixture_path (name);
  GError *error = NULL;

  fail_unless (whisper_model_open (path, &error) == NULL, "%s", text);
  fail_unless (g_error_matches (error, WHISPER_MODEL_ERROR, code), "%d: %s",
      error->code, error->message);
  fail_unless (strstr (error->message, file) && strstr (error->message, text),
      "no <%s> and <%s> in \"%s\"", file, text, error->message);
  g_error_free (error);
  g_free (path);
}

GST_START_TEST (test_folder)
{
  put_file ("m/model.safetensors", sound_file ());
  put_text ("m/README.md", "x");
  assert_opens ("m");
  put_text ("m/config.json", sound_config);
  assert_opens ("m");
  /* The usual name comes before others. */
  put_text ("m/other.safetensors", "x");
  put_text ("m/" INDEX, "x");
  assert_opens ("m");
}
GST_END_TEST;

GST_START_TEST (test_only_file)
{
  put_file ("m/encoder.safetensors", sound_file ());
  assert_opens ("m");
  put_file ("m/another.safetensors", sound_file ());
  assert_fails ("m", WHISPER_MODEL_ERROR_UNREADABLE, "/m: ", "several");
}
GST_END_TEST;

GST_START_TEST (test_no_weights)
{
  put_text ("m/config.json", sound_config);
  put_text ("m/pytorch_model.bin", "x");
  assert_fails ("m", WHISPER_MODEL_ERROR_UNREADABLE, "/m: ", "without a");
}
GST_END_TEST;

GST_START_TEST (test_shards)
{
  put_shards ();
  put_index (-1, NULL);
  assert_opens ("m");
  assert_opens ("m/" INDEX);
  put_text ("m/config.json", sound_config);
  assert_opens ("m");
}
GST_END_TEST;

/* Packed weights are shared by key: it must change with any shard. */
GST_START_TEST (test_shards_key)
{
  gchar *path = fixture_path ("m"), *shard = fixture_path ("m/" SHARD_2);
  struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
  WhisperModel *model, *touched;

  put_shards ();
  put_index (-1, NULL);
  model = whisper_model_open (path, NULL);
  fail_unless_equals_int (utimensat (AT_FDCWD, shard, times, 0), 0);
  touched = whisper_model_open (path, NULL);
  fail_unless (
      strcmp (whisper_model_get_key (model), whisper_model_get_key (touched))
      != 0);
  whisper_model_unref (touched);
  whisper_model_unref (model);
  g_free (shard);
  g_free (path);
}
GST_END_TEST;

GST_START_TEST (test_index_texts)
{
  static const struct {
    const gchar *text, *expected;
  } cases[] = {
    { "", "the file is empty" },
    { "[]", "not a JSON object" },
    { "{\"weight_map\":", "the text ends too early" },
    { "{}", "\"weight_map\" is missing" },
    { "{\"weight_map\":[]}", "\"weight_map\" is not a JSON object" },
    { "{\"weight_map\":null}", "\"weight_map\" is not a JSON object" },
    { "{\"weight_map\":{\"a\":1}}", "\"a\" is not a string" },
    { "{\"weight_map\":{\"a\":[\"b\"]}}", "\"a\" is not a string" },
    { "{\"weight_map\":{\"a\":\"\"}}", "\"a\" is in \"\"" },
    { "{\"weight_map\":{\"a\":\"x.bin\"}}", "\"a\" is in \"x.bin\"" },
    { "{\"weight_map\":{\"a\":\"../m/" SHARD_1 "\"}}", "of this folder" },
    { "{\"weight_map\":{\"a\":\"/etc/x.safetensors\"}}", "of this folder" },
    { "{\"weight_map\":{\"a\":\".safetensors\"}}", "of this folder" },
    { "{\"weight_map\":{\"a\":\"" SHARD_1 "\"}}", "\"a\" is not in" },
    { "{\"weight_map\":{\"a\":\"x\",\"a\":\"x\"}}", "there twice" },
  };
  guint i;

  put_shards ();
  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    put_text ("m/" INDEX, cases[i].text);
    assert_fails ("m", CORRUPT, INDEX, cases[i].expected);
  }
}
GST_END_TEST;

/* What the index says of each tensor is where it is. */
GST_START_TEST (test_index_disagrees)
{
  FixtureFile *file = sound_file ();
  guint i;

  put_shards ();
  for (i = 0; i < fixture->len; i++) {
    FixtureEntry *entry = g_ptr_array_index (file->entries, i);

    put_index (i, i < fixture->len / 2 ? SHARD_2 : SHARD_1);
    assert_fails ("m", CORRUPT, INDEX, entry->name);
    put_index (i, NULL);
    assert_fails ("m", CORRUPT, INDEX, entry->name);
  }
  put_index (0, "absent.safetensors");
  assert_fails (
      "m", WHISPER_MODEL_ERROR_NOT_FOUND, "absent.safetensors", "no such file");
  fixture_file_free (file);
}
GST_END_TEST;

GST_START_TEST (test_bad_shards)
{
  gchar *path;

  put_shards ();
  put_index (-1, NULL);
  put_text ("m/" SHARD_2, "x");
  assert_fails ("m", CORRUPT, SHARD_2, "too few");
  path = fixture_path ("m/" SHARD_2);
  fail_unless_equals_int (unlink (path), 0);
  assert_fails ("m", WHISPER_MODEL_ERROR_NOT_FOUND, SHARD_2, "no such file");
  fail_unless_equals_int (mkfifo (path, 0600), 0);
  assert_fails ("m", WHISPER_MODEL_ERROR_UNREADABLE, SHARD_2, "FIFO");
  fail_unless_equals_int (unlink (path), 0);
  /* The first shard again: every tensor is there twice. */
  put_file ("m/" SHARD_2, sound_file ());
  assert_fails ("m", CORRUPT, ".safetensors", "is there twice");
  g_free (path);
}
GST_END_TEST;

GST_START_TEST (test_many_shards)
{
  GString *text = g_string_new ("{\"weight_map\":{");
  FixtureFile *empty;
  guint i;

  for (i = 0; i <= 64; i++) {
    gchar *name = g_strdup_printf ("m/%u.safetensors", i);

    empty = sound_file ();
    g_ptr_array_set_size (empty->entries, 0);
    put_file (name, empty);
    g_string_append_printf (
        text, "%s\"t%u\":\"%u.safetensors\"", i ? "," : "", i, i);
    g_free (name);
  }
  g_string_append (text, "}}");
  put_text ("m/" INDEX, text->str);
  assert_fails ("m", CORRUPT, INDEX, "more than 64 files");
  g_string_free (text, TRUE);
}
GST_END_TEST;

/* Each size of the configuration, held against the tensors. */
GST_START_TEST (test_config)
{
  static const struct {
    const gchar *text;
    WhisperModelError code;
    const gchar *expected;
  } cases[] = {
    { "{\"d_model\":128}", SHAPE, "\"d_model\" is 128" },
    { "{\"encoder_layers\":3}", SHAPE, "\"encoder_layers\" is 3" },
    { "{\"encoder_attention_heads\":2}", SHAPE,
        "\"encoder_attention_heads\" is 2" },
    { "{\"encoder_ffn_dim\":256}", SHAPE, "\"encoder_ffn_dim\" is 256" },
    { "{\"num_mel_bins\":128}", SHAPE, "\"num_mel_bins\" is 128" },
    { "{\"max_source_positions\":1500}", SHAPE,
        "\"max_source_positions\" is 1500" },
    { "{\"d_model\":0}", CORRUPT, "\"d_model\" is not a positive" },
    { "{\"d_model\":-64}", CORRUPT, "\"d_model\" is not a positive" },
    { "{\"d_model\":64.0}", CORRUPT, "\"d_model\" is not a positive" },
    { "{\"d_model\":\"64\"}", CORRUPT, "\"d_model\" is not a positive" },
    { "{\"d_model\":null}", CORRUPT, "\"d_model\" is not a positive" },
    { "{\"d_model\":[64]}", CORRUPT, "\"d_model\" is not a positive" },
    { "{\"d_model\":18446744073709551680}", CORRUPT,
        "\"d_model\": a number larger" },
    { "{\"activation_function\":\"relu\"}", NOT_WHISPER,
        "\"activation_function\" is \"relu\"" },
    { "{\"activation_function\":1}", CORRUPT,
        "\"activation_function\" is not a string" },
    { "{\"model_type\":\"wav2vec2\"}", NOT_WHISPER,
        "\"model_type\" is \"wav2vec2\"" },
    { "{\"model_type\":7}", CORRUPT, "\"model_type\" is not a string" },
    { "{}", NOT_WHISPER, "\"model_type\" is missing" },
    { "", CORRUPT, "the file is empty" },
    { "[]", CORRUPT, "not a JSON object" },
    { "{\"d_model\":64,\"d_model\":64}", CORRUPT, "there twice" },
  };
  guint i;

  put_file ("m/model.safetensors", sound_file ());
  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gboolean bare = strlen (cases[i].text) < 3
                    || strstr (cases[i].text, "model_type") != NULL;
    gchar *text = bare ? g_strdup (cases[i].text)
                       : g_strdup_printf (
                           "{\"model_type\":\"whisper\",%s", cases[i].text + 1);

    put_text ("m/config.json", text);
    assert_fails ("m", cases[i].code, "config.json", cases[i].expected);
    g_free (text);
  }
}
GST_END_TEST;

static Suite *
whispermodel_folder_suite (void)
{
  Suite *suite = suite_create ("whispermodel-folder");
  TCase *folders = tcase_create ("folders");

  suite_add_tcase (suite, folders);
  tcase_add_checked_fixture (folders, setup, teardown);
  tcase_add_test (folders, test_folder);
  tcase_add_test (folders, test_only_file);
  tcase_add_test (folders, test_no_weights);
  tcase_add_test (folders, test_shards);
  tcase_add_test (folders, test_shards_key);
  tcase_add_test (folders, test_index_texts);
  tcase_add_test (folders, test_index_disagrees);
  tcase_add_test (folders, test_bad_shards);
  tcase_add_test (folders, test_many_shards);
  tcase_add_test (folders, test_config);
  return suite;
}

GST_CHECK_MAIN (whispermodel_folder);
