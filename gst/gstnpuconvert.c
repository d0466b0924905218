/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuconvert.c: GstAudioConverter with what a sample-exact front end needs
 * around it: unpositioned channels, an exact count of samples, and a start
 * that is the same each time.
 */
#include "gstnpuconvert.h"

#include "npukernels.h"

/* Flat to 7.4 kHz and 110 dB down from 8.1 kHz on: Whisper's highest bands
 * reach to 8 kHz and its range is 80 dB.  The default, 4, loses 11 dB at
 * 7.5 kHz. */
#define RESAMPLER_QUALITY 8

/* The resampler reads its filter's table two steps late, which at the default
 * number of steps per sample is a quarter of a sample: a fine table makes the
 * delay negligible (4 µs at 8 kHz, less above). */
#define RESAMPLER_OVERSAMPLE 64

/* Frames of silence converted at a time. */
#define SILENCE_FRAMES 256

struct _GstNpuConvert {
  GstAudioInfo info;
  GstAudioConverter *converter;
  guint64 frames;  /* taken */
  guint64 samples; /* given */
  /* GstAudioConverter takes NULL for silence, and then resamples whatever its
   * scratch memory held before (seen with 1.22): silence is given in full. */
  guint8 *silence; /* [SILENCE_FRAMES] */
  gfloat *out;
  gsize out_size; /* floats */
};

/* Asked before gst_audio_info_from_caps(), which logs a warning. */
static gboolean
mask_is_valid (gint channels, guint64 mask)
{
  GstAudioChannelPosition positions[64];

  /* Bits without a meaning leave theirs as they are. */
  for (guint i = 0; i < G_N_ELEMENTS (positions); i++)
    positions[i] = GST_AUDIO_CHANNEL_POSITION_INVALID;
  return mask == 0
         || (gst_audio_channel_positions_from_mask (channels, mask, positions)
             && gst_audio_check_valid_channel_positions (
                 positions, channels, FALSE));
}

gboolean
gst_npu_convert_parse_caps (GstAudioInfo *info, GstCaps *caps)
{
  GstStructure *structure = gst_caps_get_structure (caps, 0);
  guint64 mask;
  gint channels;
  gboolean ok;

  if (!gst_structure_get_int (structure, "channels", &channels))
    return FALSE;
  if (gst_structure_get (
          structure, "channel-mask", GST_TYPE_BITMASK, &mask, NULL))
    return mask_is_valid (channels, mask)
           && gst_audio_info_from_caps (info, caps);
  if (channels <= 2)
    return gst_audio_info_from_caps (info, caps);
  caps = gst_caps_copy (caps);
  gst_caps_set_simple (
      caps, "channel-mask", GST_TYPE_BITMASK, (guint64) 0, NULL);
  ok = gst_audio_info_from_caps (info, caps);
  gst_caps_unref (caps);
  return ok;
}

/* Unpositioned channels (microphone arrays) have no down-mix of their own:
 * mono is their mean. */
static void
set_mean_matrix (GstStructure *config, gint channels)
{
  GValue matrix = G_VALUE_INIT;
  GValue row = G_VALUE_INIT;
  GValue weight = G_VALUE_INIT;

  gst_value_array_init (&matrix, 1);
  gst_value_array_init (&row, channels);
  g_value_init (&weight, G_TYPE_FLOAT);
  g_value_set_float (&weight, 1.0f / channels);
  for (gint i = 0; i < channels; i++)
    gst_value_array_append_value (&row, &weight);
  g_value_unset (&weight);
  gst_value_array_append_and_take_value (&matrix, &row);
  gst_structure_take_value (
      config, GST_AUDIO_CONVERTER_OPT_MIX_MATRIX, &matrix);
}

static GstAudioConverter *
new_converter (const GstAudioInfo *info)
{
  GstStructure *config = gst_structure_new ("config",
      GST_AUDIO_CONVERTER_OPT_RESAMPLER_METHOD, GST_TYPE_AUDIO_RESAMPLER_METHOD,
      GST_AUDIO_RESAMPLER_METHOD_KAISER, NULL);
  GstAudioInfo in = *info;
  GstAudioInfo out;

  gst_audio_info_set_format (&out, GST_AUDIO_FORMAT_F32, NPU_MEL_RATE, 1, NULL);
  gst_audio_resampler_options_set_quality (GST_AUDIO_RESAMPLER_METHOD_KAISER,
      RESAMPLER_QUALITY, in.rate, out.rate, config);
  gst_structure_set (config, GST_AUDIO_RESAMPLER_OPT_FILTER_OVERSAMPLE,
      G_TYPE_INT, RESAMPLER_OVERSAMPLE, NULL);
  if (GST_AUDIO_INFO_IS_UNPOSITIONED (info))
    set_mean_matrix (config, in.channels);
  return gst_audio_converter_new (
      GST_AUDIO_CONVERTER_FLAG_NONE, &in, &out, config);
}

GstNpuConvert *
gst_npu_convert_new (const GstAudioInfo *info)
{
  GstAudioConverter *converter = new_converter (info);
  GstNpuConvert *convert;

  if (converter == NULL)
    return NULL;
  convert = g_new0 (GstNpuConvert, 1);
  convert->info = *info;
  convert->converter = converter;
  convert->silence = g_malloc (SILENCE_FRAMES * info->bpf);
  gst_audio_format_info_fill_silence (
      info->finfo, convert->silence, SILENCE_FRAMES * info->bpf);
  return convert;
}

void
gst_npu_convert_free (GstNpuConvert *convert)
{
  gst_audio_converter_free (convert->converter);
  g_free (convert->silence);
  g_free (convert->out);
  g_free (convert);
}

void
gst_npu_convert_reset (GstNpuConvert *convert)
{
  if (convert->frames == 0)
    return;
  /* gst_audio_converter_reset() keeps the resampler's phase (seen with 1.22):
   * the same audio would not give the same samples again. */
  gst_audio_converter_free (convert->converter);
  convert->converter = new_converter (&convert->info);
  convert->frames = 0;
  convert->samples = 0;
}

/* Appends what @n_frames frames give to the @filled samples in convert->out. */
static gsize
run (GstNpuConvert *convert, const guint8 *data, gsize n_frames, gsize filled)
{
  gsize n = gst_audio_converter_get_out_frames (convert->converter, n_frames);
  gpointer in[1] = { (gpointer) data };
  gpointer out[1];

  if (convert->out_size < filled + n) {
    convert->out_size = filled + n;
    convert->out = g_renew (gfloat, convert->out, convert->out_size);
  }
  out[0] = convert->out + filled;
  gst_audio_converter_samples (
      convert->converter, GST_AUDIO_CONVERTER_FLAG_NONE, in, n_frames, out, n);
  return filled + n;
}

/* What @n_frames frames of silence give. */
static gsize
run_silence (GstNpuConvert *convert, gsize n_frames)
{
  gsize filled = 0;

  while (n_frames > 0) {
    gsize n = MIN (n_frames, SILENCE_FRAMES);

    filled = run (convert, convert->silence, n, filled);
    n_frames -= n;
  }
  return filled;
}

const gfloat *
gst_npu_convert_push (GstNpuConvert *convert, const guint8 *data,
    gsize n_frames, gsize *n_samples)
{
  gsize ready = data != NULL ? run (convert, data, n_frames, 0)
                             : run_silence (convert, n_frames);

  convert->frames += n_frames;
  *n_samples =
      MIN (ready, gst_npu_convert_get_samples (convert) - convert->samples);
  convert->samples += *n_samples;
  return convert->out;
}

const gfloat *
gst_npu_convert_drain (GstNpuConvert *convert, gsize *n_samples)
{
  gsize missing = gst_npu_convert_get_samples (convert) - convert->samples;
  gsize filled = 0;

  while (filled < missing)
    filled = run (convert, convert->silence, SILENCE_FRAMES, filled);
  convert->samples += missing;
  *n_samples = missing;
  return convert->out;
}

guint64
gst_npu_convert_get_frames (GstNpuConvert *convert)
{
  return convert->frames;
}

guint64
gst_npu_convert_get_samples (GstNpuConvert *convert)
{
  return gst_util_uint64_scale_ceil (
      convert->frames, NPU_MEL_RATE, convert->info.rate);
}

GstClockTime
gst_npu_convert_get_latency (GstNpuConvert *convert)
{
  return gst_util_uint64_scale_int (
      gst_audio_converter_get_max_latency (convert->converter), GST_SECOND,
      convert->info.rate);
}
