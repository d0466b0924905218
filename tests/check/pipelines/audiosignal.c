/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audiosignal.c: the signal, and the log-mel frames that must come of it.
 */
#include "audiofixture.h"

#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>
#include <math.h>

#define FADE 0.03 /* seconds at either end */
#define PEAK 0.8
#define MAX_SHIFT 12

/* Voiced speech in outline: harmonics of a gliding pitch, higher in each
 * channel, in syllables, faded in and out so that its band stays limited. */
static gdouble
signal_value (guint channel, gdouble t, gdouble length, gdouble top)
{
  static const gdouble pitches[MAX_CHANNELS] = { 110, 147, 196, 131, 165, 233,
    123, 175 };
  static const guint harmonics[] = { 1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 27, 34,
    42, 55 };
  gdouble pitch = pitches[channel];
  gdouble edge = MIN (t, length - t);
  gdouble turns = pitch * (t + 0.06 * sin (2 * G_PI * 0.7 * t) / 4.4);
  gdouble syllable = sin (2 * G_PI * 1.9 * t + channel);
  gdouble envelope = 0.02 + 0.98 * syllable * syllable;
  gdouble sum = 0, peak = 0;

  if (edge <= 0)
    return 0;
  if (edge < FADE)
    envelope *= 0.5 - 0.5 * cos (G_PI * edge / FADE);
  for (guint i = 0; i < G_N_ELEMENTS (harmonics); i++) {
    gdouble level = 1 / (1 + 0.15 * harmonics[i]);

    if (harmonics[i] * pitch * 1.07 > top)
      break;
    sum += level * sin (2 * G_PI * harmonics[i] * turns);
    peak += level;
  }
  return PEAK * envelope * sum / peak;
}

/* No harmonic lies where resamplers cut, here or at 16 kHz. */
static gdouble
signal_top (const Recording *recording)
{
  return MIN (0.42 * recording->rate, 6700);
}

static gdouble
recording_length (const Recording *recording)
{
  return (gdouble) recording->n / recording->rate;
}

gint16 *
fixture_signal (const Recording *recording)
{
  guint channels = recording->channels;
  gint16 *out = g_new (gint16, recording->n * channels);
  gdouble top = signal_top (recording);
  gdouble length = recording_length (recording);

  for (gsize i = 0; i < recording->n; i++)
    for (guint c = 0; c < channels; c++)
      out[i * channels + c] = lrint (
          32767 * signal_value (c, (gdouble) i / recording->rate, length, top));
  return out;
}

gfloat *
fixture_mel (const gfloat *samples, gsize n, gsize *n_frames)
{
  GstHarness *h = gst_harness_new ("npumel");
  GByteArray *frames = g_byte_array_new ();
  GstBuffer *buffer;

  gst_harness_set_src_caps_str (
      h, "audio/x-raw, format=" GST_AUDIO_NE (
             F32) ", rate=16000, channels=1, layout=interleaved");
  buffer = gst_buffer_new_memdup (samples, n * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = 0;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  while ((buffer = gst_harness_try_pull (h)) != NULL) {
    GstMapInfo map;

    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (frames, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
  *n_frames = frames->len / sizeof (gfloat) / MEL_BANDS;
  return (gfloat *) g_byte_array_free (frames, FALSE);
}

/* What audioconvert makes of a one in each channel alone. */
static void
measure_weights (const GstAudioInfo *info, gfloat *weights)
{
  GstHarness *h = gst_harness_new ("audioconvert");
  guint channels = info->channels;
  gfloat *ones = g_new0 (gfloat, channels * channels);
  GstAudioInfo in, out;
  GstBuffer *buffer;

  gst_audio_info_set_format (
      &in, GST_AUDIO_FORMAT_F32, info->rate, channels, info->position);
  gst_audio_info_set_format (&out, GST_AUDIO_FORMAT_F32, info->rate, 1, NULL);
  gst_harness_set_caps (
      h, gst_audio_info_to_caps (&in), gst_audio_info_to_caps (&out));
  for (guint c = 0; c < channels; c++)
    ones[c * channels + c] = 1;
  buffer = gst_buffer_new_wrapped (ones, channels * channels * sizeof (gfloat));
  buffer = gst_harness_push_and_pull (h, buffer);
  fail_unless_equals_int (
      gst_buffer_extract (buffer, 0, weights, channels * sizeof (gfloat)),
      channels * sizeof (gfloat));
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

/* The part of each channel in mono: the mean where nothing is known of them,
 * else the stock element's. */
static void
mix_weights (GstCaps *caps, gfloat *weights)
{
  GstAudioInfo info;

  fail_unless (gst_audio_info_from_caps (&info, caps));
  fail_unless (info.channels <= MAX_CHANNELS);
  for (gint c = 0; c < info.channels; c++)
    weights[c] = 1.0f / info.channels;
  if (!GST_AUDIO_INFO_IS_UNPOSITIONED (&info))
    measure_weights (&info, weights);
}

gfloat *
fixture_expected_mel (
    const Recording *recording, GstCaps *caps, gsize n_samples, gsize *n_frames)
{
  gdouble top = signal_top (recording);
  gdouble length = recording_length (recording);
  gfloat *samples = g_new (gfloat, n_samples);
  gfloat weights[MAX_CHANNELS];
  gfloat *frames;

  mix_weights (caps, weights);
  for (gsize i = 0; i < n_samples; i++) {
    gdouble sum = 0;

    for (guint c = 0; c < recording->channels; c++)
      sum += weights[c] * signal_value (c, (gdouble) i / MEL_RATE, length, top);
    samples[i] = sum;
  }
  frames = fixture_mel (samples, n_samples, n_frames);
  g_free (samples);
  return frames;
}

/* ---- comparison -------------------------------------------------------- */

/* As Whisper's encoder sees them. */
static gfloat *
normalize (const gfloat *frames, gsize n_frames)
{
  gsize n = n_frames * MEL_BANDS;
  gfloat *out = g_new (gfloat, n);
  gfloat max = -G_MAXFLOAT;

  for (gsize i = 0; i < n; i++)
    max = MAX (max, frames[i]);
  for (gsize i = 0; i < n; i++)
    out[i] = (MAX (frames[i], max - 8) + 4) / 4;
  return out;
}

gdouble
mel_max_error (const gfloat *a, const gfloat *b, gsize n_frames)
{
  gfloat *x = normalize (a, n_frames);
  gfloat *y = normalize (b, n_frames);
  gdouble error = 0;

  for (gsize i = 0; i < n_frames * MEL_BANDS; i++)
    error = MAX (error, fabs ((gdouble) x[i] - y[i]));
  g_free (x);
  g_free (y);
  return error;
}

static gdouble
correlation (const gfloat *x, const gfloat *y, gsize n)
{
  gdouble sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;

  for (gsize i = 0; i < n; i++) {
    sx += x[i];
    sy += y[i];
    sxx += (gdouble) x[i] * x[i];
    syy += (gdouble) y[i] * y[i];
    sxy += (gdouble) x[i] * y[i];
  }
  return (n * sxy - sx * sy) / sqrt ((n * sxx - sx * sx) * (n * syy - sy * sy));
}

gdouble
mel_similarity (const gfloat *a, gsize n_a, const gfloat *b, gsize n_b)
{
  gfloat *x = normalize (a, n_a);
  gfloat *y = normalize (b, n_b);
  gdouble best = -1;

  for (gint shift = -MAX_SHIFT; shift <= MAX_SHIFT; shift++) {
    gsize from_a = MAX (shift, 0), from_b = MAX (-shift, 0);
    gsize n = MIN (n_a - from_a, n_b - from_b) * MEL_BANDS;

    best = MAX (
        best, correlation (x + from_a * MEL_BANDS, y + from_b * MEL_BANDS, n));
  }
  g_free (x);
  g_free (y);
  return best;
}
