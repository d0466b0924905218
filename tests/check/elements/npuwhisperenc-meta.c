/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npuwhisperenc-meta.c: what an output's meta says of its window. */
#include "../encoderfixture.h"

#define META "GstNpuWindowMeta"
#define POSITIONS 50
#define STRIDE (30 * FRAME)

static const GstStructure *
get_facts (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, META);

  fail_unless (meta != NULL);
  return gst_custom_meta_get_structure (meta);
}

static void
assert_facts (GstBuffer *buffer, guint64 index, GstClockTime start, guint valid)
{
  const GstStructure *facts = get_facts (buffer);
  guint value;

  fail_unless_equals_uint64 (enc_get_uint64 (facts, "window-start"), start);
  fail_unless (gst_structure_get_uint (facts, "valid-frames", &value));
  fail_unless_equals_int (value, valid);
  fail_unless_equals_uint64 (enc_get_uint64 (facts, "index"), index);
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), index);
  fail_unless_equals_string (
      gst_structure_get_string (facts, "backend"), "cpu");
  fail_unless_equals_string (
      gst_structure_get_string (facts, "model"), "synthetic-test");
}

/* first-frame-in ≤ complete ≤ started ≤ ended, all between the two. */
static void
assert_clock (GstBuffer *buffer, GstClockTime before, GstClockTime after)
{
  static const gchar *const names[] = { "first-frame-in", "complete", "started",
    "ended" };
  const GstStructure *facts = get_facts (buffer);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstClockTime time = enc_get_uint64 (facts, names[i]);

    fail_unless (time >= before && time <= after, "%s", names[i]);
    before = time;
  }
}

GST_START_TEST (test_windows_that_follow_each_other)
{
  GstClockTime before = gst_util_get_timestamp ();
  GstBuffer *buffer;
  Enc f;

  enc_init_sliding (&f, POSITIONS, NO_TIME);
  enc_push_frames (&f, 0, 141, 10);
  enc_push_tail (&f, 141);
  enc_push_eos (&f);
  buffer = gst_harness_pull (f.h);
  assert_facts (buffer, 0, 0, 100);
  assert_clock (buffer, before, gst_util_get_timestamp ());
  gst_buffer_unref (buffer);
  buffer = gst_harness_pull (f.h);
  assert_facts (buffer, 1, GST_SECOND, 41);
  gst_buffer_unref (buffer);
  enc_clear (&f);
}
GST_END_TEST;

/* What docs/caps.md says follows without the meta is what it says. */
GST_START_TEST (test_windows_that_overlap)
{
  GstClockTime audio = 0;
  guint valid = 0;
  Enc f;

  enc_init_sliding (&f, POSITIONS, STRIDE);
  enc_push_frames (&f, 0, 255, 10);
  enc_push_frames (&f, 1000, 40, 10);
  enc_push_tail (&f, 1040);
  enc_push_eos (&f);
  enc_assert_count (&f, 11);
  for (guint i = 0; i < 11; i++) {
    GstBuffer *buffer = gst_harness_pull (f.h);
    GstClockTime end = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);

    if (GST_BUFFER_IS_DISCONT (buffer))
      audio = 0;
    audio += GST_BUFFER_DURATION (buffer);
    valid = MIN (audio / FRAME, 100);
    assert_facts (buffer, i, end - valid * FRAME, valid);
    gst_buffer_unref (buffer);
  }
  fail_unless (valid == 40);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_copies_keep_it)
{
  GstBuffer *buffer, *copy, *deep;
  Enc f;

  enc_init_sliding (&f, POSITIONS, NO_TIME);
  enc_push_frames (&f, 0, 100, 10);
  buffer = gst_harness_pull (f.h);
  copy = gst_buffer_copy (buffer);
  deep = gst_buffer_copy_deep (buffer);
  gst_buffer_unref (buffer);
  assert_facts (copy, 0, 0, 100);
  assert_facts (deep, 0, 0, 100);
  gst_buffer_unref (copy);
  gst_buffer_unref (deep);
  enc_clear (&f);
}
GST_END_TEST;

/* A pool's buffer comes again, and has one meta. */
GST_START_TEST (test_pooled_buffers_lose_it)
{
  GstBuffer *known = NULL;
  gboolean again = FALSE;
  Enc f;

  enc_init_sliding (&f, POSITIONS, NO_TIME);
  for (guint i = 0; i < 5; i++) {
    gpointer state = NULL;
    GstBuffer *buffer;
    GstMeta *meta;
    guint n = 0;

    enc_push_frames (&f, 100 * i, 100, 10);
    buffer = gst_harness_pull (f.h);
    while ((meta = gst_buffer_iterate_meta (buffer, &state)) != NULL)
      n += gst_meta_info_is_custom (meta->info);
    fail_unless_equals_int (n, 1);
    assert_facts (buffer, i, i * GST_SECOND, 100);
    again |= buffer == known;
    known = buffer; /* to compare with only */
    gst_buffer_unref (buffer);
  }
  fail_unless (again, "no buffer came twice");
  enc_clear (&f);
}
GST_END_TEST;

static Suite *
npuwhisperenc_meta_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_meta");
  TCase *tc = tcase_create ("meta");

  tcase_add_test (tc, test_windows_that_follow_each_other);
  tcase_add_test (tc, test_windows_that_overlap);
  tcase_add_test (tc, test_copies_keep_it);
  tcase_add_test (tc, test_pooled_buffers_lose_it);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_meta)
