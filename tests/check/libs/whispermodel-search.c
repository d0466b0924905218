/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where weights are looked for when no model is named: each place, their
 * order, and what is said of a place that gives none.
 */
#include <gst/check/gstcheck.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "whisperfixture.h"
#include "whispersearch.h"

static GByteArray *weights;
static GPtrArray *candidates;

/* Every test starts with places that are empty. */
static void
setup (void)
{
  static const gchar *const variables[] = { "NPU_WHISPER_MODEL", "HF_HUB_CACHE",
    "HF_HOME" };
  static const gchar *const folders[][2] = { { "HOME", "home" },
    { "XDG_DATA_HOME", "data" }, { "XDG_CACHE_HOME", "cache" } };
  GPtrArray *fixture = fixture_model_new (&fixture_tiny);
  FixtureFile *file = fixture_file_new (fixture, "F16", "model.encoder.");
  guint i;

  weights = fixture_file_bytes (file);
  fixture_file_free (file);
  g_ptr_array_unref (fixture);
  for (i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
  for (i = 0; i < G_N_ELEMENTS (folders); i++) {
    gchar *path = fixture_path (folders[i][1]);

    g_setenv (folders[i][0], path, TRUE);
    g_free (path);
  }
}

static void
teardown (void)
{
  g_clear_pointer (&weights, g_byte_array_unref);
  g_clear_pointer (&candidates, g_ptr_array_unref);
  fixture_folder_remove ();
}

/* Weights at @name below the test's folder. */
static void
put (const gchar *name)
{
  g_free (fixture_write (name, weights->data, weights->len));
}

static void
set_variable (const gchar *variable, const gchar *name)
{
  gchar *path = fixture_path (name);

  g_setenv (variable, path, TRUE);
  g_free (path);
}

/* Opens by the search; the model must be the one at @name. */
static void
assert_found (const gchar *name)
{
  GError *error = NULL;
  gboolean found = FALSE;
  WhisperModel *model = whisper_model_open_default (&found, &error);
  gchar *path = fixture_path (name);

  fail_unless (model != NULL, "%s", error ? error->message : "no error");
  fail_unless (found);
  fail_unless_equals_string (whisper_model_get_location (model), path);
  fail_if (whisper_model_is_synthetic (model));
  whisper_model_unref (model);
  g_free (path);
}

static void
assert_none_found (void)
{
  GError *error = NULL;
  gboolean found = TRUE;
  WhisperModel *model = whisper_model_open_default (&found, &error);

  fail_unless (model != NULL, "%s", error ? error->message : "no error");
  fail_if (found);
  fail_unless_equals_string (whisper_model_get_name (model), "synthetic-base");
  whisper_model_unref (model);
}

static void
list (void)
{
  g_clear_pointer (&candidates, g_ptr_array_unref);
  candidates = whisper_search_list ();
}

/* Candidate @i is @name at @place, passed over for @reason or (NULL) not. */
static void
assert_candidate (
    guint i, WhisperPlace place, const gchar *name, const gchar *reason)
{
  WhisperCandidate *candidate;

  fail_unless (i < candidates->len, "%u candidates", candidates->len);
  candidate = g_ptr_array_index (candidates, i);
  fail_unless_equals_int (candidate->place, place);
  fail_unless (g_str_has_suffix (candidate->path, name), "%s", candidate->path);
  if (reason)
    fail_unless (candidate->reason && strstr (candidate->reason, reason),
        "%s: %s", candidate->path, candidate->reason);
  else
    fail_unless (candidate->reason == NULL, "%s: %s", candidate->path,
        candidate->reason);
}

GST_START_TEST (test_nothing)
{
  assert_none_found ();
  list ();
  fail_unless_equals_int (candidates->len, 3);
  assert_candidate (0, WHISPER_PLACE_VARIABLE, "", "not set");
  assert_candidate (
      1, WHISPER_PLACE_DATA, "data/gst-npu/models", "no such folder");
  assert_candidate (
      2, WHISPER_PLACE_HUGGING_FACE, "cache/huggingface/hub", "no such folder");
}
GST_END_TEST;

GST_START_TEST (test_variable)
{
  put ("data/gst-npu/models/whisper-base.safetensors");
  put ("mine.bin");
  set_variable ("NPU_WHISPER_MODEL", "mine.bin");
  assert_found ("mine.bin");
  list ();
  assert_candidate (0, WHISPER_PLACE_VARIABLE, "mine.bin", NULL);
}
GST_END_TEST;

/* A model that is named is used or refused. */
GST_START_TEST (test_variable_refused)
{
  static const gchar *const names[] = { "absent.bin", "folder/", "broken.bin" };
  guint i;

  put ("data/gst-npu/models/whisper-base.safetensors");
  put ("folder/x");
  g_free (fixture_write ("broken.bin", "x", 1));
  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    GError *error = NULL;
    gboolean found = TRUE;

    set_variable ("NPU_WHISPER_MODEL", names[i]);
    fail_unless (whisper_model_open_default (&found, &error) == NULL);
    fail_if (found);
    fail_unless (error && error->domain == WHISPER_MODEL_ERROR);
    fail_unless (g_str_has_prefix (error->message, "NPU_WHISPER_MODEL: "), "%s",
        error->message);
    g_error_free (error);
  }
}
GST_END_TEST;

GST_START_TEST (test_variable_synthetic)
{
  gboolean found = FALSE;
  WhisperModel *model;

  g_setenv ("NPU_WHISPER_MODEL", "synthetic:test", TRUE);
  model = whisper_model_open_default (&found, NULL);
  fail_unless (model != NULL);
  fail_unless (found);
  fail_unless (whisper_model_is_synthetic (model));
  whisper_model_unref (model);
}
GST_END_TEST;

GST_START_TEST (test_variable_empty)
{
  put ("data/gst-npu/models/whisper-tiny.safetensors");
  g_setenv ("NPU_WHISPER_MODEL", "", TRUE);
  assert_found ("data/gst-npu/models/whisper-tiny.safetensors");
}
GST_END_TEST;

GST_START_TEST (test_data_folder)
{
  put ("data/gst-npu/models/whisper-tiny.safetensors");
  put ("data/gst-npu/models/whisper-small.safetensors");
  put ("data/gst-npu/models/README");
  put ("cache/huggingface/hub/models--openai--whisper-base/snapshots/1/"
       "model.safetensors");
  assert_found ("data/gst-npu/models/whisper-small.safetensors");
  put ("data/gst-npu/models/whisper-base.safetensors");
  assert_found ("data/gst-npu/models/whisper-base.safetensors");
  list ();
  assert_candidate (1, WHISPER_PLACE_DATA, "whisper-base.safetensors", NULL);
  assert_candidate (2, WHISPER_PLACE_DATA, "whisper-small.safetensors", NULL);
  assert_candidate (3, WHISPER_PLACE_DATA, "whisper-tiny.safetensors", NULL);
  assert_candidate (4, WHISPER_PLACE_HUGGING_FACE, "snapshots/1", NULL);
  fail_unless_equals_int (candidates->len, 5);
}
GST_END_TEST;

/* ggml files and folders as the hub has them count too; other things do not. */
GST_START_TEST (test_data_folder_kinds)
{
  put ("data/gst-npu/models/whisper-tiny/model.safetensors");
  assert_found ("data/gst-npu/models/whisper-tiny");
  put ("data/gst-npu/models/ggml-base.bin");
  assert_found ("data/gst-npu/models/ggml-base.bin");
  put ("data/gst-npu/models/whisper-base.safetensors.part");
  put ("data/gst-npu/models/empty-base/README");
  list ();
  assert_candidate (1, WHISPER_PLACE_DATA, "ggml-base.bin", NULL);
  assert_candidate (2, WHISPER_PLACE_DATA, "whisper-tiny", NULL);
  assert_candidate (
      3, WHISPER_PLACE_HUGGING_FACE, "huggingface/hub", "no such folder");
}
GST_END_TEST;

/* What cannot be used there is passed over, and the reason is kept. */
GST_START_TEST (test_data_folder_broken)
{
  GError *error = NULL;
  WhisperModel *model;

  g_free (
      fixture_write ("data/gst-npu/models/whisper-base.safetensors", "x", 1));
  put ("data/gst-npu/models/whisper-tiny.safetensors");
  assert_found ("data/gst-npu/models/whisper-tiny.safetensors");
  list ();
  model = whisper_search_open (candidates, &error);
  fail_unless (model != NULL && error == NULL);
  whisper_model_unref (model);
  assert_candidate (
      1, WHISPER_PLACE_DATA, "whisper-base.safetensors", "too few");
  assert_candidate (2, WHISPER_PLACE_DATA, "whisper-tiny.safetensors", NULL);
}
GST_END_TEST;

GST_START_TEST (test_data_folder_only_broken)
{
  g_free (
      fixture_write ("data/gst-npu/models/whisper-base.safetensors", "x", 1));
  assert_none_found ();
}
GST_END_TEST;

/* XDG: a relative path is to be ignored; without the variable it is below the
 * home folder. */
GST_START_TEST (test_data_folder_default)
{
  put ("home/.local/share/gst-npu/models/whisper-base.safetensors");
  g_setenv ("XDG_DATA_HOME", "relative", TRUE);
  assert_found ("home/.local/share/gst-npu/models/whisper-base.safetensors");
  g_unsetenv ("XDG_DATA_HOME");
  assert_found ("home/.local/share/gst-npu/models/whisper-base.safetensors");
}
GST_END_TEST;

#define BASE "models--openai--whisper-base"
#define TINY "models--openai--whisper-tiny"

/* The snapshot of refs/main comes first, then the others; base before tiny;
 * other people's repositories are not looked at. */
GST_START_TEST (test_hugging_face)
{
  put ("cache/huggingface/hub/" TINY "/snapshots/a/model.safetensors");
  assert_found ("cache/huggingface/hub/" TINY "/snapshots/a");
  put ("cache/huggingface/hub/models--someone--whisper-base/snapshots/a/"
       "model.safetensors");
  put ("cache/huggingface/hub/" BASE "/snapshots/a/model.safetensors");
  put ("cache/huggingface/hub/" BASE "/snapshots/b/model.safetensors");
  put ("cache/huggingface/hub/" BASE "/snapshots/c/config.json");
  assert_found ("cache/huggingface/hub/" BASE "/snapshots/a");
  g_free (fixture_write ("cache/huggingface/hub/" BASE "/refs/main", "b\n", 2));
  assert_found ("cache/huggingface/hub/" BASE "/snapshots/b");
  list ();
  assert_candidate (2, WHISPER_PLACE_HUGGING_FACE, BASE "/snapshots/b", NULL);
  assert_candidate (3, WHISPER_PLACE_HUGGING_FACE, BASE "/snapshots/a", NULL);
  assert_candidate (4, WHISPER_PLACE_HUGGING_FACE, TINY "/snapshots/a", NULL);
  fail_unless_equals_int (candidates->len, 5);
}
GST_END_TEST;

/* As Hugging Face's own tools do: HF_HUB_CACHE, else HF_HOME/hub, else below
 * the cache folder; only one of them. */
GST_START_TEST (test_hugging_face_variables)
{
  put ("cache/huggingface/hub/" BASE "/snapshots/1/model.safetensors");
  put ("hf/hub/" BASE "/snapshots/2/model.safetensors");
  put ("hub/" BASE "/snapshots/3/model.safetensors");
  put ("home/.cache/huggingface/hub/" BASE "/snapshots/4/model.safetensors");
  assert_found ("cache/huggingface/hub/" BASE "/snapshots/1");
  set_variable ("HF_HOME", "hf");
  assert_found ("hf/hub/" BASE "/snapshots/2");
  set_variable ("HF_HUB_CACHE", "hub");
  assert_found ("hub/" BASE "/snapshots/3");
  g_unsetenv ("HF_HUB_CACHE");
  g_unsetenv ("HF_HOME");
  g_unsetenv ("XDG_CACHE_HOME");
  assert_found ("home/.cache/huggingface/hub/" BASE "/snapshots/4");
}
GST_END_TEST;

/* A download that was never finished, and names that must not lead away. */
GST_START_TEST (test_hugging_face_broken)
{
  gchar *main_ref = fixture_path ("cache/huggingface/hub/" TINY "/refs/main");
  gchar *dangling = fixture_path (
      "cache/huggingface/hub/" BASE "/snapshots/a/model.safetensors");

  put ("cache/huggingface/hub/" BASE "/model.safetensors");
  fail_unless_equals_int (symlink ("../../blobs/gone", dangling), 0);
  g_free (fixture_write ("cache/huggingface/hub/" BASE "/refs/main", "..", 2));
  fail_unless_equals_int (mkfifo (main_ref, 0600), 0);
  assert_none_found ();
  list ();
  assert_candidate (2, WHISPER_PLACE_HUGGING_FACE, BASE, "no snapshot");
  assert_candidate (3, WHISPER_PLACE_HUGGING_FACE, TINY, "no snapshot");
  fail_unless_equals_int (candidates->len, 4);
  g_free (dangling);
  g_free (main_ref);
}
GST_END_TEST;

static Suite *
whispermodel_search_suite (void)
{
  Suite *suite = suite_create ("whispermodel-search");
  TCase *search = tcase_create ("search");

  suite_add_tcase (suite, search);
  tcase_add_checked_fixture (search, setup, teardown);
  tcase_add_test (search, test_nothing);
  tcase_add_test (search, test_variable);
  tcase_add_test (search, test_variable_refused);
  tcase_add_test (search, test_variable_synthetic);
  tcase_add_test (search, test_variable_empty);
  tcase_add_test (search, test_data_folder);
  tcase_add_test (search, test_data_folder_kinds);
  tcase_add_test (search, test_data_folder_broken);
  tcase_add_test (search, test_data_folder_only_broken);
  tcase_add_test (search, test_data_folder_default);
  tcase_add_test (search, test_hugging_face);
  tcase_add_test (search, test_hugging_face_variables);
  tcase_add_test (search, test_hugging_face_broken);
  return suite;
}

GST_CHECK_MAIN (whispermodel_search);
