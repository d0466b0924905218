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

#define MAX_CHANNELS 64 /* that GStreamer knows; npumel takes 8 */

/* Frames of silence converted at a time. */
#define SILENCE_FRAMES 256

/* Two steps, because one converter would resample integers in double
 * precision, which takes twice the time and gains nothing. */
struct _GstNpuConvert {
  GstAudioInfo info;
  GstAudioConverter *mix;       /* to mono float at the same rate; stateless */
  GstAudioConverter *resampler; /* NULL at 16 kHz */
  guint64 frames;               /* taken */
  guint64 samples;              /* given */
  /* GstAudioConverter takes NULL for silence, and then resamples whatever its
   * scratch memory held before (seen with 1.22): silence is given in full. */
  guint8 *silence; /* [SILENCE_FRAMES] */
  gfloat *mono;    /* at the rate that came */
  gsize mono_size; /* floats */
  gfloat *out;
  gsize out_size; /* floats */
};

/* Asked before gst_audio_info_from_caps(), which logs a warning. */
static gboolean
mask_is_valid (gint channels, guint64 mask)
{
  GstAudioChannelPosition positions[MAX_CHANNELS];

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

gboolean
gst_npu_convert_map (
    const GstAudioInfo *info, GstBuffer *buffer, GstAudioBuffer *audio)
{
  GstAudioMeta *meta = gst_buffer_get_audio_meta (buffer);

  if (meta == NULL)
    return info->layout == GST_AUDIO_LAYOUT_INTERLEAVED
           && gst_audio_buffer_map (audio, info, buffer, GST_MAP_READ);
  return meta->info.finfo == info->finfo
         && meta->info.channels == info->channels
         && meta->info.layout == info->layout
         && meta->samples <= gst_buffer_get_size (buffer) / info->bpf
         && gst_audio_buffer_map (audio, &meta->info, buffer, GST_MAP_READ);
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

/* Mono float at @rate. */
static void
init_mono (GstAudioInfo *info, gint rate)
{
  gst_audio_info_set_format (info, GST_AUDIO_FORMAT_F32, rate, 1, NULL);
}

static GstAudioConverter *
new_mix (const GstAudioInfo *info)
{
  GstStructure *config = gst_structure_new_empty ("config");
  GstAudioInfo in = *info;
  GstAudioInfo out;

  init_mono (&out, info->rate);
  if (GST_AUDIO_INFO_IS_UNPOSITIONED (info))
    set_mean_matrix (config, info->channels);
  return gst_audio_converter_new (
      GST_AUDIO_CONVERTER_FLAG_NONE, &in, &out, config);
}

static GstAudioConverter *
new_resampler (gint rate)
{
  GstStructure *config = gst_structure_new ("config",
      GST_AUDIO_CONVERTER_OPT_RESAMPLER_METHOD, GST_TYPE_AUDIO_RESAMPLER_METHOD,
      GST_AUDIO_RESAMPLER_METHOD_KAISER, NULL);
  GstAudioInfo in, out;

  init_mono (&in, rate);
  init_mono (&out, NPU_MEL_RATE);
  gst_audio_resampler_options_set_quality (GST_AUDIO_RESAMPLER_METHOD_KAISER,
      RESAMPLER_QUALITY, in.rate, out.rate, config);
  gst_structure_set (config, GST_AUDIO_RESAMPLER_OPT_FILTER_OVERSAMPLE,
      G_TYPE_INT, RESAMPLER_OVERSAMPLE, NULL);
  return gst_audio_converter_new (
      GST_AUDIO_CONVERTER_FLAG_NONE, &in, &out, config);
}

GstNpuConvert *
gst_npu_convert_new (const GstAudioInfo *info)
{
  GstAudioConverter *mix = new_mix (info);
  GstNpuConvert *convert;

  if (mix == NULL)
    return NULL;
  convert = g_new0 (GstNpuConvert, 1);
  convert->info = *info;
  convert->mix = mix;
  if (info->rate != NPU_MEL_RATE)
    convert->resampler = new_resampler (info->rate);
  convert->silence = g_malloc (SILENCE_FRAMES * info->bpf);
  gst_audio_format_info_fill_silence (
      info->finfo, convert->silence, SILENCE_FRAMES * info->bpf);
  return convert;
}

void
gst_npu_convert_free (GstNpuConvert *convert)
{
  gst_audio_converter_free (convert->mix);
  g_clear_pointer (&convert->resampler, gst_audio_converter_free);
  g_free (convert->silence);
  g_free (convert->mono);
  g_free (convert->out);
  g_free (convert);
}

void
gst_npu_convert_reset (GstNpuConvert *convert)
{
  /* gst_audio_converter_reset() keeps the resampler's phase (seen with 1.22):
   * the same audio would not give the same samples again. */
  if (convert->resampler != NULL && convert->frames > 0) {
    gst_audio_converter_free (convert->resampler);
    convert->resampler = new_resampler (convert->info.rate);
  }
  convert->frames = 0;
  convert->samples = 0;
}

static gfloat *
reserve (gfloat **array, gsize *size, gsize wanted)
{
  if (*size < wanted || *array == NULL) {
    *size = wanted;
    *array = g_renew (gfloat, *array, MAX (wanted, 1));
  }
  return *array;
}

/* Appends what @n_frames frames give to the @filled samples in convert->out.
 * The converter leaves denormals flushed for some formats (seen with 1.22 and
 * S16): the caller's float mode is put back. */
static gsize
run (GstNpuConvert *convert, gpointer *planes, gsize n_frames, gsize filled)
{
  guint32 float_mode = npu_cpu_enter_float_mode ();
  gsize n = n_frames;
  gpointer mono, out;

  if (convert->resampler != NULL)
    n = gst_audio_converter_get_out_frames (convert->resampler, n_frames);
  out = reserve (&convert->out, &convert->out_size, filled + n) + filled;
  mono = convert->resampler == NULL
             ? out
             : reserve (&convert->mono, &convert->mono_size, n_frames);
  gst_audio_converter_samples (convert->mix, GST_AUDIO_CONVERTER_FLAG_NONE,
      planes, n_frames, &mono, n_frames);
  if (convert->resampler != NULL)
    gst_audio_converter_samples (convert->resampler,
        GST_AUDIO_CONVERTER_FLAG_NONE, &mono, n_frames, &out, n);
  npu_cpu_leave_float_mode (float_mode);
  return filled + n;
}

static gsize
run_audio (GstNpuConvert *convert, const GstAudioBuffer *audio, gsize first,
    gsize n_frames)
{
  const GstAudioInfo *info = &convert->info;
  gsize step = info->layout == GST_AUDIO_LAYOUT_INTERLEAVED
                   ? info->bpf
                   : info->finfo->width / 8;
  gpointer planes[MAX_CHANNELS];

  for (gint i = 0; i < audio->n_planes; i++)
    planes[i] = (guint8 *) audio->planes[i] + first * step;
  return run (convert, planes, n_frames, 0);
}

/* Appends what at most SILENCE_FRAMES frames of silence give. */
static gsize
run_silence (GstNpuConvert *convert, gsize n_frames, gsize filled)
{
  gpointer planes[MAX_CHANNELS];

  for (guint i = 0; i < G_N_ELEMENTS (planes); i++)
    planes[i] = convert->silence;
  return run (convert, planes, MIN (n_frames, SILENCE_FRAMES), filled);
}

const gfloat *
gst_npu_convert_push (GstNpuConvert *convert, const GstAudioBuffer *audio,
    gsize first, gsize n_frames, gsize *n_samples)
{
  gsize ready = 0;

  if (audio != NULL)
    ready = run_audio (convert, audio, first, n_frames);
  else
    for (gsize i = 0; i < n_frames; i += SILENCE_FRAMES)
      ready = run_silence (convert, n_frames - i, ready);

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
    filled = run_silence (convert, SILENCE_FRAMES, filled);
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
  if (convert->resampler == NULL)
    return 0;
  return gst_util_uint64_scale_int (
      gst_audio_converter_get_max_latency (convert->resampler), GST_SECOND,
      convert->info.rate);
}
