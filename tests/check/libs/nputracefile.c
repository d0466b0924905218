/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nputracefile.c: the writer of traces: what it writes parses, at any moment
 * and after a failure; and it neither grows nor blocks without bound.
 */
#include <gst/check/gstcheck.h>

#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gstnputracefile.h"

static gchar *dir, *path;
static guint n_warnings;

static void
count_warning (const gchar *domain, GLogLevelFlags level, const gchar *message,
    gpointer user_data)
{
  g_atomic_int_inc (&n_warnings);
}

static guint log_handler;

static void
setup (void)
{
  dir = g_dir_make_tmp ("npu-trace-XXXXXX", NULL);
  path = g_build_filename (dir, "trace.json", NULL);
  n_warnings = 0;
  log_handler = g_log_set_handler (
      "GStreamer-NPU", G_LOG_LEVEL_WARNING, count_warning, NULL);
}

static void
teardown (void)
{
  g_log_remove_handler ("GStreamer-NPU", log_handler);
  g_unlink (path);
  g_rmdir (dir);
  g_free (path);
  g_free (dir);
}

static GstNpuTraceFile *
open_trace (guint64 max_events)
{
  GError *error = NULL;
  GstNpuTraceFile *file = gst_npu_trace_file_new (path, max_events, &error);

  fail_unless (file != NULL, "%s", error ? error->message : "");
  return file;
}

static void
add_span (GstNpuTraceFile *file, const gchar *name, gchar *args)
{
  GstNpuTraceEvent event = { .phase = GST_NPU_TRACE_SPAN,
    .track = 7,
    .name = name,
    .time = gst_util_get_timestamp (),
    .duration = 1234567,
    .args = args };

  gst_npu_trace_file_add (file, &event);
}

/* The events in @text, or NULL if it is no whole JSON array. */
static JsonNode *
parse (const gchar *text)
{
  GError *error = NULL;
  JsonNode *node = json_from_string (text, &error);

  g_clear_error (&error);
  return node;
}

static JsonNode *
read_events (void)
{
  JsonNode *node;
  gchar *text;

  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  node = parse (text);
  fail_unless (node != NULL && JSON_NODE_HOLDS_ARRAY (node), "%s", text);
  g_free (text);
  return node;
}

static guint
count_events (void)
{
  JsonNode *node = read_events ();
  guint n = json_array_get_length (json_node_get_array (node));

  json_node_unref (node);
  return n;
}

/* Until the file, which is being written, is a whole array of @n events: a
 * read may fall into a write. */
static void
wait_for_events (guint n)
{
  gboolean there = FALSE;

  while (!there) {
    JsonNode *node;
    gchar *text;

    g_usleep (1000);
    fail_unless (g_file_get_contents (path, &text, NULL, NULL));
    node = parse (text);
    there =
        node != NULL && json_array_get_length (json_node_get_array (node)) == n;
    g_clear_pointer (&node, json_node_unref);
    g_free (text);
  }
}

GST_START_TEST (test_no_event)
{
  gst_npu_trace_file_free (open_trace (0));
  fail_unless_equals_int (count_events (), 0);
}
GST_END_TEST;

/* Names and arguments come back as they went in. */
GST_START_TEST (test_strings)
{
  static const gchar *const names[] = { "plain", "a \"quote\" and a \\",
    "line\nend\ttab\x01", "Zürich 東京", "" };
  GstNpuTraceFile *file = open_trace (0);
  JsonNode *node;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GString *args = g_string_new ("{\"value\":");

    gst_npu_trace_append_string (args, names[i]);
    g_string_append_c (args, '}');
    add_span (file, names[i], g_string_free (args, FALSE));
  }
  gst_npu_trace_file_free (file);

  node = read_events ();
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    JsonObject *event =
        json_array_get_object_element (json_node_get_array (node), i);
    JsonObject *args = json_object_get_object_member (event, "args");

    fail_unless_equals_string (
        json_object_get_string_member (event, "name"), names[i]);
    fail_unless_equals_string (
        json_object_get_string_member (args, "value"), names[i]);
    fail_unless_equals_float (
        json_object_get_double_member (event, "dur"), 1234.567);
  }
  json_node_unref (node);
}
GST_END_TEST;

GST_START_TEST (test_not_utf8)
{
  GString *json = g_string_new (NULL);

  gst_npu_trace_append_string (json, "\xff\xfe");
  fail_unless (g_utf8_validate (json->str, -1, NULL));
  g_string_free (json, TRUE);
}
GST_END_TEST;

GST_START_TEST (test_numbers)
{
  GString *json = g_string_new (NULL);

  gst_npu_trace_append_double (json, 0.5);
  g_string_append_c (json, ' ');
  gst_npu_trace_append_double (json, 0.0 / 0.0);
  g_string_append_c (json, ' ');
  gst_npu_trace_append_double (json, 1e300 * 1e300);
  fail_unless_equals_string (json->str, "0.5 0 0");
  g_string_free (json, TRUE);
}
GST_END_TEST;

/* Without being closed, as after a kill. */
GST_START_TEST (test_whole_while_open)
{
  GstNpuTraceFile *file = open_trace (0);

  wait_for_events (0);
  for (guint round = 1; round <= 3; round++) {
    add_span (file, "round", NULL);
    wait_for_events (round);
  }
  gst_npu_trace_file_free (file);
}
GST_END_TEST;

GST_START_TEST (test_max_events)
{
  GstNpuTraceFile *file = open_trace (100);

  for (guint i = 0; i < 150; i++)
    add_span (file, "span", g_strdup ("{}"));
  fail_unless_equals_uint64 (gst_npu_trace_file_get_dropped (file), 50);
  gst_npu_trace_file_free (file);
  fail_unless_equals_int (count_events (), 100);
  fail_unless_equals_int (n_warnings, 1);
}
GST_END_TEST;

/* GString */
static gpointer
read_pipe (gpointer data)
{
  GString *text = g_string_new (NULL);
  gchar part[4096];
  gssize n;

  while ((n = read (GPOINTER_TO_INT (data), part, sizeof (part))) > 0)
    g_string_append_len (text, part, n);
  return text;
}

/* An event to a line; parsing them all takes too long with a sanitizer, and so
 * do functions that look for the end of a long string. */
static void
assert_array_of_lines (const gchar *text, gsize length, guint64 n)
{
  const gchar *line = text, *stop = text + length;
  guint64 n_lines = 0, n_good = 0;

  while (line < stop) {
    const gchar *end = memchr (line, '\n', stop - line);

    if (end == NULL)
      break;
    if (n_lines++ > 0)
      n_good += line[0] == '{' && end[-1] == (n_good + 1 < n ? ',' : '}');
    line = end + 1;
  }
  fail_unless_equals_uint64 (n_lines, n + 2);
  fail_unless_equals_uint64 (n_good, n);
  fail_unless (text[0] == '[' && memcmp (stop - 3, "\n]\n", 3) == 0);
}

/* Nobody reads for a while: events are dropped and counted, adding does not
 * block, and what was taken comes out whole. */
GST_START_TEST (test_writer_that_is_held_up)
{
  const guint n = 5 * GST_NPU_TRACE_ROOM;
  GstNpuTraceFile *file;
  guint64 dropped;
  GThread *reader;
  GString *text;
  gint fd;

  fail_unless_equals_int (mkfifo (path, 0600), 0);
  fd = open (path, O_RDONLY | O_NONBLOCK);
  fail_unless (fd >= 0);
  file = open_trace (0);
  for (guint i = 0; i < n; i++)
    add_span (file, "a name that is long enough to fill a pipe soon", NULL);
  dropped = gst_npu_trace_file_get_dropped (file);
  fail_unless (dropped >= n - 3 * GST_NPU_TRACE_ROOM, "%u", (guint) dropped);

  fail_unless_equals_int (fcntl (fd, F_SETFL, 0), 0); /* block from now on */
  reader = g_thread_new ("reader", read_pipe, GINT_TO_POINTER (fd));
  gst_npu_trace_file_free (file);
  text = g_thread_join (reader);
  assert_array_of_lines (text->str, text->len, n - dropped);
  fail_unless_equals_int (n_warnings, 1);
  g_string_free (text, TRUE);
  close (fd);
}
GST_END_TEST;

GST_START_TEST (test_broken_pipe)
{
  GstNpuTraceFile *file;
  gint fd;

  fail_unless_equals_int (mkfifo (path, 0600), 0);
  fd = open (path, O_RDONLY | O_NONBLOCK);
  file = open_trace (0);
  close (fd);
  add_span (file, "span", NULL);
  gst_npu_trace_file_free (file);
  fail_unless_equals_int (n_warnings, 1);
}
GST_END_TEST;

static void
wait_for_warning (GstNpuTraceFile *file)
{
  while (g_atomic_int_get (&n_warnings) == 0) {
    add_span (file, "span", NULL);
    g_usleep (1000);
  }
}

/* A disk that is full when there is something in the file already; a limit on
 * its size stands for that. */
GST_START_TEST (test_full_disk)
{
  GstNpuTraceFile *file = open_trace (0);
  struct rlimit before, limit;
  gint set, restored;

  add_span (file, "span", NULL);
  wait_for_events (1);
  fail_unless_equals_int (getrlimit (RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 1024;
  /* Nothing is checked in between: the harness notes it in files. */
  set = setrlimit (RLIMIT_FSIZE, &limit);
  if (set == 0)
    wait_for_warning (file);
  restored = setrlimit (RLIMIT_FSIZE, &before);
  fail_unless (set == 0 && restored == 0);
  add_span (file, "too late", g_strdup ("{}"));
  gst_npu_trace_file_free (file);
  fail_unless_equals_int (n_warnings, 1);
  fail_unless (count_events () >= 1);
}
GST_END_TEST;

static void
assert_not_opened (const gchar *name)
{
  GError *error = NULL;

  fail_unless (gst_npu_trace_file_new (name, 0, &error) == NULL);
  fail_unless (error != NULL && strstr (error->message, name) != NULL);
  g_error_free (error);
}

GST_START_TEST (test_cannot_be_written)
{
  gchar *missing = g_build_filename (dir, "missing", "trace.json", NULL);

  assert_not_opened (missing);
  assert_not_opened (dir);
  if (access ("/dev/full", W_OK) == 0)
    assert_not_opened ("/dev/full");
  g_free (missing);
}
GST_END_TEST;

static gpointer
add_many (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    add_span (data, "span", g_strdup ("{\"a\":1}"));
  return NULL;
}

GST_START_TEST (test_threads)
{
  GstNpuTraceFile *file = open_trace (0);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("add", add_many, file);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  fail_unless_equals_uint64 (gst_npu_trace_file_get_dropped (file), 0);
  gst_npu_trace_file_free (file);
  fail_unless_equals_int (count_events (), 4000);
}
GST_END_TEST;

static Suite *
nputracefile_suite (void)
{
  Suite *suite = suite_create ("nputracefile");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_no_event);
  tcase_add_test (tcase, test_strings);
  tcase_add_test (tcase, test_not_utf8);
  tcase_add_test (tcase, test_numbers);
  tcase_add_test (tcase, test_whole_while_open);
  tcase_add_test (tcase, test_max_events);
  tcase_add_test (tcase, test_writer_that_is_held_up);
  tcase_add_test (tcase, test_broken_pipe);
  tcase_add_test (tcase, test_full_disk);
  tcase_add_test (tcase, test_cannot_be_written);
  tcase_add_test (tcase, test_threads);
  return suite;
}

GST_CHECK_MAIN (nputracefile);
