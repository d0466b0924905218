/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumel-audio.c: every kind of audio gives the frames of its 16 kHz mono
 * signal, as an independent reference in double precision computes them.
 */
#include <gst/audio/audio.h>
#include <math.h>
#include <string.h>

#include "../melfixture.h"
#include "../refmel.h"

#define SECOND 16000

static MelOutput
run (const gchar *caps, gconstpointer data, gsize n_frames)
{
  MelOutput output;
  Mel f;

  mel_init (&f, caps, NULL);
  mel_push_cut (&f, data, n_frames, 1000, 0);
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (mel_count_errors (&f, NULL), 0);
  mel_clear (&f);
  return output;
}

/* The same in both layouts. */
static gchar *
planar (const gchar *caps)
{
  GString *text = g_string_new (caps);

  g_string_replace (text, "layout=interleaved", "layout=non-interleaved", 1);
  return g_string_free (text, FALSE);
}

static void
check_exact_in_layout (
    const gchar *caps, gconstpointer data, const gfloat *x, gsize n_frames)
{
  MelOutput output = run (caps, data, n_frames);
  gdouble error = mel_error (&output, 0, x, n_frames, 80);

  fail_unless_equals_int (
      mel_assert_times (&output, 0, 0, n_frames, 10, 80), output.buffers->len);
  fail_unless (error <= 1e-4, "%s: error %g", caps, error);
  mel_output_clear (&output);
}

static void
check_exact (
    const gchar *caps, gconstpointer data, const gfloat *x, gsize n_frames)
{
  gchar *other = planar (caps);

  check_exact_in_layout (caps, data, x, n_frames);
  check_exact_in_layout (other, data, x, n_frames);
  g_free (other);
}

/* Multiples of 1/64 below 1: exact in every format, 8 bits included. */
static gfloat *
coarse_signal (gsize n)
{
  gfloat *x = mel_signal (n, 16000, 0);

  for (gsize i = 0; i < n; i++)
    x[i] = CLAMP (rint (x[i] * 64.0), -63.0, 63.0) / 64.0;
  return x;
}

GST_START_TEST (test_formats)
{
  gsize n = SECOND / 2;
  gfloat *x = coarse_signal (n);
  gint32 *s32 = g_new (gint32, n);
  gdouble *f64 = g_new (gdouble, n);
  guint tested = 0;

  for (gsize i = 0; i < n; i++) {
    s32[i] = x[i] * 2147483648.0;
    f64[i] = x[i];
  }
  for (gint format = GST_AUDIO_FORMAT_S8; format <= GST_AUDIO_FORMAT_F64BE;
       format++) {
    const GstAudioFormatInfo *info = gst_audio_format_get_info (format);
    guint8 *data = g_malloc (n * info->width / 8);
    gchar *caps = g_strdup_printf (
        "audio/x-raw, format=%s, rate=16000, channels=1, layout=interleaved",
        info->name);

    info->pack_func (info, 0,
        info->unpack_format == GST_AUDIO_FORMAT_F64 ? (gpointer) f64 : s32,
        data, n);
    check_exact (caps, data, x, n);
    tested++;
    g_free (caps);
    g_free (data);
  }
  fail_unless_equals_int (tested, 30);
  g_free (f64);
  g_free (s32);
  g_free (x);
}
GST_END_TEST;

/* @channels signals, each another voice, interleaved; returns their mean. */
static gfloat *
voices (gint channels, gsize n, gfloat **interleaved)
{
  gfloat *mean = g_new0 (gfloat, n);
  gdouble *sum = g_new0 (gdouble, n);

  *interleaved = g_new (gfloat, n * channels);
  for (gint c = 0; c < channels; c++) {
    gfloat *x = mel_signal (n, 16000, c);

    for (gsize i = 0; i < n; i++) {
      (*interleaved)[i * channels + c] = x[i];
      sum[i] += x[i];
    }
    g_free (x);
  }
  for (gsize i = 0; i < n; i++)
    mean[i] = sum[i] / channels;
  g_free (sum);
  return mean;
}

/* Microphone arrays: no position, no preference. */
GST_START_TEST (test_unpositioned_channels_give_their_mean)
{
  static const gchar *const masks[] = { ", channel-mask=(bitmask)0",
    "" /* none at all */ };

  for (gint channels = 1; channels <= 8; channels++) {
    gfloat *interleaved;
    gfloat *mean = voices (channels, SECOND / 2, &interleaved);

    for (guint i = 0; i < G_N_ELEMENTS (masks); i++) {
      gchar *caps = g_strdup_printf ("audio/x-raw, format=F32LE, rate=16000, "
                                     "layout=interleaved, channels=%d%s",
          channels, masks[i]);

      check_exact (caps, interleaved, mean, SECOND / 2);
      g_free (caps);
    }
    g_free (interleaved);
    g_free (mean);
  }
}
GST_END_TEST;

GST_START_TEST (test_stereo_gives_its_mean)
{
  gfloat *interleaved;
  gfloat *mean = voices (2, SECOND, &interleaved);
  gint16 *s16 = g_new (gint16, 2 * SECOND);

  check_exact ("audio/x-raw, format=F32LE, rate=16000, channels=2, "
               "channel-mask=(bitmask)0x3, layout=interleaved",
      interleaved, mean, SECOND);
  for (gsize i = 0; i < 2 * SECOND; i++)
    s16[i] = rint (interleaved[i] * 32767.0);
  for (gsize i = 0; i < SECOND; i++)
    mean[i] = (s16[2 * i] + s16[2 * i + 1]) / 65536.0;
  check_exact ("audio/x-raw, format=S16LE, rate=16000, channels=2, "
               "channel-mask=(bitmask)0x3, layout=interleaved",
      s16, mean, SECOND);
  g_free (s16);
  g_free (interleaved);
  g_free (mean);
}
GST_END_TEST;

/* Positioned layouts are mixed as GStreamer mixes them: the same signal in all
 * channels comes out as it is, and no channel's speech is lost. */
GST_START_TEST (test_surround)
{
  static const struct {
    gint channels;
    const gchar *mask;
    gint lfe;
  } layouts[] = { { 3, "0x7", -1 }, { 4, "0x33", -1 }, { 6, "0x3f", 3 },
    { 8, "0xc3f", 3 } };
  gsize n = SECOND / 2;
  gfloat *x = mel_signal (n, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (layouts); i++) {
    gint channels = layouts[i].channels;
    gchar *caps = g_strdup_printf ("audio/x-raw, format=F32LE, rate=16000, "
                                   "layout=interleaved, channels=%d, "
                                   "channel-mask=(bitmask)%s",
        channels, layouts[i].mask);
    gfloat *data = g_new (gfloat, n * channels);

    for (gsize j = 0; j < n * channels; j++)
      data[j] = x[j / channels];
    check_exact (caps, data, x, n);
    for (gint c = 0; c < channels; c++) {
      MelOutput output;
      gdouble loudest = -10.0;

      for (gsize j = 0; j < n * channels; j++)
        data[j] = (gint) (j % channels) == c ? x[j / channels] : 0.0;
      output = run (caps, data, n);
      for (gsize j = 0; j < output.bytes->len / sizeof (gfloat); j++)
        loudest = MAX (loudest, mel_frames (&output)[j]);
      fail_unless (loudest > -3.0 || c == layouts[i].lfe,
          "%s: channel %d gives %g", caps, c, loudest);
      mel_output_clear (&output);
    }
    g_free (data);
    g_free (caps);
  }
  g_free (x);
}
GST_END_TEST;

/* Away from both ends, where the resampler's filter sees what is not there. */
static gdouble
inner_error (const MelOutput *output, const gfloat *x, gsize n)
{
  gsize n_frames = refmel_content_frames (n) - 20;
  gdouble *all = refmel_frames (x, n, n_frames + 10, 80);
  gdouble *inner = all + 10 * 80;
  const gfloat *frames = mel_frames (output) + 10 * 80;
  gdouble loudest = -10.0, error = 0.0;

  for (gsize i = 0; i < n_frames * 80; i++)
    loudest = MAX (loudest, inner[i]);
  /* Bands above 3.6 kHz hold only what the resampler leaves there: compare
   * within 4 powers of ten of the loudest, and below 3.6 kHz (band 55). */
  for (gsize i = 0; i < n_frames * 80; i++) {
    gdouble a = MAX (frames[i], loudest - 4.0);
    gdouble b = MAX (inner[i], loudest - 4.0);

    if (i % 80 < 55 && !(fabs (a - b) / 4.0 <= error))
      error = fabs (a - b) / 4.0;
  }
  g_free (all);
  return error;
}

GST_START_TEST (test_rates)
{
  static const gint rates[] = { 8000, 11025, 12000, 16000, 22050, 24000, 32000,
    44100, 44101, 48000, 88200, 96000, 176400, 191999, 192000 };
  gfloat *x = mel_signal (2 * SECOND, 16000, 0);

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    gsize n = 2 * rates[i];
    gfloat *y = mel_signal (n, rates[i], 0);
    gchar *caps = g_strdup_printf (
        "audio/x-raw, format=F32LE, rate=%d, channels=1, layout=interleaved",
        rates[i]);
    MelOutput output = run (caps, y, n);
    gdouble error = inner_error (&output, x, 2 * SECOND);

    fail_unless_equals_int (
        mel_assert_times (&output, 0, 0, 2 * SECOND, 10, 80),
        output.buffers->len);
    fail_unless (error <= 2e-3, "%s: error %g", caps, error);
    mel_output_clear (&output);
    g_free (caps);
    g_free (y);
  }
  g_free (x);
}
GST_END_TEST;

/* ceil (n * 16000 / rate) samples: no audio is too short to be heard. */
GST_START_TEST (test_sample_count_at_other_rates)
{
  static const struct {
    gint rate;
    gsize n, samples;
  } cases[] = { { 192000, 1, 1 }, { 44100, 441, 160 }, { 44100, 442, 161 },
    { 44100, 443, 161 }, { 8000, 81, 162 }, { 48000, 48001, 16001 },
    { 11025, 11026, 16002 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gfloat *y = mel_signal (cases[i].n, cases[i].rate, 0);
    gchar *caps = g_strdup_printf (
        "audio/x-raw, format=F32LE, rate=%d, channels=1, layout=interleaved",
        cases[i].rate);
    MelOutput output = run (caps, y, cases[i].n);

    fail_unless_equals_int (
        mel_assert_times (&output, 0, 0, cases[i].samples, 10, 80),
        output.buffers->len);
    mel_output_clear (&output);
    g_free (caps);
    g_free (y);
  }
}
GST_END_TEST;

/* Samples that are no numbers count as silence and harm no others. */
GST_START_TEST (test_broken_samples)
{
  gfloat *x = mel_signal (SECOND, 16000, 0);
  gfloat *broken = g_memdup2 (x, SECOND * sizeof (gfloat));

  x[5000] = x[5001] = x[5002] = 0.0f;
  broken[5000] = NAN;
  broken[5001] = INFINITY;
  broken[5002] = -3e38f;
  check_exact (MEL_F32_16K, broken, x, SECOND);
  g_free (broken);
  g_free (x);
}
GST_END_TEST;

static Suite *
npumel_audio_suite (void)
{
  Suite *suite = suite_create ("npumel-audio");
  TCase *tcase = tcase_create ("audio");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_formats);
  tcase_add_test (tcase, test_unpositioned_channels_give_their_mean);
  tcase_add_test (tcase, test_stereo_gives_its_mean);
  tcase_add_test (tcase, test_surround);
  tcase_add_test (tcase, test_rates);
  tcase_add_test (tcase, test_sample_count_at_other_rates);
  tcase_add_test (tcase, test_broken_samples);
  return suite;
}

GST_CHECK_MAIN (npumel_audio);
