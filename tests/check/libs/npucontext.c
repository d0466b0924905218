/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucontext.c: one device for all, found by the context protocol, and the
 * cache of what is dear to make.
 */
#include <gst/check/gstcheck.h>

#include "gstnpucontext-private.h"
#include "gstnpuutils.h"

#define N_THREADS 16

static GstNpuContext *
new_context (void)
{
  GError *error = NULL;
  GstNpuContext *context = gst_npu_context_new ("cpu", &error);

  fail_unless (context != NULL, "%s", error != NULL ? error->message : "");
  return context;
}

/* ---- devices ---- */

GST_START_TEST (test_one_context_per_device)
{
  GstNpuContext *context = new_context ();
  GstNpuContext *again = gst_npu_context_new ("auto", NULL);
  GstNpuContext *any = gst_npu_context_new (NULL, NULL);

  fail_unless (context == again && again == any);
  fail_unless_equals_string (gst_npu_context_get_device (context), "cpu");
  fail_if (gst_npu_context_is_hardware (context));
  gst_object_unref (again);
  gst_object_unref (any);
  ASSERT_OBJECT_REFCOUNT (context, "context", 1);
  gst_object_unref (context);
}
GST_END_TEST;

GST_START_TEST (test_unknown_device)
{
  GError *error = NULL;

  fail_if (gst_npu_context_new ("0000:c5:00.1", &error) != NULL);
  fail_unless (g_error_matches (
      error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
  fail_unless (strstr (error->message, "0000:c5:00.1") != NULL);
  g_error_free (error);
}
GST_END_TEST;

GST_START_TEST (test_unknown_instruction_set)
{
  GError *error = NULL;

  g_setenv ("NPU_ISA", "mmx", TRUE);
  fail_if (gst_npu_context_new ("cpu", &error) != NULL);
  g_unsetenv ("NPU_ISA");
  fail_unless (
      g_error_matches (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS));
  fail_unless (strstr (error->message, "mmx") != NULL);
  fail_unless (strstr (error->message, "c, ") != NULL);
  g_error_free (error);
}
GST_END_TEST;

/* ---- the cache ---- */

static gint n_made, n_freed;

static gpointer
make_slowly (gpointer user_data, GError **error)
{
  g_atomic_int_inc (&n_made);
  g_usleep (20000);
  if (user_data == NULL)
    g_set_error_literal (error, GST_CORE_ERROR, GST_CORE_ERROR_FAILED, "no");
  return g_strdup (user_data);
}

static void
count_free (gpointer value)
{
  g_atomic_int_inc (&n_freed);
  g_free (value);
}

static gpointer
look_up (gpointer user_data)
{
  return gst_npu_context_cache_lookup (
      user_data, "key", make_slowly, "value", count_free, NULL);
}

static gpointer
look_up_failing (gpointer user_data)
{
  GError *error = NULL;

  fail_if (gst_npu_context_cache_lookup (
               user_data, "key", make_slowly, NULL, count_free, &error)
           != NULL);
  fail_unless (g_error_matches (error, GST_CORE_ERROR, GST_CORE_ERROR_FAILED));
  g_error_free (error);
  return NULL;
}

static void
run_threads (GThreadFunc function, gpointer data, gpointer *results)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("test", function, data);
  for (guint i = 0; i < N_THREADS; i++)
    results[i] = g_thread_join (threads[i]);
}

GST_START_TEST (test_cache_makes_once)
{
  GstNpuContext *context = new_context ();
  gpointer results[N_THREADS];

  n_made = n_freed = 0;
  run_threads (look_up, context, results);
  fail_unless_equals_int (n_made, 1);
  for (guint i = 0; i < N_THREADS; i++)
    fail_unless (results[i] == results[0]);

  for (guint i = 0; i < N_THREADS; i++) {
    fail_unless_equals_int (n_freed, 0);
    gst_npu_context_cache_release (context, "key");
  }
  fail_unless_equals_int (n_freed, 1);

  /* The next user finds nothing and makes it again. */
  fail_unless (look_up (context) != NULL);
  fail_unless_equals_int (n_made, 2);
  gst_npu_context_cache_release (context, "key");
  fail_unless_equals_int (n_freed, 2);
  gst_object_unref (context);
}
GST_END_TEST;

GST_START_TEST (test_cache_failure)
{
  GstNpuContext *context = new_context ();
  gpointer results[N_THREADS];

  run_threads (look_up_failing, context, results);
  /* A failure is not remembered. */
  fail_unless (look_up (context) != NULL);
  gst_npu_context_cache_release (context, "key");
  gst_object_unref (context);
}
GST_END_TEST;

/* ---- the protocol ---- */

static GstElement *
make_pipeline (void)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (
      "audiotestsrc num-buffers=20 ! npumel name=mel ! "
      "npuwhisperenc name=enc model=synthetic:test ! fakesink",
      &error);

  fail_unless (pipeline != NULL && error == NULL);
  return pipeline;
}

/* (transfer full): the context that @element answers a query with. */
static GstNpuContext *
element_context (GstElement *element)
{
  GstPad *pad = gst_element_get_static_pad (element, "src");
  GstQuery *query = gst_query_new_context (GST_NPU_CONTEXT_TYPE);
  GstNpuContext *context = NULL;
  GstContext *carrier = NULL;

  if (gst_pad_query (pad, query)) {
    gst_query_parse_context (query, &carrier);
    gst_structure_get (gst_context_get_structure (carrier), "context",
        GST_TYPE_NPU_CONTEXT, &context, NULL);
  }
  gst_query_unref (query);
  gst_object_unref (pad);
  return context;
}

static GstNpuContext *
context_of (GstElement *pipeline, const gchar *name)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstNpuContext *context = element_context (element);

  gst_object_unref (element);
  return context;
}

static void
stop (GstElement *pipeline)
{
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_elements_share)
{
  GstElement *one = make_pipeline (), *two = make_pipeline ();
  GstNpuContext *mel, *enc, *other;

  gst_element_set_state (one, GST_STATE_READY);
  gst_element_set_state (two, GST_STATE_READY);
  mel = context_of (one, "mel");
  enc = context_of (one, "enc");
  other = context_of (two, "enc");
  fail_unless (mel != NULL && mel == enc && enc == other);

  gst_object_unref (mel);
  gst_object_unref (other);
  gst_element_set_state (one, GST_STATE_NULL);
  gst_element_set_state (two, GST_STATE_NULL);
  /* Nobody keeps the device open but this test. */
  ASSERT_OBJECT_REFCOUNT (enc, "context", 1);
  gst_object_unref (enc);
  stop (one);
  stop (two);
}
GST_END_TEST;

/* The NEED_CONTEXT message can only be answered on the thread that posts it. */
static GstBusSyncReply
answer_need_context (GstBus *bus, GstMessage *message, gpointer user_data)
{
  const gchar *type = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_NEED_CONTEXT
      && gst_message_parse_context_type (message, &type)
      && g_str_equal (type, GST_NPU_CONTEXT_TYPE)) {
    GstContext *carrier = gst_context_new_npu_context (user_data, TRUE);

    gst_element_set_context (GST_ELEMENT (GST_MESSAGE_SRC (message)), carrier);
    gst_context_unref (carrier);
  }
  return GST_BUS_PASS;
}

GST_START_TEST (test_application_supplies)
{
  GstNpuContext *mine = new_context (), *used;
  GstElement *pipeline = make_pipeline ();
  GstBus *bus = gst_element_get_bus (pipeline);

  gst_bus_set_sync_handler (bus, answer_need_context, mine, NULL);
  gst_element_set_state (pipeline, GST_STATE_READY);
  used = context_of (pipeline, "enc");
  fail_unless (used == mine);
  gst_object_unref (used);
  gst_object_unref (bus);
  stop (pipeline);
  ASSERT_OBJECT_REFCOUNT (mine, "context", 1);
  gst_object_unref (mine);
}
GST_END_TEST;

GST_START_TEST (test_set_on_pipeline)
{
  GstNpuContext *mine = new_context (), *used;
  GstContext *carrier = gst_context_new_npu_context (mine, TRUE);
  GstElement *pipeline = make_pipeline ();

  gst_element_set_context (pipeline, carrier);
  for (guint i = 0; i < 3; i++) {
    gst_element_set_state (pipeline, GST_STATE_READY);
    used = context_of (pipeline, "mel");
    fail_unless (used == mine);
    gst_object_unref (used);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
  stop (pipeline);
  gst_context_unref (carrier);
  ASSERT_OBJECT_REFCOUNT (mine, "context", 1);
  gst_object_unref (mine);
}
GST_END_TEST;

/* There is no bin that would hand it on again. */
GST_START_TEST (test_set_on_element)
{
  GstNpuContext *mine = new_context (), *used;
  GstContext *carrier = gst_context_new_npu_context (mine, TRUE);
  GstElement *element = gst_element_factory_make ("npumel", NULL);

  gst_element_set_context (element, carrier);
  gst_context_unref (carrier);
  for (guint i = 0; i < 3; i++) {
    gst_element_set_state (element, GST_STATE_READY);
    used = element_context (element);
    fail_unless (used == mine);
    gst_object_unref (used);
    gst_element_set_state (element, GST_STATE_NULL);
  }
  gst_object_unref (element);
  ASSERT_OBJECT_REFCOUNT (mine, "context", 1);
  gst_object_unref (mine);
}
GST_END_TEST;

GST_START_TEST (test_wrong_device_is_refused)
{
  GstNpuContext *mine = new_context (), *field = NULL;
  GstContext *carrier = gst_context_new_npu_context (mine, TRUE);
  GstElement *element = gst_element_factory_make ("npumel", NULL);
  GError *error = NULL;

  fail_if (gst_npu_handle_set_context (element, carrier, "1", &field));
  fail_if (field != NULL);
  fail_unless (gst_npu_handle_set_context (element, carrier, "cpu", &field));
  fail_unless (field == mine);

  /* The field is written once only. */
  fail_if (gst_npu_ensure_element_context (element, "1", &field, &error));
  fail_unless (
      g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS));
  g_error_free (error);
  fail_unless (field == mine);

  gst_object_unref (field);
  gst_object_unref (element);
  gst_context_unref (carrier);
  gst_object_unref (mine);
}
GST_END_TEST;

/* The application's context is an order: no other device beside it. */
GST_START_TEST (test_application_is_obeyed)
{
  GstNpuContext *mine = new_context ();
  GstContext *carrier = gst_context_new_npu_context (mine, TRUE);
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *element = gst_element_factory_make ("npumel", NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GError *error = NULL;
  GstMessage *message;

  g_object_set (element, "device", "1", NULL);
  gst_bin_add (GST_BIN (pipeline), element);
  gst_element_set_context (pipeline, carrier);
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS));
  fail_unless (strstr (error->message, "device=1 ") != NULL);
  fail_unless (strstr (error->message, "device=cpu") != NULL);
  g_error_free (error);
  gst_message_unref (message);

  /* What the message asks for helps. */
  g_object_set (element, "device", "auto", NULL);
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (bus);
  stop (pipeline);
  gst_context_unref (carrier);
  ASSERT_OBJECT_REFCOUNT (mine, "context", 1);
  gst_object_unref (mine);
}
GST_END_TEST;

/* An element whose class knows nothing of contexts gets one all the same. */
GST_START_TEST (test_without_set_context)
{
  GstElement *element = gst_element_factory_make ("identity", NULL);
  GstNpuContext *made = NULL, *found = NULL;
  GError *error = NULL;

  fail_unless (gst_npu_ensure_element_context (element, "cpu", &made, &error));
  fail_unless (gst_npu_ensure_element_context (element, NULL, &found, &error));
  fail_unless (made != NULL && made == found && error == NULL);
  gst_object_unref (made);
  gst_object_unref (found);
  gst_object_unref (element);
}
GST_END_TEST;

typedef struct {
  GstElement *element;
  GstNpuContext *field;
} Field;

static gpointer
ensure_field (gpointer user_data)
{
  Field *field = user_data;

  fail_unless (gst_npu_ensure_element_context (
      field->element, "cpu", &field->field, NULL));
  return field->field;
}

GST_START_TEST (test_race_on_one_element)
{
  Field field = { gst_element_factory_make ("identity", NULL), NULL };
  gpointer results[N_THREADS];

  run_threads (ensure_field, &field, results);
  for (guint i = 0; i < N_THREADS; i++)
    fail_unless (results[i] != NULL && results[i] == results[0]);
  gst_object_unref (field.element);
  ASSERT_OBJECT_REFCOUNT (field.field, "context", 1);
  gst_object_unref (field.field);
}
GST_END_TEST;

static gpointer
go_ready (gpointer user_data)
{
  GstElement *element = gst_element_factory_make ("npumel", NULL);

  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  return element;
}

GST_START_TEST (test_race_on_ensure)
{
  for (guint round = 0; round < 20; round++) {
    gpointer elements[N_THREADS];
    GstNpuContext *shared = NULL;

    run_threads (go_ready, NULL, elements);
    for (guint i = 0; i < N_THREADS; i++) {
      GstNpuContext *context = element_context (elements[i]);

      fail_unless (context != NULL && (shared == NULL || context == shared));
      shared = context;
      gst_object_unref (context);
    }
    for (guint i = 0; i < N_THREADS; i++) {
      gst_element_set_state (elements[i], GST_STATE_NULL);
      gst_object_unref (elements[i]);
    }
  }
}
GST_END_TEST;

static Suite *
npucontext_suite (void)
{
  Suite *suite = suite_create ("npucontext");
  TCase *devices = tcase_create ("devices");
  TCase *cache = tcase_create ("cache");
  TCase *protocol = tcase_create ("protocol");

  suite_add_tcase (suite, devices);
  tcase_add_test (devices, test_one_context_per_device);
  tcase_add_test (devices, test_unknown_device);
  tcase_add_test (devices, test_unknown_instruction_set);

  suite_add_tcase (suite, cache);
  tcase_add_test (cache, test_cache_makes_once);
  tcase_add_test (cache, test_cache_failure);

  suite_add_tcase (suite, protocol);
  tcase_add_test (protocol, test_elements_share);
  tcase_add_test (protocol, test_application_supplies);
  tcase_add_test (protocol, test_set_on_pipeline);
  tcase_add_test (protocol, test_set_on_element);
  tcase_add_test (protocol, test_wrong_device_is_refused);
  tcase_add_test (protocol, test_application_is_obeyed);
  tcase_add_test (protocol, test_without_set_context);
  tcase_add_test (protocol, test_race_on_one_element);
  tcase_add_test (protocol, test_race_on_ensure);
  return suite;
}

GST_CHECK_MAIN (npucontext);
