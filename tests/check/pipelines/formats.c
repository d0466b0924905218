/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * formats.c: media files of one format, at every rate and with every layout of
 * channels that it has, through `filesrc ! decodebin ! npumel ! …`.
 *
 * Takes the format's name.  Skipped where an element to make it is missing.
 */
#include "audiofixture.h"

#include <gst/audio/audio.h>
#include <math.h>
#include <sndfile.h>

/* Of normalised log-mel frames.  The noise of 16 bits lies 20 dB below their
 * floor and may change what lies on it by 1 dB, which is 0.025. */
#define MAX_ERROR 0.03
/* And a lossy coder. */
#define MIN_SIMILARITY 0.9

#define FILE_SINK " ! filesink name=out"
#define VIDEO_SOURCE                                                           \
  " videotestsrc num-buffers=20 ! "                                            \
  "video/x-raw, width=64, height=48, framerate=15/1 ! "

enum { MONO = 1, STEREO = 2, SURROUND = 4, QUAD = 8, UNPOSITIONED = 16 };

typedef struct {
  const gchar *name;
  const gchar *elements; /* that make it */
  const gchar *pipeline;
  const guint *rates; /* ended by 0 */
  guint layouts;
  gboolean lossless;
  guint slack;          /* frames of audio that the format may add or cut */
  gboolean for_sndfile; /* to be read by libsndfile, too */
  gboolean has_cover;   /* keeps a picture */
} Format;

static const guint all_rates[] = { 8000, 16000, 44100, 48000, 96000, 0 };
static const guint mp3_rates[] = { 8000, 16000, 44100, 48000, 0 };
static const guint opus_rates[] = { 8000, 16000, 48000, 0 };

static const Format formats[] = {
  { "wav", "wavenc", "appsrc name=audio ! wavenc" FILE_SINK, all_rates,
      MONO | STEREO | SURROUND | QUAD, TRUE, 0, TRUE, FALSE },
  { "flac", "flacenc", "appsrc name=audio ! flacenc" FILE_SINK, all_rates,
      MONO | STEREO | SURROUND, TRUE, 0, TRUE, TRUE },
  { "vorbis", "vorbisenc oggmux",
      "appsrc name=audio ! audioconvert ! vorbisenc quality=0.6 ! "
      "oggmux" FILE_SINK,
      all_rates, MONO | STEREO | SURROUND, FALSE, 0, FALSE, TRUE },
  { "opus", "opusenc oggmux",
      "appsrc name=audio ! opusenc bitrate=160000 ! oggmux" FILE_SINK,
      opus_rates, MONO | STEREO | SURROUND | UNPOSITIONED, FALSE, 0, FALSE,
      TRUE },
  { "mp3", "lamemp3enc id3v2mux",
      "appsrc name=audio ! lamemp3enc target=bitrate bitrate=128 ! "
      "id3v2mux" FILE_SINK,
      mp3_rates, MONO | STEREO, FALSE, 3 * 1152, FALSE, TRUE },
  { "mp4", "avenc_aac mp4mux x264enc",
      "appsrc name=audio ! audioconvert ! avenc_aac bitrate=160000 ! queue ! "
      "mp4mux name=mux" FILE_SINK VIDEO_SOURCE
      "x264enc speed-preset=ultrafast ! queue ! mux.",
      all_rates, MONO | STEREO | SURROUND, FALSE, 3 * 1024, FALSE, TRUE },
  { "mkv", "flacenc matroskamux vp8enc",
      "appsrc name=audio ! flacenc ! flacparse ! queue ! "
      "matroskamux name=mux" FILE_SINK VIDEO_SOURCE "vp8enc ! queue ! mux.",
      all_rates, MONO | STEREO | SURROUND, TRUE, 0, FALSE, TRUE },
};

static const Recording layouts[] = {
  { .channels = 1 },
  { .channels = 2, .mask = 0x3 },
  { .channels = 6, .mask = 0x3f },
  { .channels = 4, .mask = 0x33 },
  { .channels = 4, .mask = 0 },
};

static const Format *format;

/* 1.3 s and a little, no whole number of anything. */
static Recording
recording_new (guint rate, guint layout)
{
  Recording recording = layouts[layout];

  recording.rate = rate;
  recording.n = rate * 13 / 10 + 7;
  return recording;
}

static guint64
expected_samples (const Recording *recording)
{
  return gst_util_uint64_scale_ceil (recording->n, MEL_RATE, recording->rate);
}

static void
check_length (const Recording *recording, guint64 samples)
{
  guint64 expected = expected_samples (recording);
  guint64 slack =
      gst_util_uint64_scale_ceil (format->slack, MEL_RATE, recording->rate);

  fail_unless (samples + slack >= expected && samples <= expected + slack,
      "%" G_GUINT64_FORMAT " samples, not %" G_GUINT64_FORMAT, samples,
      expected);
}

/* What libsndfile reads is what GStreamer decodes: at 16 kHz, where nothing
 * has to be resampled, to the last bit. */
static void
check_sndfile (
    const gchar *path, const Recording *recording, const Output *output)
{
  SF_INFO info = { 0 };
  SNDFILE *file = sf_open (path, SFM_READ, &info);
  gfloat *samples;
  gfloat *frames;
  gsize n_frames;

  fail_unless (file != NULL, "%s: %s", path, sf_strerror (NULL));
  fail_unless_equals_int (info.samplerate, recording->rate);
  fail_unless_equals_int (info.channels, recording->channels);
  fail_unless_equals_int64 (info.frames, recording->n);
  if (recording->rate == MEL_RATE && recording->channels == 1) {
    samples = g_new (gfloat, recording->n);
    fail_unless_equals_int64 (
        sf_readf_float (file, samples, recording->n), recording->n);
    frames = fixture_mel (samples, recording->n, &n_frames);
    fail_unless_equals_uint64 (
        n_frames * MEL_BANDS * sizeof (gfloat), output->size);
    fail_unless (memcmp (frames, output->data, output->size) == 0);
    g_free (frames);
    g_free (samples);
  }
  sf_close (file);
}

/* Unpositioned channels must have come as such, others as what they are. */
static void
check_caps (const Recording *recording, GstCaps *caps)
{
  GstAudioInfo info;

  fail_unless (gst_audio_info_from_caps (&info, caps));
  fail_unless_equals_int (info.channels, recording->channels);
  fail_unless_equals_int (GST_AUDIO_INFO_IS_UNPOSITIONED (&info) != 0,
      recording->channels > 1 && recording->mask == 0);
}

static void
check_frames (const Recording *recording, const Output *output, guint64 samples)
{
  const gfloat *frames = (const gfloat *) output->data;
  gsize n_frames = output->size / sizeof (gfloat) / MEL_BANDS;
  gsize n_expected;
  gfloat *expected = fixture_expected_mel (recording, output->audio,
      format->lossless ? samples : expected_samples (recording), &n_expected);
  gdouble result;

  if (format->lossless) {
    fail_unless_equals_uint64 (n_expected, n_frames);
    result = mel_max_error (frames, expected, n_frames);
    GST_INFO ("%s, %u Hz, %u channels: max. error %g", format->name,
        recording->rate, recording->channels, result);
    fail_unless (result <= MAX_ERROR, "%u Hz, %u channels: max. error %g",
        recording->rate, recording->channels, result);
  } else {
    result = mel_similarity (frames, n_frames, expected, n_expected);
    GST_INFO ("%s, %u Hz, %u channels: similarity %g", format->name,
        recording->rate, recording->channels, result);
    fail_unless (result >= MIN_SIMILARITY, "%u Hz, %u channels: similarity %g",
        recording->rate, recording->channels, result);
  }
  g_free (expected);
}

static void
check_file (const gchar *path, const Recording *recording)
{
  Output output;
  GError *error = NULL;
  guint64 samples;

  fail_unless (fixture_run_mel (path, &output, &error), "%s",
      error ? error->message : "");
  samples = output_check_mel (&output);
  check_length (recording, samples);
  check_caps (recording, output.audio);
  check_frames (recording, &output, samples);
  if (format->for_sndfile)
    check_sndfile (path, recording, &output);
  fail_unless_equals_int (output.has_image, format->has_cover);
  output_clear (&output);

  fail_unless (fixture_run_states (path, &output, &error), "%s",
      error ? error->message : "");
  fail_unless_equals_uint64 (output_check_states (&output), samples);
  fail_unless_equals_int (output.stamps->len, 1);
  output_clear (&output);
}

GST_START_TEST (test_layout)
{
  gchar *dir = fixture_dir_new ("npu-formats");
  gchar *path = g_build_filename (dir, format->name, NULL);

  for (const guint *rate = format->rates; *rate != 0; rate++) {
    Recording recording = recording_new (*rate, __i__);

    GST_INFO ("%s, %u Hz, %u channels", format->name, recording.rate,
        recording.channels);
    fixture_encode (path, format->pipeline, &recording);
    check_file (path, &recording);
  }
  g_free (path);
  fixture_dir_remove (dir);
}
GST_END_TEST;

static Suite *
formats_suite (void)
{
  Suite *s = suite_create ("formats");
  TCase *tc = tcase_create (format->name);

  for (guint i = 0; i < G_N_ELEMENTS (layouts); i++)
    if (format->layouts & (1 << i))
      tcase_add_loop_test (tc, test_layout, i, i + 1);
  suite_add_tcase (s, tc);
  return s;
}

int
main (int argc, char **argv)
{
  gchar *missing;

  gst_check_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (argc > 1 && g_str_equal (argv[1], formats[i].name))
      format = &formats[i];
  if (format == NULL) {
    g_printerr ("Usage: %s FORMAT\n", argv[0]);
    return 2;
  }
  missing = fixture_missing_element (format->elements);
  if (missing == NULL)
    missing = fixture_missing_element ("videotestsrc pngenc");
  if (missing != NULL) {
    g_print ("skipped: the element %s is not installed, so no %s file can be "
             "made\n",
        missing, format->name);
    g_free (missing);
    return TEST_SKIPPED;
  }
  return gst_check_run_suite (formats_suite (), "formats", __FILE__);
}
