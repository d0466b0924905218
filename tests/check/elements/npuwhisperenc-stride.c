/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuwhisperenc-stride.c: windows that overlap.  They tile the time line, and
 * hold what a window of the same frames alone would.
 */
#include <malloc.h>
#include <string.h>

#include "../encoderfixture.h"

/* Windows of 100 frames, that is, 1 s. */
#define POSITIONS 50
#define FRAMES (2 * POSITIONS)
#define STRIDE (30 * FRAME)

/* (transfer full): the states of the frames [@first, @end), and of @tail behind
 * them, in one window. */
static gfloat *
states_of (gsize first, gsize end, gsize tail, gsize *n)
{
  gfloat *states;
  Enc f;

  enc_init_sliding (&f, POSITIONS, NO_TIME);
  enc_push (&f, enc_frames_new (first, end - first, 0, NO_TIME));
  if (tail > 0)
    enc_push (&f, enc_frames_new (end, tail, (end - first) * FRAME, 0));
  enc_push_eos (&f);
  enc_assert_count (&f, 1);
  states = enc_pull_states (&f, n);
  enc_clear (&f);
  return states;
}

/* The next output covers the frames [@first, @end) and @tail more. */
static void
assert_covers (Enc *f, gsize first, gsize end, gsize tail)
{
  gsize n, m;
  gfloat *states = enc_pull_states (f, &n);
  gfloat *expected = states_of (first, end, tail, &m);

  fail_unless (n == POSITIONS * WIDTH && m == n);
  fail_unless (memcmp (states, expected, n * sizeof (gfloat)) == 0,
      "frames %u to %u", (guint) first, (guint) end);
  g_free (expected);
  g_free (states);
}

GST_START_TEST (test_outputs_tile_the_time_line)
{
  static const gsize cuts[] = { 1, 10, 29, 31, 100, 257 };

  for (guint c = 0; c < G_N_ELEMENTS (cuts); c++) {
    Enc f;

    enc_init_sliding (&f, POSITIONS, STRIDE);
    enc_push_frames (&f, 0, 257, cuts[c]);
    enc_assert_count (&f, 8);
    enc_push_tail (&f, 257);
    enc_assert_count (&f, 8);
    enc_push_eos (&f);
    for (guint i = 0; i < 8; i++)
      enc_assert_times (&f, i * STRIDE, STRIDE, i == 0);
    enc_assert_times (&f, 8 * STRIDE, 17 * FRAME, FALSE);
    enc_assert_count (&f, 0);
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_windows_cover_the_last_frames)
{
  static const gsize cuts[] = { 7, 30, 250 };

  for (guint c = 0; c < G_N_ELEMENTS (cuts); c++) {
    Enc f;

    enc_init_sliding (&f, POSITIONS, STRIDE);
    enc_push_frames (&f, 0, 250, cuts[c]);
    enc_push_eos (&f);
    assert_covers (&f, 0, 30, 0);
    assert_covers (&f, 0, 60, 0);
    assert_covers (&f, 0, 90, 0);
    assert_covers (&f, 20, 120, 0);
    assert_covers (&f, 50, 150, 0);
    assert_covers (&f, 80, 180, 0);
    assert_covers (&f, 110, 210, 0);
    assert_covers (&f, 140, 240, 0);
    assert_covers (&f, 150, 250, 0);
    enc_assert_count (&f, 0);
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_tail_fills_what_room_there_is)
{
  Enc f;

  enc_init_sliding (&f, POSITIONS, STRIDE);
  enc_push_frames (&f, 0, 45, 10);
  enc_push_tail (&f, 45);
  enc_push_eos (&f);
  assert_covers (&f, 0, 30, 0);
  assert_covers (&f, 0, 45, 2);
  enc_clear (&f);

  for (gsize end = 99; end <= 149; end += 50) {
    enc_init_sliding (&f, POSITIONS, STRIDE);
    enc_push_frames (&f, 0, end, 10);
    enc_push_tail (&f, end);
    enc_push_eos (&f);
    for (guint i = 0; i < end / 30; i++)
      gst_buffer_unref (gst_harness_pull (f.h));
    enc_assert_count (&f, 1);
    if (end == 99)
      assert_covers (&f, 0, end, 1);
    else
      assert_covers (&f, end - 100, end, 0);
    enc_clear (&f);
  }

  /* no new content: no window */
  enc_init_sliding (&f, POSITIONS, STRIDE);
  enc_push_frames (&f, 0, 60, 10);
  enc_push_tail (&f, 60);
  enc_push_eos (&f);
  enc_assert_count (&f, 2);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_jump_forgets_what_was_before)
{
  Enc f;

  enc_init_sliding (&f, POSITIONS, STRIDE);
  enc_push_frames (&f, 0, 70, 10);
  enc_push_frames (&f, 500, 40, 10);
  enc_push_eos (&f);
  for (guint i = 0; i < 2; i++)
    enc_assert_times (&f, i * STRIDE, STRIDE, i == 0);
  enc_assert_times (&f, 2 * STRIDE, 10 * FRAME, FALSE);
  enc_assert_times (&f, 500 * FRAME, STRIDE, TRUE);
  assert_covers (&f, 500, 540, 0);
  enc_clear (&f);

  /* right behind a window, when no new frames wait; and behind a tail */
  for (guint tail = 0; tail < 2; tail++) {
    enc_init_sliding (&f, POSITIONS, STRIDE);
    enc_push_frames (&f, 0, 60, 10);
    if (tail)
      enc_push_tail (&f, 60);
    enc_push_frames (&f, tail ? 60 : 500, 30, 10);
    enc_assert_times (&f, 0, STRIDE, TRUE);
    enc_assert_times (&f, STRIDE, STRIDE, FALSE);
    enc_assert_count (&f, 1);
    assert_covers (&f, tail ? 60 : 500, tail ? 90 : 530, 0);
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_hole_forgets_what_was_before)
{
  Enc f;

  enc_init_sliding (&f, POSITIONS, STRIDE);
  enc_push_frames (&f, 0, 60, 10);
  gst_harness_push_event (f.h, gst_event_new_gap (60 * FRAME, 10 * GST_SECOND));
  enc_push (&f, enc_frames_new (0, 30, NO_TIME, NO_TIME));
  enc_assert_times (&f, 0, STRIDE, TRUE);
  enc_assert_times (&f, STRIDE, STRIDE, FALSE);
  enc_assert_times (&f, 10 * GST_SECOND + 60 * FRAME, STRIDE, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_figures_count_new_frames)
{
  Enc f;
  GstStructure *stats;

  enc_init_sliding (&f, POSITIONS, STRIDE);
  enc_push_frames (&f, 0, 250, 10);
  enc_push_tail (&f, 250);
  enc_push_eos (&f);
  g_object_get (f.element, "stats", &stats, NULL);
  fail_unless_equals_uint64 (enc_get_uint64 (stats, "windows"), 9);
  fail_unless_equals_uint64 (enc_get_uint64 (stats, "dropped"), 0);
  /* the tail found no room */
  fail_unless_equals_uint64 (enc_get_uint64 (stats, "frames"), 250);
  fail_unless_equals_uint64 (enc_get_uint64 (stats, "audio-ns"), 250 * FRAME);
  gst_structure_free (stats);
  enc_clear (&f);
}
GST_END_TEST;

/* An event waits for the output that covers the frames before it, no longer. */
GST_START_TEST (test_events_follow_the_new_part)
{
  Enc f;
  guint before, tags = 0;
  GstEvent *event;

  enc_init_sliding (&f, POSITIONS, STRIDE);
  enc_push_frames (&f, 0, 45, 15);
  while ((event = gst_harness_try_pull_event (f.h)) != NULL)
    gst_event_unref (event);
  before = gst_harness_events_received (f.h);
  gst_harness_push_event (
      f.h, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "title", NULL)));
  fail_unless_equals_int (gst_harness_events_received (f.h), before);
  enc_push_frames (&f, 45, 15, 15);
  while ((event = gst_harness_try_pull_event (f.h)) != NULL) {
    tags += GST_EVENT_TYPE (event) == GST_EVENT_TAG;
    gst_event_unref (event);
  }
  fail_unless_equals_int (tags, 1);
  enc_clear (&f);
}
GST_END_TEST;

/* ---- the property ------------------------------------------------------ */

GST_START_TEST (test_stride_of_a_window_is_no_overlap)
{
  Enc f, g;

  enc_init_sliding (&f, POSITIONS, FRAMES * FRAME);
  enc_init_sliding (&g, POSITIONS, NO_TIME);
  enc_push_frames (&f, 0, 250, 10);
  enc_push_eos (&f);
  enc_push_frames (&g, 0, 250, 10);
  enc_push_eos (&g);
  enc_assert_count (&f, 3);
  enc_assert_count (&g, 3);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *a = gst_harness_pull (f.h), *b = gst_harness_pull (g.h);
    GstMapInfo map;

    fail_unless_equals_uint64 (GST_BUFFER_PTS (a), i * FRAMES * FRAME);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (a), GST_BUFFER_PTS (b));
    fail_unless (gst_buffer_map (a, &map, GST_MAP_READ));
    fail_unless (gst_buffer_memcmp (b, 0, map.data, map.size) == 0);
    gst_buffer_unmap (a, &map);
    gst_buffer_unref (a);
    gst_buffer_unref (b);
  }
  enc_clear (&f);
  enc_clear (&g);
}
GST_END_TEST;

GST_START_TEST (test_stride_is_rounded_to_frames)
{
  static const struct {
    GstClockTime stride, rounded;
  } cases[] = { { 5 * GST_MSECOND, FRAME }, { 14999999, FRAME },
    { 15 * GST_MSECOND, 2 * FRAME }, { 304999999, 30 * FRAME },
    { FRAMES * FRAME + 1, FRAMES * FRAME } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Enc f;

    enc_init_sliding (&f, POSITIONS, cases[i].stride);
    enc_push_frames (&f, 0, FRAMES, 10);
    enc_assert_times (&f, 0, cases[i].rounded, TRUE);
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_strides_that_do_not_fit)
{
  static const GstClockTime bad[] = { 0, 1, 4999999, FRAMES * FRAME + FRAME,
    30 * GST_SECOND, NO_TIME - 1 };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    Enc f;

    enc_init_bare (&f, MODEL);
    g_object_set (f.element, "audio-ctx", POSITIONS, "stride", bad[i], NULL);
    fail_unless_equals_int (gst_element_set_state (f.element, GST_STATE_READY),
        GST_STATE_CHANGE_FAILURE);
    enc_assert_error (&f, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    /* it fits when the window does */
    g_object_set (f.element, "stride", STRIDE, NULL);
    enc_assert_state (f.element, GST_STATE_READY);
    /* in READY it is asked for again */
    g_object_set (f.element, "stride", bad[i], NULL);
    fail_unless_equals_int (gst_element_set_state (f.element, GST_STATE_PAUSED),
        GST_STATE_CHANGE_FAILURE);
    enc_assert_error (&f, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    enc_clear_bare (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_stride_changes_while_playing)
{
  Enc f;

  enc_init_sliding (&f, POSITIONS, NO_TIME);
  enc_push_frames (&f, 0, 150, 10);
  enc_count_messages (&f, GST_MESSAGE_LATENCY);
  g_object_set (f.element, "stride", STRIDE, NULL);
  enc_assert_count (&f, 1);
  /* the open window stays what it is */
  enc_push_frames (&f, 150, 40, 10);
  fail_unless_equals_int (enc_count_messages (&f, GST_MESSAGE_LATENCY), 0);
  enc_push_frames (&f, 190, 70, 10);
  fail_unless_equals_int (enc_count_messages (&f, GST_MESSAGE_LATENCY), 1);
  enc_assert_times (&f, 0, GST_SECOND, TRUE);
  enc_assert_times (&f, GST_SECOND, GST_SECOND, FALSE);
  assert_covers (&f, 130, 230, 0);
  assert_covers (&f, 160, 260, 0);

  g_object_set (f.element, "stride", NO_TIME, NULL);
  enc_push_frames (&f, 260, 100, 10);
  fail_unless_equals_int (enc_count_messages (&f, GST_MESSAGE_LATENCY), 1);
  enc_assert_count (&f, 1);
  assert_covers (&f, 260, 360, 0);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_bad_stride_while_playing)
{
  static const GstClockTime bad[] = { 0, FRAMES * FRAME + FRAME };
  GstClockTime stride;
  Enc f;

  enc_init_sliding (&f, POSITIONS, STRIDE);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_object_set (f.element, "stride", bad[i], NULL);
    fail_unless_equals_int (enc_count_messages (&f, GST_MESSAGE_WARNING), 1);
    g_object_get (f.element, "stride", &stride, NULL);
    fail_unless_equals_uint64 (stride, STRIDE);
  }
  enc_push_frames (&f, 0, 60, 10);
  enc_assert_times (&f, 0, STRIDE, TRUE);
  enc_assert_times (&f, STRIDE, STRIDE, FALSE);
  enc_clear (&f);
}
GST_END_TEST;

/* The first new frame waits for a stride and for the encoder, which is said to
 * take a second at first. */
GST_START_TEST (test_latency)
{
  static const struct {
    guint positions;
    GstClockTime stride, latency;
  } cases[] = { { 0, NO_TIME, 31 * GST_SECOND },
    { 0, GST_SECOND, 2 * GST_SECOND }, { POSITIONS, NO_TIME, 2 * GST_SECOND },
    { POSITIONS, STRIDE, STRIDE + GST_SECOND } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    for (guint live = 0; live < 2; live++) {
      Enc f;
      GstQuery *query = gst_query_new_latency ();
      GstClockTime min, max;
      gboolean is_live;

      enc_init_sliding (&f, cases[i].positions, cases[i].stride);
      gst_harness_set_live (f.h, live);
      gst_harness_set_upstream_latency (f.h, 20 * GST_MSECOND);
      fail_unless (gst_pad_peer_query (f.h->sinkpad, query));
      gst_query_parse_latency (query, &is_live, &min, &max);
      fail_unless_equals_int (is_live, live);
      fail_unless_equals_uint64 (min, cases[i].latency + 20 * GST_MSECOND);
      fail_unless_equals_uint64 (max, NO_TIME);
      gst_query_unref (query);
      enc_clear (&f);
    }
  }
}
GST_END_TEST;

static void
drop_events (Enc *f)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (f->h)) != NULL)
    gst_event_unref (event);
  while ((event = gst_harness_try_pull_upstream_event (f->h)) != NULL)
    gst_event_unref (event);
}

/* An hour: no drift, and nothing gathers, neither frames nor events. */
GST_START_TEST (test_an_hour)
{
  const guint total = 360000, stride = 700, minute = 6000;
  gsize used = 0;
  guint n = 0;
  Enc f;

  enc_init_sliding (&f, 500, stride * FRAME);
  for (guint i = 0; i < total; i += 100) {
    enc_push (&f, enc_frames_new (i, 100, NO_TIME, GST_SECOND));
    gst_harness_push_event (f.h,
        gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "title", NULL)));
    gst_harness_push_event (
        f.h, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
                 gst_structure_new_empty ("marker")));
    for (; gst_harness_buffers_in_queue (f.h) > 0; n++)
      enc_assert_times (&f, n * stride * FRAME, stride * FRAME, n == 0);
    drop_events (&f);
    /* when all that is made once has been made; 0 where malloc() is not the
     * C library's */
    if (i == 10 * minute)
      used = mallinfo2 ().uordblks;
  }
  fail_unless_equals_int (n, total / stride);
  fail_unless (mallinfo2 ().uordblks < used + 100000,
      "%" G_GSIZE_FORMAT " bytes more", (gsize) mallinfo2 ().uordblks - used);
  enc_push_eos (&f);
  enc_assert_times (&f, 3598 * GST_SECOND, 2 * GST_SECOND, FALSE);
  enc_assert_count (&f, 0);
  enc_clear (&f);
}
GST_END_TEST;

static Suite *
npuwhisperenc_stride_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_stride");
  TCase *tc = tcase_create ("windows");

  tcase_add_test (tc, test_outputs_tile_the_time_line);
  tcase_add_test (tc, test_windows_cover_the_last_frames);
  tcase_add_test (tc, test_tail_fills_what_room_there_is);
  tcase_add_test (tc, test_jump_forgets_what_was_before);
  tcase_add_test (tc, test_hole_forgets_what_was_before);
  tcase_add_test (tc, test_figures_count_new_frames);
  tcase_add_test (tc, test_events_follow_the_new_part);
  tcase_add_test (tc, test_an_hour);
  suite_add_tcase (s, tc);

  tc = tcase_create ("property");
  tcase_add_test (tc, test_stride_of_a_window_is_no_overlap);
  tcase_add_test (tc, test_stride_is_rounded_to_frames);
  tcase_add_test (tc, test_strides_that_do_not_fit);
  tcase_add_test (tc, test_stride_changes_while_playing);
  tcase_add_test (tc, test_bad_stride_while_playing);
  tcase_add_test (tc, test_latency);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_stride)
