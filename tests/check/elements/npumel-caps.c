/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumel-caps.c: what downstream may ask for: tensors, windows, bands, buffer
 * sizes; and that it may ask for something else while audio flows.
 */
#include <math.h>
#include <string.h>

#include "../melfixture.h"
#include "../refmel.h"

#define SECOND 16000
/* Without "(string)" GStreamer takes two numbers for a set of flags. */
#define TENSOR                                                                 \
  "other/tensors, format=static, num_tensors=1, types=float32, "               \
  "dimensions=(string)"
#define WINDOW(mels, layout)                                                   \
  "audio/x-logmel, norm=whisper, mels=" mels ", layout=" layout

/* ---- tensors ---- */

static MelOutput
run (const gchar *sink_caps, const gfloat *x, gsize n, GstCaps **caps)
{
  MelOutput output;
  Mel f;

  mel_init (&f, MEL_F32_16K, sink_caps);
  mel_push_cut (&f, x, n, 4096, GST_SECOND);
  mel_eos (&f);
  fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
  *caps = gst_pad_get_current_caps (f.h->sinkpad);
  fail_unless (*caps != NULL, "%s", sink_caps);
  output = mel_collect (&f);
  mel_clear (&f);
  return output;
}

/* A tensor holds what the window of that layout does, in every spelling. */
GST_START_TEST (test_tensors_are_windows)
{
  static const struct {
    const gchar *window, *dims[3];
  } cases[] = {
    { WINDOW ("80", "frame-major"), { "80:3000", "80:3000:1", "80:3000:1:1" } },
    { WINDOW ("80", "mel-major"), { "3000:80", "3000:80:1", "3000:80:1:1" } },
    { WINDOW ("128", "frame-major"),
        { "128:3000", "128:3000:1", "128:3000:1:1" } },
    { WINDOW ("128", "mel-major"),
        { "3000:128", "3000:128:1", "3000:128:1:1" } },
  };
  gsize n = 2 * SECOND + 77;
  gfloat *x = mel_signal (n, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstCaps *caps;
    MelOutput window = run (cases[i].window, x, n, &caps);

    gst_caps_unref (caps);
    fail_unless_equals_int (window.buffers->len, 1);
    for (guint j = 0; j < 3; j++) {
      gchar *text = g_strconcat (TENSOR, cases[i].dims[j], NULL);
      MelOutput tensor = run (text, x, n, &caps);
      const GstStructure *structure = gst_caps_get_structure (caps, 0);

      fail_unless_equals_string (
          gst_structure_get_string (structure, "dimensions"), cases[i].dims[j]);
      mel_assert_equal (&window, &tensor);
      fail_unless_equals_uint64 (
          mel_buffer (&tensor, 0).duration, n * MEL_SAMPLE);
      mel_output_clear (&tensor);
      gst_caps_unref (caps);
      g_free (text);
    }
    mel_output_clear (&window);
  }
  g_free (x);
}
GST_END_TEST;

/* Who takes tensors of any size gets 80:3000, and any frame rate will do. */
GST_START_TEST (test_tensors_of_any_size)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  GstCaps *expected =
      gst_caps_from_string (TENSOR "80:3000, framerate=(fraction)0/1");
  GstCaps *caps;
  MelOutput output =
      run ("other/tensors, format=static, framerate=(fraction)[0,max]", x,
          SECOND, &caps);

  fail_unless (gst_caps_is_equal (caps, expected));
  mel_output_clear (&output);
  gst_caps_unref (caps);
  output = run (TENSOR "3000:80:1, framerate=(fraction)30/1", x, SECOND, &caps);
  fail_unless_equals_int (output.bytes->len, 3000 * 80 * sizeof (gfloat));
  mel_output_clear (&output);
  gst_caps_unref (caps);
  gst_caps_unref (expected);
  g_free (x);
}
GST_END_TEST;

/* NNStreamer reads "dimensions" as a string even in caps that are not fixed. */
GST_START_TEST (test_offer_is_readable_for_nnstreamer)
{
  GstElement *element = gst_element_factory_make ("npumel", NULL);
  GstPad *pad = gst_element_get_static_pad (element, "src");
  GstCaps *caps = gst_pad_query_caps (pad, NULL);
  guint tensors = 0;

  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstStructure *structure = gst_caps_get_structure (caps, i);

    if (!gst_structure_has_name (structure, "other/tensors"))
      continue;
    fail_unless (gst_structure_get_string (structure, "dimensions") != NULL);
    tensors++;
  }
  fail_unless_equals_int (tensors, 12);
  fail_unless (gst_structure_has_name (
      gst_caps_get_structure (caps, 0), "audio/x-logmel"));
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_object_unref (gst_object_ref_sink (element));
}
GST_END_TEST;

GST_START_TEST (test_tensors_that_are_not_made)
{
  static const gchar *const bad[] = { TENSOR "80:1500", TENSOR "3000:40",
    TENSOR "80:3000, framerate=(int)1", "other/tensors, format=flexible",
    "other/tensor, dimension=80:3000" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    gfloat silence[160] = { 0 };
    Mel f;

    mel_init (&f, MEL_F32_16K, bad[i]);
    fail_unless (mel_push (&f, silence, 160, 0, 0) == GST_FLOW_NOT_NEGOTIATED,
        "%s", bad[i]);
    mel_clear (&f);
  }
}
GST_END_TEST;

/* Memory as downstream asks for it. */
GST_START_TEST (test_downstream_says_how_to_allocate)
{
  GstAllocationParams params = { .align = 255, .prefix = 256 };
  gfloat *x = mel_signal (SECOND, 16000, 0);
  GstBuffer *buffer;
  GstMapInfo map;
  gsize offset;
  Mel f;

  mel_init (&f, NULL, NULL);
  gst_harness_set_propose_allocator (f.h, NULL, &params);
  mel_set_caps (&f, MEL_F32_16K);
  mel_push (&f, x, SECOND, 0, 0);
  buffer = gst_harness_pull (f.h);
  gst_memory_get_sizes (gst_buffer_peek_memory (buffer, 0), &offset, NULL);
  fail_unless_equals_int (offset, params.prefix);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  fail_unless_equals_int ((guintptr) map.data & params.align, 0);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* ---- other wishes while audio flows ---- */

/* Real audio in the order it came: buffers without a hole from 0 to @n samples,
 * whose size fits their frames. */
static void
assert_all_there (const MelOutput *output, gsize n)
{
  GstClockTime end = 0;

  for (guint i = 0; i < output->buffers->len; i++) {
    const MelBuffer *b = &mel_buffer (output, i);

    fail_unless_equals_uint64 (b->pts, end);
    end += b->duration;
  }
  fail_unless_equals_uint64 (end, n * MEL_SAMPLE);
}

/* Bands of the buffer: it holds its frames, or a padded window. */
static guint
bands_of (const MelBuffer *b, gboolean is_window)
{
  guint64 frames = is_window ? 3000 : b->offset_end - b->offset;

  fail_unless_equals_uint64 (b->size % (frames * sizeof (gfloat)), 0);
  return b->size / (frames * sizeof (gfloat));
}

static const struct {
  const gchar *before, *after;
  guint bands[2];
  gboolean window[2];
} changes[] = {
  { "audio/x-logmel, mels=80", "audio/x-logmel, mels=128", { 80, 128 },
      { FALSE, FALSE } },
  { "audio/x-logmel, norm=none, frames=7", WINDOW ("80", "mel-major"),
      { 80, 80 }, { FALSE, TRUE } },
  { WINDOW ("80", "frame-major"), "audio/x-logmel, norm=none", { 80, 80 },
      { TRUE, FALSE } },
  { WINDOW ("80", "frame-major"), WINDOW ("128", "mel-major"), { 80, 128 },
      { TRUE, TRUE } },
  { TENSOR "80:3000", "audio/x-logmel, norm=none, mels=128", { 80, 128 },
      { TRUE, FALSE } },
};

/* The stream ends where downstream changes its mind, and another begins. */
GST_START_TEST (test_filter_changes)
{
  gsize n1 = 8123, n2 = 9001;
  gfloat *x = mel_signal (n1 + n2, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    MelOutput output;
    guint turn = 0;
    GstElement *filter;
    Mel f;

    mel_init_parse (&f, "npumel ! capsfilter name=filter", MEL_F32_16K);
    filter = gst_bin_get_by_name (GST_BIN (f.element), "filter");
    gst_util_set_object_arg (G_OBJECT (filter), "caps", changes[i].before);
    mel_push_cut (&f, x, n1, 1000, 0);
    gst_util_set_object_arg (G_OBJECT (filter), "caps", changes[i].after);
    mel_push_cut (&f, x + n1, n2, 1000, n1 * MEL_SAMPLE);
    mel_eos (&f);
    output = mel_collect (&f);
    assert_all_there (&output, n1 + n2);
    while (turn < output.buffers->len
           && mel_buffer (&output, turn).pts < n1 * MEL_SAMPLE)
      turn++;
    /* The tail, at the very time of the change, is still of the first. */
    while (!mel_buffer (&output, turn).discont)
      turn++;
    for (guint j = 0; j < output.buffers->len; j++) {
      guint k = j >= turn ? 1 : 0;

      fail_unless_equals_int (
          bands_of (&mel_buffer (&output, j), changes[i].window[k]),
          changes[i].bands[k]);
    }
    fail_unless_equals_uint64 (mel_buffer (&output, turn).pts, n1 * MEL_SAMPLE);
    mel_output_clear (&output);
    gst_object_unref (filter);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

/* Only the order of the values, or the media type: the window stays open. */
GST_START_TEST (test_layout_changes_in_a_window)
{
  static const gchar *const after[] = { WINDOW ("80", "mel-major"),
    TENSOR "3000:80:1" };
  gsize n = SECOND + 77;
  gfloat *x = mel_signal (n, 16000, 0);
  GstCaps *caps;
  MelOutput expected, output;

  expected = run (after[0], x, n, &caps);
  gst_caps_unref (caps);
  for (guint i = 0; i < G_N_ELEMENTS (after); i++) {
    GstElement *filter;
    Mel f;

    mel_init_parse (&f, "npumel ! capsfilter name=filter", MEL_F32_16K);
    filter = gst_bin_get_by_name (GST_BIN (f.element), "filter");
    gst_util_set_object_arg (
        G_OBJECT (filter), "caps", WINDOW ("80", "frame-major"));
    mel_push_cut (&f, x, 8000, 1000, GST_SECOND);
    gst_util_set_object_arg (G_OBJECT (filter), "caps", after[i]);
    mel_push_cut (&f, x + 8000, n - 8000, 1000, GST_SECOND + 8000 * MEL_SAMPLE);
    mel_eos (&f);
    output = mel_collect (&f);
    mel_assert_equal (&expected, &output);
    mel_output_clear (&output);
    gst_object_unref (filter);
    mel_clear (&f);
  }
  mel_output_clear (&expected);
  g_free (x);
}
GST_END_TEST;

/* From the next buffer on: no frame waits for the next stream. */
GST_START_TEST (test_frames_per_buffer_while_playing)
{
  gfloat *x = mel_signal (2 * SECOND, 16000, 0);
  MelOutput output;
  guint n = 0;
  Mel f;

  mel_init (&f, MEL_F32_16K, NULL);
  mel_push_cut (&f, x, SECOND, 1000, 0);
  fail_unless_equals_uint64 (
      gst_harness_query_latency (f.h), 200 * MEL_SAMPLE + 10 * MEL_FRAME);
  g_object_set (f.element, "frames-per-buffer", 4, NULL);
  mel_push_cut (&f, x + SECOND, SECOND, 1000, GST_SECOND);
  fail_unless_equals_uint64 (
      gst_harness_query_latency (f.h), 200 * MEL_SAMPLE + 4 * MEL_FRAME);
  mel_eos (&f);
  output = mel_collect (&f);
  assert_all_there (&output, 2 * SECOND);
  fail_unless (mel_error (&output, 0, x, 2 * SECOND, 80) <= 1e-4);
  for (guint i = 0; i < output.buffers->len; i++) {
    guint64 frames =
        mel_buffer (&output, i).offset_end - mel_buffer (&output, i).offset;

    n += frames == 4;
    fail_unless (frames == 10 || n > 0);
    fail_unless_equals_int (mel_buffer (&output, i).discont, i == 0);
  }
  fail_unless (n >= 25);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (x);
}
GST_END_TEST;

/* ---- the same from another thread ---- */

typedef struct {
  GMutex lock;
  GCond cond;
  guint buffers, disconts; /* under lock */
  GstClockTime end;        /* likewise */
  gboolean hole;
} Watch;

static GstPadProbeReturn
watch_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Watch *watch = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  g_mutex_lock (&watch->lock);
  watch->hole |= GST_BUFFER_PTS (buffer) != watch->end;
  watch->end = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
  watch->disconts += GST_BUFFER_IS_DISCONT (buffer);
  watch->buffers++;
  g_cond_signal (&watch->cond);
  g_mutex_unlock (&watch->lock);
  return GST_PAD_PROBE_OK;
}

static void
wait_for_stream (Watch *watch, guint disconts)
{
  g_mutex_lock (&watch->lock);
  while (watch->disconts < disconts)
    g_cond_wait (&watch->cond, &watch->lock);
  g_mutex_unlock (&watch->lock);
}

GST_START_TEST (test_filter_changes_in_a_pipeline)
{
  GstElement *pipeline = gst_parse_launch (
      "audiotestsrc name=src samplesperbuffer=1000 ! " MEL_F32_16K
      " ! npumel ! capsfilter name=filter ! fakesink name=sink sync=false",
      NULL);
  GstElement *filter = gst_bin_get_by_name (GST_BIN (pipeline), "filter");
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  Watch watch = { .end = 0 };

  g_mutex_init (&watch.lock);
  g_cond_init (&watch.cond);
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, watch_buffer, &watch, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_stream (&watch, 1);
  for (guint i = 0; i < 10; i++) {
    gst_util_set_object_arg (G_OBJECT (filter), "caps",
        i % 2 ? "audio/x-logmel, norm=none, mels=80"
              : "audio/x-logmel, norm=none, mels=128");
    wait_for_stream (&watch, i + 2);
  }
  gst_element_send_event (pipeline, gst_event_new_eos ());
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_if (watch.hole);
  fail_unless_equals_int (watch.disconts, 11);
  g_cond_clear (&watch.cond);
  g_mutex_clear (&watch.lock);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_object_unref (filter);
  gst_object_unref (pipeline);
}
GST_END_TEST;

/* ---- the audio changes ---- */

/* Rate, channels, format and layout: each is a stream of its own. */
GST_START_TEST (test_audio_changes)
{
  static const struct {
    const gchar *caps;
    gsize n, samples;
  } audio[] = {
    { MEL_F32_16K, 5001, 5001 },
    { "audio/x-raw, format=S16LE, rate=16000, channels=1, layout=interleaved",
        5003, 5003 },
    { "audio/x-raw, format=S16LE, rate=16000, channels=2, layout=interleaved",
        5007, 5007 },
    { "audio/x-raw, format=S16LE, rate=16000, channels=2, "
      "layout=non-interleaved",
        161, 161 },
    { "audio/x-raw, format=F64LE, rate=48000, channels=1, layout=interleaved",
        9001, 3001 },
    { "audio/x-raw, format=U8, rate=8000, channels=8, layout=interleaved, "
      "channel-mask=(bitmask)0",
        1, 2 },
    { MEL_F32_16K, 77, 77 },
  };
  guint8 *silence = g_malloc0 (80000);
  GstClockTime pts = 0;
  guint next = 0;
  MelOutput output;
  Mel f;

  mel_init (&f, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (audio); i++) {
    mel_set_caps (&f, audio[i].caps);
    mel_push_cut (&f, silence, audio[i].n, 1000, pts);
    pts += audio[i].samples * MEL_SAMPLE;
  }
  mel_eos (&f);
  fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
  output = mel_collect (&f);
  pts = 0;
  for (guint i = 0; i < G_N_ELEMENTS (audio); i++) {
    next = mel_assert_times (&output, next, pts, audio[i].samples, 10, 80);
    pts += audio[i].samples * MEL_SAMPLE;
  }
  fail_unless_equals_int (next, output.buffers->len);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (silence);
}
GST_END_TEST;

/* Refused by the pad's template, and by what the caps say themselves: what was
 * taken before comes out whole. */
GST_START_TEST (test_unsupported_audio_later)
{
  static const struct {
    const gchar *caps;
    guint errors; /* of ours: upstream tells what a template refuses */
  } bad[] = {
    { "audio/x-raw, format=F32LE, rate=4000, channels=1, layout=interleaved",
        0 },
    { "audio/x-raw, format=F32LE, rate=16000, channels=4, "
      "channel-mask=(bitmask)0x3, layout=interleaved",
        1 },
  };
  gsize n = 5001;
  gfloat *x = mel_signal (n, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    MelOutput output;
    Mel f;

    mel_init (&f, MEL_F32_16K, NULL);
    mel_push_cut (&f, x, n, 1000, 0);
    mel_set_caps (&f, bad[i].caps);
    for (guint j = 0; j < 3; j++)
      fail_unless_equals_int (
          mel_push (&f, x, 160, n * MEL_SAMPLE, 0), GST_FLOW_NOT_NEGOTIATED);
    fail_unless_equals_int (mel_count_errors (&f, NULL), bad[i].errors);
    /* The harness would send the refused caps again. */
    mel_send_eos (&f);
    output = mel_collect (&f);
    fail_unless_equals_int (
        mel_assert_times (&output, 0, 0, n, 10, 80), output.buffers->len);
    fail_unless (mel_error (&output, 0, x, n, 80) <= 1e-4);
    mel_output_clear (&output);
    mel_clear (&f);
  }
  g_free (x);
}
GST_END_TEST;

static Suite *
npumel_caps_suite (void)
{
  Suite *suite = suite_create ("npumel-caps");
  TCase *tcase = tcase_create ("caps");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_tensors_are_windows);
  tcase_add_test (tcase, test_tensors_of_any_size);
  tcase_add_test (tcase, test_offer_is_readable_for_nnstreamer);
  tcase_add_test (tcase, test_tensors_that_are_not_made);
  tcase_add_test (tcase, test_downstream_says_how_to_allocate);
  tcase_add_test (tcase, test_filter_changes);
  tcase_add_test (tcase, test_layout_changes_in_a_window);
  tcase_add_test (tcase, test_frames_per_buffer_while_playing);
  tcase_add_test (tcase, test_filter_changes_in_a_pipeline);
  tcase_add_test (tcase, test_audio_changes);
  tcase_add_test (tcase, test_unsupported_audio_later);
  return suite;
}

GST_CHECK_MAIN (npumel_caps);
