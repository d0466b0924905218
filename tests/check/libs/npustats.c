/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npustats.c: the histograms behind the "stats" properties. */
#include <gst/check/gstcheck.h>

#include "gstnpustats.h"

static const gchar *const stages[] = { "one", "two", NULL };

static guint64
get (GstNpuStats *stats, const gchar *stage, const gchar *field)
{
  GstStructure *structure = gst_structure_new_empty ("stats");
  GstStructure *fields;
  guint64 value;

  gst_npu_stats_to_structure (stats, structure);
  fail_unless (
      gst_structure_get (structure, stage, GST_TYPE_STRUCTURE, &fields, NULL));
  fail_unless (gst_structure_get_uint64 (fields, field, &value), "%s", field);
  gst_structure_free (fields);
  gst_structure_free (structure);
  return value;
}

static void
assert_near (guint64 value, guint64 expected)
{
  fail_unless (value >= expected * 0.91 && value <= expected * 1.09,
      "%" G_GUINT64_FORMAT " instead of %" G_GUINT64_FORMAT, value, expected);
}

GST_START_TEST (test_empty)
{
  static const gchar *const fields[] = { "count", "total", "mean", "min", "p50",
    "p95", "p99", "max" };
  GstNpuStats *stats = gst_npu_stats_new (NULL, stages);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    fail_unless_equals_uint64 (get (stats, "two", fields[i]), 0);
  gst_npu_stats_free (stats);
}
GST_END_TEST;

GST_START_TEST (test_sums_are_exact)
{
  GstNpuStats *stats = gst_npu_stats_new (NULL, stages);
  guint64 total = 0;

  for (guint64 i = 1; i <= 1000; i++) {
    gst_npu_stats_add (stats, 1, 0, i * i * 977);
    total += i * i * 977;
  }
  fail_unless_equals_uint64 (get (stats, "two", "count"), 1000);
  fail_unless_equals_uint64 (get (stats, "two", "total"), total);
  fail_unless_equals_uint64 (get (stats, "two", "mean"), total / 1000);
  fail_unless_equals_uint64 (get (stats, "two", "min"), 977);
  fail_unless_equals_uint64 (get (stats, "two", "max"), 977 * 1000000);
  fail_unless_equals_uint64 (gst_npu_stats_get_total (stats, 1), total);
  fail_unless_equals_uint64 (gst_npu_stats_get_total (stats, 0), 0);
  gst_npu_stats_reset (stats);
  fail_unless_equals_uint64 (get (stats, "two", "count"), 0);
  gst_npu_stats_free (stats);
}
GST_END_TEST;

GST_START_TEST (test_percentiles)
{
  GstNpuStats *stats = gst_npu_stats_new (NULL, stages);

  /* 2 µs … 20 s, evenly in logarithm: 10 to the power of 7 in 1000 steps */
  for (guint i = 1; i <= 1000; i++) {
    gdouble value = 2000.0;

    for (guint k = 0; k < i; k++)
      value *= 1.01625; /* 10^(7/1000) */
    gst_npu_stats_add (stats, 0, 0, value);
  }
  assert_near (get (stats, "one", "p50"), 2000.0 * 3167.0);
  assert_near (get (stats, "one", "p95"), 2000.0 * 4485000.0);
  assert_near (get (stats, "one", "p99"), 2000.0 * 8548000.0);
  gst_npu_stats_free (stats);
}
GST_END_TEST;

/* Outside of the buckets: below 1 µs and above an hour. */
GST_START_TEST (test_extremes)
{
  GstNpuStats *stats = gst_npu_stats_new (NULL, stages);

  gst_npu_stats_add (stats, 0, 0, 0);
  fail_unless_equals_uint64 (get (stats, "one", "p99"), 0);
  gst_npu_stats_add (stats, 1, 0, G_MAXUINT64);
  fail_unless_equals_uint64 (get (stats, "two", "p99"), G_MAXUINT64);
  gst_npu_stats_add (stats, 0, 0, 5 * 3600 * GST_SECOND);
  fail_unless_equals_uint64 (get (stats, "one", "max"), 5 * 3600 * GST_SECOND);
  fail_unless (get (stats, "one", "p99") > 3600 * GST_SECOND);
  gst_npu_stats_free (stats);
}
GST_END_TEST;

/* A value alone is its own percentile, whatever bucket it falls in. */
GST_START_TEST (test_one_value)
{
  static const guint64 values[] = { 1, 999, 1000, 1001, 123456789, 1 << 30 };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    GstNpuStats *stats = gst_npu_stats_new (NULL, stages);

    gst_npu_stats_add (stats, 0, 0, values[i]);
    fail_unless_equals_uint64 (get (stats, "one", "p50"), values[i]);
    fail_unless_equals_uint64 (get (stats, "one", "p99"), values[i]);
    gst_npu_stats_free (stats);
  }
}
GST_END_TEST;

static gpointer
add_many (gpointer data)
{
  for (guint i = 0; i < 20000; i++)
    gst_npu_stats_add (data, 0, 0, 3);
  return NULL;
}

GST_START_TEST (test_threads)
{
  GstNpuStats *stats = gst_npu_stats_new (NULL, stages);
  GThread *threads[4];

  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new ("add", add_many, stats);
  for (guint i = 0; i < 100; i++)
    fail_unless_equals_uint64 (get (stats, "one", "total") % 3, 0);
  for (guint i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  fail_unless_equals_uint64 (get (stats, "one", "total"), 4 * 20000 * 3);
  gst_npu_stats_free (stats);
}
GST_END_TEST;

static Suite *
npustats_suite (void)
{
  Suite *suite = suite_create ("npustats");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_empty);
  tcase_add_test (tcase, test_sums_are_exact);
  tcase_add_test (tcase, test_percentiles);
  tcase_add_test (tcase, test_extremes);
  tcase_add_test (tcase, test_one_value);
  tcase_add_test (tcase, test_threads);
  return suite;
}

GST_CHECK_MAIN (npustats);
