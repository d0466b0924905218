/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * speech.c: the speech sample through npumel: every frame of it, also after
 * seeks and stops with data in flight, and as much as can be where it is
 * damaged.
 */
#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>
#include <string.h>

/* data/README.md: 392890 samples at 22050 Hz are as many at 16 kHz. */
#define N_SAMPLES ((392890 * G_GUINT64_CONSTANT (16000) + 22049) / 22050)
#define SAMPLE_TIME (GST_SECOND / 16000)
#define CONTENT_FRAMES ((N_SAMPLES + 159) / 160)
#define TAIL_FRAMES 2

/* What came to the sink since the last flush. */
typedef struct {
  GMutex lock;
  GByteArray *bytes;
  GstClockTime start, end;
  guint64 frames;
  guint holes;
} Output;

static GstPadProbeReturn
note (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Output *output = user_data;

  g_mutex_lock (&output->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    GstMapInfo map;

    if (output->frames == 0)
      output->start = GST_BUFFER_PTS (buffer);
    else
      output->holes += GST_BUFFER_PTS (buffer) != output->end;
    output->end = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
    output->frames +=
        GST_BUFFER_OFFSET_END (buffer) - GST_BUFFER_OFFSET (buffer);
    gst_buffer_map (buffer, &map, GST_MAP_READ);
    g_byte_array_append (output->bytes, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info))
             == GST_EVENT_FLUSH_STOP) {
    g_byte_array_set_size (output->bytes, 0);
    output->frames = 0;
    output->holes = 0;
  }
  g_mutex_unlock (&output->lock);
  return GST_PAD_PROBE_OK;
}

/* @source ! npumel */
static GstElement *
pipeline_new_with (const gchar *source, Output *output)
{
  gchar *text = g_strconcat (source, " ! npumel ! fakesink name=out", NULL);
  GstElement *pipeline = gst_parse_launch (text, NULL);
  GstElement *out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstPad *pad = gst_element_get_static_pad (out, "sink");

  memset (output, 0, sizeof (*output));
  g_mutex_init (&output->lock);
  output->bytes = g_byte_array_new ();
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      note, output, NULL);
  gst_object_unref (pad);
  gst_object_unref (out);
  g_free (text);
  return pipeline;
}

static GstElement *
pipeline_new (const gchar *path, Output *output)
{
  GstElement *pipeline =
      pipeline_new_with ("filesrc name=in ! oggdemux ! vorbisdec", output);
  GstElement *in = gst_bin_get_by_name (GST_BIN (pipeline), "in");

  g_object_set (in, "location", path, NULL);
  gst_object_unref (in);
  return pipeline;
}

static void
pipeline_free (GstElement *pipeline, Output *output)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_byte_array_unref (output->bytes);
  g_mutex_clear (&output->lock);
}

static gchar *
speech_path (void)
{
  return g_build_filename (
      g_getenv ("NPU_TEST_SOURCE"), "data", "speech.ogg", NULL);
}

static void
play_to_end (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    GError *error;
    gchar *debug;

    gst_message_parse_error (message, &error, &debug);
    fail ("%s: %s (%s)", GST_MESSAGE_SRC_NAME (message), error->message, debug);
  }
  gst_message_unref (message);
  gst_object_unref (bus);
}

static void
forget_messages (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);

  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
  gst_object_unref (bus);
}

static void
assert_whole (const Output *output)
{
  fail_unless_equals_uint64 (output->frames, CONTENT_FRAMES + TAIL_FRAMES);
  fail_unless_equals_uint64 (
      output->bytes->len, output->frames * 80 * sizeof (gfloat));
  fail_unless_equals_uint64 (output->start, 0);
  fail_unless_equals_uint64 (output->end, N_SAMPLES * SAMPLE_TIME);
  fail_unless_equals_int (output->holes, 0);
}

GST_START_TEST (test_every_frame)
{
  gchar *path = speech_path ();
  Output output;
  GstElement *pipeline = pipeline_new (path, &output);

  play_to_end (pipeline);
  assert_whole (&output);
  pipeline_free (pipeline, &output);
  g_free (path);
}
GST_END_TEST;

/* Somewhere in the file, at any moment. */
GST_START_TEST (test_seeks_with_data_in_flight)
{
  const GstSeekFlags flags = GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE;
  GRand *rand = g_rand_new_with_seed (1);
  gchar *path = speech_path ();
  Output output;
  GstElement *pipeline = pipeline_new (path, &output);

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 50; i++) {
    GstClockTime position = g_rand_int_range (rand, 0, 17) * GST_SECOND;

    fail_unless (
        gst_element_seek_simple (pipeline, GST_FORMAT_TIME, flags, position));
    g_usleep (g_rand_int_range (rand, 0, 2000));
  }
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless (gst_element_seek_simple (
      pipeline, GST_FORMAT_TIME, flags, 10 * GST_SECOND));
  forget_messages (pipeline); /* EOS of what was before the seek */
  play_to_end (pipeline);
  fail_unless_equals_int (output.holes, 0);
  fail_unless_equals_uint64 (output.start, 10 * GST_SECOND);
  /* It begins between two samples of the file. */
  fail_unless (ABS (GST_CLOCK_DIFF (output.end, N_SAMPLES * SAMPLE_TIME))
               <= GST_MSECOND);
  fail_unless (
      ABS ((gint) output.frames - (gint) (CONTENT_FRAMES + TAIL_FRAMES - 1000))
      <= 1);
  pipeline_free (pipeline, &output);
  g_free (path);
  g_rand_free (rand);
}
GST_END_TEST;

/* Stopped at any moment, on the way down to any state.  (A demuxer has new pads
 * after that, which gst_parse_launch() does not link.) */
GST_START_TEST (test_stops_with_data_in_flight)
{
  static const GstState states[] = { GST_STATE_NULL, GST_STATE_READY,
    GST_STATE_PAUSED };
  GRand *rand = g_rand_new_with_seed (1);
  Output output;
  GstElement *pipeline =
      pipeline_new_with ("audiotestsrc num-buffers=500 samplesperbuffer=441 ! "
                         "audio/x-raw, rate=44100, channels=2",
          &output);

  for (guint i = 0; i < 60; i++) {
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_usleep (g_rand_int_range (rand, 0, 3000));
    gst_element_set_state (pipeline, states[i % G_N_ELEMENTS (states)]);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_byte_array_set_size (output.bytes, 0);
  output.frames = output.holes = 0;
  play_to_end (pipeline);
  fail_unless_equals_uint64 (output.frames, 500 + TAIL_FRAMES);
  fail_unless_equals_uint64 (output.start, 0);
  fail_unless_equals_uint64 (output.end, 5 * GST_SECOND);
  fail_unless_equals_int (output.holes, 0);
  pipeline_free (pipeline, &output);
  g_rand_free (rand);
}
GST_END_TEST;

/* A second in the middle is noise: what came before is as it was, what comes
 * after is there, and the pipeline ends. */
GST_START_TEST (test_damage)
{
  gchar *whole_path = speech_path (), *path, *data;
  Output whole, damaged;
  GstElement *pipeline = pipeline_new (whole_path, &whole);
  gsize size, before;
  gint file = g_file_open_tmp ("npu-speech-XXXXXX", &path, NULL);

  play_to_end (pipeline);
  fail_unless (file >= 0);
  fail_unless (g_file_get_contents (whole_path, &data, &size, NULL));
  for (gsize i = size / 2; i < size / 2 + 7000; i++)
    data[i] = (gchar) (i * 2654435761u >> 8);
  fail_unless (g_file_set_contents (path, data, size, NULL));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);

  pipeline = pipeline_new (path, &damaged);
  play_to_end (pipeline);
  fail_unless (damaged.frames < whole.frames);
  fail_unless (damaged.frames > whole.frames * 7 / 10);
  /* Half of the bytes are about half of the time. */
  before = whole.bytes->len * 35 / 100;
  fail_unless (memcmp (whole.bytes->data, damaged.bytes->data, before) == 0);
  pipeline_free (pipeline, &damaged);
  g_byte_array_unref (whole.bytes);
  g_mutex_clear (&whole.lock);
  fail_unless (g_close (file, NULL));
  fail_unless (g_unlink (path) == 0);
  g_free (data);
  g_free (path);
  g_free (whole_path);
}
GST_END_TEST;

static gboolean
elements_are_there (void)
{
  static const gchar *const names[] = { "oggdemux", "vorbisdec" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElementFactory *factory = gst_element_factory_find (names[i]);

    if (factory == NULL) {
      g_print ("skipped: the element %s is not installed\n", names[i]);
      return FALSE;
    }
    gst_object_unref (factory);
  }
  return TRUE;
}

static Suite *
speech_suite (void)
{
  Suite *suite = suite_create ("speech");
  TCase *tcase = tcase_create ("speech");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_every_frame);
  tcase_add_test (tcase, test_seeks_with_data_in_flight);
  tcase_add_test (tcase, test_stops_with_data_in_flight);
  tcase_add_test (tcase, test_damage);
  return suite;
}

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  if (!elements_are_there ())
    return 77;
  return gst_check_run_suite (speech_suite (), "speech", __FILE__);
}
