/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuwhisperenc-weights.c: which weights the element takes and refuses, and
 * how it shares and drops them.
 */
#include <string.h>

#include "../encoderfixture.h"
#include "../libs/whisperfixture.h"
#include "gstnpucontext.h"

/* ---- weights that cannot be used --------------------------------------- */

static void
assert_refused (const gchar *model, GQuark domain, gint code)
{
  Enc f;

  enc_init_bare (&f, model);
  fail_unless_equals_int (gst_element_set_state (f.element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  enc_assert_error (&f, domain, code);
  enc_assert_active (f.element, NULL, NULL, NULL);

  /* and can be used as if nothing had happened */
  g_object_set (f.element, "model", MODEL, NULL);
  enc_assert_state (f.element, GST_STATE_PAUSED);
  fail_unless (enc_pop_message (&f, GST_MESSAGE_ERROR) == NULL);
  enc_assert_active (f.element, "synthetic-test", "f32", "cpu");
  enc_clear_bare (&f);
}

static void
assert_bytes_refused (
    const gchar *name, const void *data, gsize size, GQuark domain, gint code)
{
  gchar *path = fixture_write (name, data, size);

  assert_refused (path, domain, code);
  g_free (path);
}

static FixtureFile *
weight_file (void)
{
  GPtrArray *tensors = fixture_model_new (&fixture_tiny);
  FixtureFile *file = fixture_file_new (tensors, "F16", "model.encoder.");

  g_ptr_array_unref (tensors);
  return file;
}

/* Writes @file and frees it; the path is the caller's. */
static gchar *
write_weights (const gchar *name, FixtureFile *file)
{
  GByteArray *bytes = fixture_file_bytes (file);
  gchar *path = fixture_write (name, bytes->data, bytes->len);

  g_byte_array_unref (bytes);
  fixture_file_free (file);
  return path;
}

GST_START_TEST (test_missing_weights)
{
  gchar *path = fixture_path ("none.safetensors");

  assert_refused (path, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_free (path);
  assert_refused (
      fixture_folder (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
  assert_refused (
      "synthetic:huge", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  assert_refused ("", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
}
GST_END_TEST;

GST_START_TEST (test_weights_of_another_kind)
{
  static const gchar other[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
                               "\"data_offsets\":[0,4]}}";
  guint64 length = GUINT64_TO_LE (strlen (other));
  GByteArray *bytes = g_byte_array_new ();
  gchar garbage[5000];

  assert_bytes_refused ("empty.safetensors", "", 0, GST_STREAM_ERROR,
      GST_STREAM_ERROR_WRONG_TYPE);

  for (gsize i = 0; i < sizeof (garbage); i++)
    garbage[i] = (gchar) (i * i * 31 + 7);
  assert_bytes_refused ("garbage.safetensors", garbage, sizeof (garbage),
      GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);

  g_byte_array_append (bytes, (guint8 *) &length, 8);
  g_byte_array_append (bytes, (const guint8 *) other, strlen (other));
  g_byte_array_append (bytes, (const guint8 *) "\0\0\0\0", 4);
  assert_bytes_refused ("other.safetensors", bytes->data, bytes->len,
      GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
  g_byte_array_unref (bytes);
}
GST_END_TEST;

GST_START_TEST (test_truncated_weights)
{
  gchar *path = write_weights ("whole.safetensors", weight_file ());
  gchar *data;
  gsize size;

  fail_unless (g_file_get_contents (path, &data, &size, NULL));
  assert_bytes_refused ("short.safetensors", data, size - 1, GST_STREAM_ERROR,
      GST_STREAM_ERROR_WRONG_TYPE);
  g_free (data);
  g_free (path);
}
GST_END_TEST;

GST_START_TEST (test_weights_of_impossible_shape)
{
  FixtureSizes sizes = fixture_tiny;
  GPtrArray *tensors;
  gchar *path;

  sizes.n_mels = 40;
  tensors = fixture_model_new (&sizes);
  path = write_weights (
      "bands.safetensors", fixture_file_new (tensors, "F16", ""));
  assert_refused (path, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_ptr_array_unref (tensors);
  g_free (path);
}
GST_END_TEST;

GST_START_TEST (test_audio_ctx_beyond_the_model)
{
  gchar *path = write_weights ("small.safetensors", weight_file ());
  Enc f;

  enc_init_bare (&f, path);
  g_object_set (f.element, "audio-ctx", 5, NULL);
  fail_unless_equals_int (gst_element_set_state (f.element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  enc_assert_error (&f, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_object_set (f.element, "audio-ctx", 4, NULL);
  enc_assert_state (f.element, GST_STATE_READY);
  enc_clear_bare (&f);
  g_free (path);
}
GST_END_TEST;

GST_START_TEST (test_device_that_is_not_there)
{
  Enc f;

  enc_init_bare (&f, MODEL);
  g_object_set (f.element, "device", "no-such-device", NULL);
  fail_unless_equals_int (gst_element_set_state (f.element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  enc_assert_error (&f, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_object_set (f.element, "device", "cpu", NULL);
  enc_assert_state (f.element, GST_STATE_READY);
  enc_clear_bare (&f);
}
GST_END_TEST;

/* ---- the search for weights -------------------------------------------- */

/* No place that is searched has weights. */
static void
hide_weights (void)
{
  gchar *nowhere = fixture_path ("nowhere");

  g_unsetenv ("NPU_WHISPER_MODEL");
  g_unsetenv ("HF_HUB_CACHE");
  g_setenv ("XDG_DATA_HOME", nowhere, TRUE);
  g_setenv ("HF_HOME", nowhere, TRUE);
  g_free (nowhere);
}

GST_START_TEST (test_without_weights_on_made_up_ones)
{
  Enc f;
  GstMessage *message;
  GError *warning = NULL;
  GstCaps *caps;
  GstPad *pad;

  hide_weights ();
  enc_init_bare (&f, NULL);
  enc_assert_state (f.element, GST_STATE_READY);

  message = enc_pop_message (&f, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_parse_warning (message, &warning, NULL);
  fail_unless (g_error_matches (
      warning, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
  fail_unless (strstr (warning->message, "mean nothing") != NULL);
  fail_unless (strstr (warning->message, "scripts/get-model.sh") != NULL);
  g_error_free (warning);
  gst_message_unref (message);
  fail_unless (enc_pop_message (&f, GST_MESSAGE_WARNING) == NULL);

  enc_assert_active (f.element, "synthetic-base", "f32", "cpu");
  pad = gst_element_get_static_pad (f.element, "src");
  caps = gst_pad_query_caps (pad, NULL);
  fail_unless_equals_string (
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "model"),
      "synthetic-base");
  gst_caps_unref (caps);
  gst_object_unref (pad);
  enc_clear_bare (&f);
}
GST_END_TEST;

GST_START_TEST (test_weights_of_the_environment)
{
  gchar *path = write_weights ("found.safetensors", weight_file ());
  Enc f;

  hide_weights ();
  g_setenv ("NPU_WHISPER_MODEL", path, TRUE);
  enc_init_bare (&f, NULL);
  enc_assert_state (f.element, GST_STATE_READY);
  fail_unless (enc_pop_message (&f, GST_MESSAGE_WARNING) == NULL);
  enc_assert_active (f.element, "custom-64x2", "f32", "cpu");
  enc_clear_bare (&f);
  g_free (path);

  path = fixture_path ("none.safetensors");
  g_setenv ("NPU_WHISPER_MODEL", path, TRUE);
  enc_init_bare (&f, NULL);
  fail_unless_equals_int (gst_element_set_state (f.element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  enc_assert_error (&f, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  enc_clear_bare (&f);
  g_free (path);
}
GST_END_TEST;

/* A file's results are those of its weights, by the reference. */
GST_START_TEST (test_states_of_a_file)
{
  gchar *path = write_weights ("states.safetensors", weight_file ());

  enc_check_states (path, 4, 7);
  g_free (path);
}
GST_END_TEST;

/* ---- sharing and life cycle -------------------------------------------- */

static GstNpuContext *
context_of (GstElement *element)
{
  GstContext *carrier = gst_element_get_context (element, GST_NPU_CONTEXT_TYPE);
  GstNpuContext *context = NULL;

  fail_unless (carrier != NULL);
  gst_structure_get (gst_context_get_structure (carrier), "context",
      GST_TYPE_NPU_CONTEXT, &context, NULL);
  gst_context_unref (carrier);
  fail_unless (context != NULL);
  return context;
}

static guint
cached (GstNpuContext *context)
{
  GstStructure *stats = gst_npu_context_get_stats (context);
  guint n;

  fail_unless (gst_structure_get_uint (stats, "programs", &n));
  gst_structure_free (stats);
  return n;
}

/* One device and one copy of the weights for all pipelines of a process. */
GST_START_TEST (test_elements_share)
{
  GstElement *pipelines[2], *encoders[2];
  GstNpuContext *contexts[2];
  gchar *precision = NULL;

  for (guint i = 0; i < 2; i++) {
    pipelines[i] = gst_pipeline_new (NULL);
    encoders[i] = enc_new (MODEL);
    gst_util_set_object_arg (
        G_OBJECT (encoders[i]), "precision", i == 0 ? "auto" : precision);
    gst_bin_add (GST_BIN (pipelines[i]), encoders[i]);
    enc_assert_state (pipelines[i], GST_STATE_READY);
    contexts[i] = context_of (encoders[i]);
    /* What "auto" stands for, by name, is the same. */
    if (i == 0)
      g_object_get (encoders[i], "active-precision", &precision, NULL);
  }
  g_free (precision);
  fail_unless (contexts[0] == contexts[1]);
  fail_unless_equals_int (cached (contexts[0]), 1);

  g_object_set (encoders[1], "model", "synthetic:tiny", NULL);
  enc_assert_state (pipelines[1], GST_STATE_NULL);
  fail_unless_equals_int (cached (contexts[0]), 1);
  enc_assert_state (pipelines[1], GST_STATE_READY);
  fail_unless_equals_int (cached (contexts[0]), 2);

  for (guint i = 0; i < 2; i++) {
    enc_assert_state (pipelines[i], GST_STATE_NULL);
    fail_unless_equals_int (cached (contexts[0]), 1 - i);
  }
  for (guint i = 0; i < 2; i++) {
    gst_object_unref (encoders[i]);
    gst_object_unref (pipelines[i]);
    gst_object_unref (contexts[i]);
  }
}
GST_END_TEST;

GST_START_TEST (test_states_cycle)
{
  GstElement *element = enc_new (MODEL);

  for (guint i = 0; i < 20; i++) {
    enc_assert_state (element, GST_STATE_PLAYING);
    enc_assert_state (element, i % 2 == 0 ? GST_STATE_READY : GST_STATE_NULL);
  }
  enc_assert_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}
GST_END_TEST;

/* A restart begins from nothing: no frame, number or event is left. */
GST_START_TEST (test_restart)
{
  Enc f;
  GstSegment segment;
  GstStructure *stats;

  enc_init (&f);
  enc_push_frames (&f, 0, 3100, 10);
  enc_assert_output (&f, 0, 0, 30 * GST_SECOND, TRUE);
  enc_assert_state (f.element, GST_STATE_READY);
  enc_assert_state (f.element, GST_STATE_PLAYING);
  g_object_get (f.element, "stats", &stats, NULL);
  fail_unless_equals_uint64 (enc_get_uint64 (stats, "windows"), 0);
  gst_structure_free (stats);

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.h, gst_event_new_stream_start ("again"));
  enc_push_caps (&f, MEL_CAPS);
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  enc_push_frames (&f, 700, 100, 10);
  enc_push_eos (&f);
  enc_assert_output (&f, 0, 7 * GST_SECOND, GST_SECOND, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

static Suite *
npuwhisperenc_weights_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_weights");
  TCase *tc = tcase_create ("weights");

  tcase_add_unchecked_fixture (tc, NULL, fixture_folder_remove);
  tcase_add_checked_fixture (tc, NULL, fixture_folder_remove);
  tcase_add_test (tc, test_missing_weights);
  tcase_add_test (tc, test_weights_of_another_kind);
  tcase_add_test (tc, test_truncated_weights);
  tcase_add_test (tc, test_weights_of_impossible_shape);
  tcase_add_test (tc, test_audio_ctx_beyond_the_model);
  tcase_add_test (tc, test_device_that_is_not_there);
  tcase_add_test (tc, test_without_weights_on_made_up_ones);
  tcase_add_test (tc, test_weights_of_the_environment);
  tcase_add_test (tc, test_states_of_a_file);
  suite_add_tcase (s, tc);

  tc = tcase_create ("life");
  tcase_add_test (tc, test_elements_share);
  tcase_add_test (tc, test_states_cycle);
  tcase_add_test (tc, test_restart);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_weights)
