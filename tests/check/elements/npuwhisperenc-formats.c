/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuwhisperenc-formats.c: other formats of states, windows that come whole, and
 * changes of both while frames come.
 */
#include <string.h>

#include "../encoderfixture.h"
#include "gstnpuhalf.h"
#include "whispermel.h"

#define WHOLE_CAPS(layout)                                                     \
  "audio/x-logmel, format=F32LE, mels=80, rate=16000, n-fft=400, hop=160, "    \
  "layout=" layout ", norm=whisper, frames=3000"
#define TENSOR_CAPS(dimensions)                                                \
  "other/tensors, format=static, num_tensors=1, types=float32, "               \
  "dimensions=(string)" dimensions
#define HALF_CAPS "audio/x-whisper-hidden, format=F16LE"
#define N_STATES (1500 * WIDTH)

static const gchar *const whole_caps[] = { WHOLE_CAPS ("frame-major"),
  WHOLE_CAPS ("mel-major"), TENSOR_CAPS ("80:3000") ", framerate=0/1",
  TENSOR_CAPS ("80:3000:1") ", framerate=0/1",
  TENSOR_CAPS ("3000:80") ", framerate=30/1",
  TENSOR_CAPS ("3000:80:1:1") ", framerate=0/1" };
static const gboolean is_mel_major[] = { FALSE, TRUE, FALSE, FALSE, TRUE,
  TRUE };

static void
assert_field (Enc *f, const gchar *name, const gchar *value)
{
  GstCaps *caps = gst_pad_get_current_caps (f->h->sinkpad);

  fail_unless_equals_string (
      gst_structure_get_string (gst_caps_get_structure (caps, 0), name), value);
  gst_caps_unref (caps);
}

/* (transfer full): the states of the first @n_frames frames. */
static gfloat *
states_of (gsize n_frames)
{
  gfloat *states;
  gsize n;
  Enc f;

  enc_init (&f);
  enc_push_frames (&f, 0, n_frames, 100);
  enc_push_eos (&f);
  states = enc_pull_states (&f, &n);
  fail_unless (n == N_STATES);
  enc_clear (&f);
  return states;
}

/* ---- out --------------------------------------------------------------- */

static void
assert_half (GstBuffer *buffer, const gfloat *states)
{
  gsize size = N_STATES * sizeof (guint16);
  guint8 *expected = g_malloc (size);

  gst_npu_half_from_float (states, N_STATES, expected);
  fail_unless_equals_int (gst_buffer_get_size (buffer), size);
  fail_unless (gst_buffer_memcmp (buffer, 0, expected, size) == 0);
  g_free (expected);
}

GST_START_TEST (test_half_precision)
{
  gfloat *states = states_of (300);
  GstBuffer *buffer;
  Enc f;

  enc_init_with (&f, enc_new (MODEL));
  gst_harness_set_caps_str (f.h, MEL_CAPS, HALF_CAPS);
  enc_push_frames (&f, 0, 300, 100);
  enc_push_eos (&f);
  assert_field (&f, "format", "F16LE");
  buffer = gst_harness_pull (f.h);
  assert_half (buffer, states);
  gst_buffer_unref (buffer);
  enc_clear (&f);
  g_free (states);
}
GST_END_TEST;

GST_START_TEST (test_tensors)
{
  static const gchar *const wishes[] = { "other/tensors",
    TENSOR_CAPS ("64:1500"), TENSOR_CAPS ("64:1500:1"),
    TENSOR_CAPS ("64:1500:1:1") ", framerate=0/1" };
  static const gchar *const dimensions[] = { "64:1500", "64:1500", "64:1500:1",
    "64:1500:1:1" };
  gfloat *states = states_of (300);

  for (guint i = 0; i < G_N_ELEMENTS (wishes); i++) {
    gfloat *tensor;
    gsize n;
    Enc f;

    enc_init_with (&f, enc_new (MODEL));
    gst_harness_set_caps_str (f.h, MEL_CAPS, wishes[i]);
    enc_push_frames (&f, 0, 300, 100);
    enc_push_eos (&f);
    assert_field (&f, "dimensions", dimensions[i]);
    assert_field (&f, "types", "float32");
    tensor = enc_pull_states (&f, &n);
    fail_unless (n == N_STATES && memcmp (tensor, states, STATES_SIZE) == 0);
    g_free (tensor);
    enc_clear (&f);
  }
  g_free (states);
}
GST_END_TEST;

GST_START_TEST (test_who_takes_anything_gets_floats)
{
  Enc f;

  enc_init_with (&f, enc_new (MODEL));
  gst_harness_set_caps_str (f.h, MEL_CAPS, "ANY");
  enc_push_frames (&f, 0, 10, 10);
  enc_push_eos (&f);
  assert_field (&f, "format", "F32LE");
  enc_assert_output (&f, 0, 0, 10 * FRAME, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

/* The open window comes in the format that is asked for when it ends. */
GST_START_TEST (test_format_changes_while_frames_come)
{
  GstBuffer *buffer;
  Enc f;

  enc_init_sliding (&f, 50, 500 * GST_MSECOND);
  enc_push_frames (&f, 0, 70, 10);
  gst_harness_set_sink_caps_str (f.h, HALF_CAPS);
  enc_push_frames (&f, 70, 50, 10);
  gst_harness_set_sink_caps_str (f.h, TENSOR_CAPS ("64:50:1"));
  enc_push_frames (&f, 120, 50, 10);
  gst_harness_set_sink_caps_str (f.h, "ANY");
  enc_push_frames (&f, 170, 10, 10);
  enc_push_eos (&f);
  enc_assert_count (&f, 4);
  for (guint i = 0; i < 4; i++) {
    gsize width = i == 1 ? sizeof (guint16) : sizeof (gfloat);

    buffer = gst_harness_pull (f.h);
    fail_unless_equals_int (gst_buffer_get_size (buffer), 50 * WIDTH * width);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), i * 500 * GST_MSECOND);
    fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), i == 0);
    gst_buffer_unref (buffer);
  }
  assert_field (&f, "format", "F32LE");
  enc_clear (&f);
}
GST_END_TEST;

/* ---- in ---------------------------------------------------------------- */

/* The window of the first @n_frames frames, normalised. */
static GstBuffer *
whole_window_new (
    gsize n_frames, gboolean mel_major, GstClockTime pts, GstClockTime duration)
{
  gsize n = WINDOW * MELS;
  gfloat *frames = g_new (gfloat, n), *out = g_new (gfloat, n);
  GstBuffer *buffer;

  for (gsize i = 0; i < n; i++)
    frames[i] = NPU_MEL_SILENCE;
  enc_fill_frames (frames, 0, n_frames);
  whisper_mel_normalize (frames, n, frames);
  for (gsize t = 0; t < WINDOW; t++)
    for (gsize m = 0; m < MELS; m++)
      out[mel_major ? m * WINDOW + t : t * MELS + m] = frames[t * MELS + m];
  buffer = gst_buffer_new_memdup (out, n * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  g_free (frames);
  g_free (out);
  return buffer;
}

GST_START_TEST (test_whole_windows)
{
  gfloat *states = states_of (1234);

  for (guint i = 0; i < G_N_ELEMENTS (whole_caps); i++) {
    GstClockTime duration = 1234 * FRAME - 1;
    GstBuffer *buffer = whole_window_new (1234, is_mel_major[i], 0, duration);
    gfloat *found;
    gsize n;
    Enc f;

    enc_init_with (&f, enc_new (MODEL));
    gst_harness_set_src_caps_str (f.h, whole_caps[i]);
    enc_push (&f, gst_buffer_ref (buffer));
    found = enc_pull_states (&f, &n);
    fail_unless (n == N_STATES && memcmp (found, states, STATES_SIZE) == 0,
        "%s", whole_caps[i]);
    g_free (found);

    /* one for each that comes, with its times, and an empty one for none */
    enc_push (&f, gst_buffer_new ());
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_PTS (buffer) = duration;
    GST_BUFFER_DURATION (buffer) = NO_TIME;
    enc_push (&f, gst_buffer_ref (buffer));
    enc_push_eos (&f);
    enc_assert_output (&f, 1, duration, 30 * GST_SECOND, FALSE);
    enc_assert_count (&f, 0);
    gst_buffer_unref (buffer);
    enc_clear (&f);
  }
  g_free (states);
}
GST_END_TEST;

/* They wait for nothing here. */
GST_START_TEST (test_latency_of_whole_windows)
{
  Enc f;

  enc_init_with (&f, enc_new (MODEL));
  fail_unless_equals_uint64 (gst_harness_query_latency (f.h), 31 * GST_SECOND);
  gst_harness_set_src_caps_str (f.h, whole_caps[0]);
  fail_unless_equals_int (enc_count_messages (&f, GST_MESSAGE_LATENCY), 1);
  fail_unless_equals_uint64 (gst_harness_query_latency (f.h), GST_SECOND);
  enc_clear (&f);
}
GST_END_TEST;

GST_START_TEST (test_whole_windows_of_a_wrong_size)
{
  static const gsize sizes[] = { 320, 319, WINDOW * MELS * 4 - 4,
    WINDOW * MELS * 8 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    Enc f;

    enc_init_with (&f, enc_new (MODEL));
    gst_harness_set_src_caps_str (f.h, whole_caps[0]);
    fail_unless_equals_int (
        gst_harness_push (f.h, gst_buffer_new_allocate (NULL, sizes[i], NULL)),
        GST_FLOW_ERROR);
    enc_assert_error (&f, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_whole_windows_do_not_overlap)
{
  for (guint i = 0; i < 2; i++) {
    GstElement *element = enc_new (MODEL);
    Enc f;

    if (i == 0)
      g_object_set (element, "audio-ctx", 100, NULL);
    else
      g_object_set (element, "stride", GST_SECOND, NULL);
    enc_init_with (&f, element);
    gst_harness_set_src_caps_str (f.h, whole_caps[0]);
    for (guint j = 0; j < 2; j++)
      fail_unless_equals_int (
          gst_harness_push (f.h, whole_window_new (10, FALSE, 0, 10 * FRAME)),
          GST_FLOW_NOT_NEGOTIATED);
    enc_assert_error (&f, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    enc_clear (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_no_stride_for_whole_windows)
{
  GstClockTime stride;
  Enc f;

  enc_init_with (&f, enc_new (MODEL));
  gst_harness_set_src_caps_str (f.h, whole_caps[0]);
  enc_push (&f, whole_window_new (10, FALSE, 0, 10 * FRAME));
  g_object_set (f.element, "stride", GST_SECOND, NULL);
  fail_unless_equals_int (enc_count_messages (&f, GST_MESSAGE_WARNING), 1);
  g_object_get (f.element, "stride", &stride, NULL);
  fail_unless_equals_uint64 (stride, NO_TIME);
  enc_clear (&f);
}
GST_END_TEST;

/* Frames, whole windows, and frames again: nothing is lost. */
GST_START_TEST (test_kind_changes_while_frames_come)
{
  Enc f;

  enc_init (&f);
  enc_push_frames (&f, 0, 100, 10);
  enc_push_caps (&f, whole_caps[1]);
  enc_assert_output (&f, 0, 0, GST_SECOND, TRUE);
  enc_push (&f, whole_window_new (50, TRUE, GST_SECOND, 50 * FRAME));
  enc_assert_output (&f, 1, GST_SECOND, 50 * FRAME, TRUE);
  enc_push_caps (&f, MEL_CAPS);
  enc_push_frames (&f, 150, 100, 10);
  enc_push_eos (&f);
  enc_assert_output (&f, 2, 150 * FRAME, GST_SECOND, TRUE);
  enc_clear (&f);
}
GST_END_TEST;

/* ---- with npumel ------------------------------------------------------- */

static void
add_to_checksum (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer checksum)
{
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_checksum_update (checksum, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
}

/* (transfer full): a checksum of all states of 31.2 s of audio. */
static gchar *
states_through (const gchar *filter)
{
  gchar *description = g_strdup_printf (
      "audiotestsrc wave=ticks samplesperbuffer=1600 num-buffers=312 ! "
      "audio/x-raw, rate=16000, channels=1 ! npumel ! %s npuwhisperenc "
      "model=synthetic:test precision=f32 ! "
      "fakesink name=sink signal-handoffs=true",
      filter);
  GstElement *pipeline = gst_parse_launch (description, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstBus *bus = gst_element_get_bus (pipeline);
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  GstMessage *message;
  gchar *text;

  g_signal_connect (sink, "handoff", G_CALLBACK (add_to_checksum), checksum);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS,
      "%s: %" GST_PTR_FORMAT, filter, message);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  text = g_strdup (g_checksum_get_string (checksum));
  g_checksum_free (checksum);
  gst_object_unref (bus);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  g_free (description);
  return text;
}

GST_START_TEST (test_npumel_in_every_form)
{
  static const gchar *const filters[] = {
    "audio/x-logmel, norm=whisper, layout=frame-major !",
    "audio/x-logmel, norm=whisper, layout=mel-major !",
    "other/tensors, dimensions=(string)80:3000 !",
    "other/tensors, dimensions=(string)3000:80:1 !",
  };
  gchar *expected = states_through ("");

  for (guint i = 0; i < G_N_ELEMENTS (filters); i++) {
    gchar *found = states_through (filters[i]);

    fail_unless_equals_string (found, expected);
    g_free (found);
  }
  g_free (expected);
}
GST_END_TEST;

static Suite *
npuwhisperenc_formats_suite (void)
{
  Suite *s = suite_create ("npuwhisperenc_formats");
  TCase *tc = tcase_create ("out");

  tcase_add_test (tc, test_half_precision);
  tcase_add_test (tc, test_tensors);
  tcase_add_test (tc, test_who_takes_anything_gets_floats);
  tcase_add_test (tc, test_format_changes_while_frames_come);
  suite_add_tcase (s, tc);

  tc = tcase_create ("in");
  tcase_add_test (tc, test_whole_windows);
  tcase_add_test (tc, test_latency_of_whole_windows);
  tcase_add_test (tc, test_whole_windows_of_a_wrong_size);
  tcase_add_test (tc, test_whole_windows_do_not_overlap);
  tcase_add_test (tc, test_no_stride_for_whole_windows);
  tcase_add_test (tc, test_kind_changes_while_frames_come);
  tcase_add_test (tc, test_npumel_in_every_form);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npuwhisperenc_formats)
