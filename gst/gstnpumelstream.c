/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpumelstream.c: the time line, and buffers of frames.
 */
#include "gstnpumelstream.h"

#include "gstnpuconvert.h"
#include "gstnputensormeta.h"
#include "whispermel.h"

/* In GstTensorMeta. */
#define TENSOR_ID "whisper-log-mel"

/* 62.5 µs: a whole number of nanoseconds, so no time stamp is rounded. */
#define SAMPLE_TIME (GST_SECOND / NPU_MEL_RATE)

/* Time stamps that are off by less are jitter; by more, for so long, or by
 * that much at once, the stream has a hole (audio sinks judge alike). */
#define ALIGNMENT_THRESHOLD (40 * GST_MSECOND)
#define DISCONT_WAIT (1 * GST_SECOND)

/* Frames converted at a time, so that a whole file in one buffer needs no more
 * memory than a stream. */
#define MAX_INPUT_FRAMES 16384

struct _GstNpuMelStream {
  GstNpuStats *stats;
  GstAudioInfo in;
  GstNpuLogmelInfo out;
  GstNpuConvert *convert;
  WhisperMel *mel;
  GstAudioStreamAlign *align;

  GstClockTime base;  /* PTS of the first sample; NONE: not begun */
  guint64 frames_out; /* made since then */
};

GstNpuMelStream *
gst_npu_mel_stream_new (NpuBackend *backend, GstNpuStats *stats,
    const GstAudioInfo *in, const GstNpuLogmelInfo *out)
{
  GstNpuConvert *convert = gst_npu_convert_new (in);
  GstNpuMelStream *stream;

  if (convert == NULL)
    return NULL;
  stream = g_new0 (GstNpuMelStream, 1);
  stream->stats = stats;
  stream->in = *in;
  stream->out = *out;
  stream->convert = convert;
  stream->mel = whisper_mel_new (backend, out->mels);
  stream->align =
      gst_audio_stream_align_new (in->rate, ALIGNMENT_THRESHOLD, DISCONT_WAIT);
  stream->base = GST_CLOCK_TIME_NONE;
  return stream;
}

void
gst_npu_mel_stream_free (GstNpuMelStream *stream)
{
  gst_npu_convert_free (stream->convert);
  whisper_mel_free (stream->mel);
  gst_audio_stream_align_free (stream->align);
  g_free (stream);
}

const GstAudioInfo *
gst_npu_mel_stream_get_input (GstNpuMelStream *stream)
{
  return &stream->in;
}

const GstNpuLogmelInfo *
gst_npu_mel_stream_get_output (GstNpuMelStream *stream)
{
  return &stream->out;
}

gboolean
gst_npu_mel_stream_set_output (
    GstNpuMelStream *stream, const GstNpuLogmelInfo *out)
{
  if (out->mels != stream->out.mels
      || out->normalized != stream->out.normalized)
    return FALSE;
  stream->out = *out;
  return TRUE;
}

GstClockTime
gst_npu_mel_buffering_latency (guint frames_per_buffer)
{
  return frames_per_buffer * GST_NPU_MEL_FRAME_TIME
         + WHISPER_MEL_LOOKAHEAD * SAMPLE_TIME;
}

GstClockTime
gst_npu_mel_stream_get_latency (GstNpuMelStream *stream)
{
  return gst_npu_mel_buffering_latency (stream->out.frames)
         + gst_npu_convert_get_latency (stream->convert);
}

/* ---- the time line ---- */

void
gst_npu_mel_stream_reset (GstNpuMelStream *stream)
{
  gst_npu_convert_reset (stream->convert);
  whisper_mel_reset (stream->mel);
  stream->base = GST_CLOCK_TIME_NONE;
  stream->frames_out = 0;
}

void
gst_npu_mel_stream_begin (GstNpuMelStream *stream, GstClockTime pts)
{
  gst_npu_mel_stream_reset (stream);
  gst_audio_stream_align_mark_discont (stream->align);
  stream->base = pts;
}

gboolean
gst_npu_mel_stream_has_begun (GstNpuMelStream *stream)
{
  return GST_CLOCK_TIME_IS_VALID (stream->base);
}

GstClockTime
gst_npu_mel_stream_get_end (GstNpuMelStream *stream)
{
  return stream->base
         + gst_util_uint64_scale_int (
             gst_npu_convert_get_frames (stream->convert), GST_SECOND,
             stream->in.rate);
}

gboolean
gst_npu_mel_stream_reaches (GstNpuMelStream *stream, GstClockTime start)
{
  GstClockTimeDiff hole =
      GST_CLOCK_DIFF (gst_npu_mel_stream_get_end (stream), start);

  return ABS (hole) < (GstClockTimeDiff) DISCONT_WAIT;
}

gboolean
gst_npu_mel_stream_continues (
    GstNpuMelStream *stream, GstClockTime pts, guint64 n_frames)
{
  gboolean first = gst_npu_convert_get_frames (stream->convert) == 0;
  gboolean hole = !gst_npu_mel_stream_reaches (stream, pts);

  /* A gap may be longer than the counter; it is a hole's end that matters. */
  return !gst_audio_stream_align_process (stream->align, hole, pts,
             (guint) MIN (n_frames, G_MAXUINT), NULL, NULL, NULL)
         || (first && !hole);
}

guint64
gst_npu_mel_stream_frames_until (GstNpuMelStream *stream, GstClockTime stop)
{
  guint64 frames = gst_npu_convert_get_frames (stream->convert);
  guint64 end = 0;

  if (stop > stream->base)
    end = gst_util_uint64_scale_round (
        stop - stream->base, stream->in.rate, GST_SECOND);
  return end > frames ? end - frames : 0;
}

guint64
gst_npu_mel_stream_push (GstNpuMelStream *stream, const GstAudioBuffer *audio,
    guint64 first, guint64 n_frames)
{
  GstClockTime started = gst_util_get_timestamp ();
  gsize n = MIN (n_frames, MAX_INPUT_FRAMES);
  gsize n_samples;
  const gfloat *samples =
      gst_npu_convert_push (stream->convert, audio, first, n, &n_samples);

  gst_npu_stats_add (stream->stats, GST_NPU_MEL_STAGE_CONVERT,
      started, gst_util_get_timestamp ());
  whisper_mel_push (stream->mel, samples, n_samples);
  return n;
}

void
gst_npu_mel_stream_drain (GstNpuMelStream *stream)
{
  gsize n_samples;
  const gfloat *samples = gst_npu_convert_drain (stream->convert, &n_samples);

  whisper_mel_push (stream->mel, samples, n_samples);
  whisper_mel_drain (stream->mel);
}

guint64
gst_npu_mel_stream_get_position (GstNpuMelStream *stream)
{
  guint64 samples = gst_npu_convert_get_samples (stream->convert);

  return (samples + NPU_MEL_HOP - 1) / NPU_MEL_HOP;
}

guint64
gst_npu_mel_stream_get_frames_out (GstNpuMelStream *stream)
{
  return stream->frames_out;
}

/* ---- buffers ---- */

gboolean
gst_npu_mel_stream_next (GstNpuMelStream *stream, GstNpuMelChunk *chunk)
{
  guint limit = stream->out.frames;
  gsize content = whisper_mel_available (stream->mel);
  gsize tail = whisper_mel_available_tail (stream->mel);

  chunk->first = stream->frames_out;
  chunk->content = MIN (content, limit);
  chunk->tail = 0;
  if (content >= limit)
    return TRUE;
  if (tail == 0) /* none before the end of the audio, always some behind */
    return FALSE;
  if (stream->out.normalized)
    /* The tail fills an open window and never opens one. */
    chunk->tail = content > 0 ? MIN (tail, limit - content) : 0;
  else if (content == 0)
    chunk->tail = MIN (tail, limit);
  return chunk->content + chunk->tail > 0;
}

gsize
gst_npu_mel_stream_get_size (
    GstNpuMelStream *stream, const GstNpuMelChunk *chunk)
{
  gsize frames = stream->out.normalized ? WHISPER_MEL_FRAMES
                                        : chunk->content + chunk->tail;

  return frames * stream->out.mels * sizeof (gfloat);
}

/* out[band][frame] = in[frame][band] */
static void
transpose_window (const gfloat *in, guint n_bands, gfloat *out)
{
  for (guint band = 0; band < n_bands; band++)
    for (guint frame = 0; frame < WHISPER_MEL_FRAMES; frame++)
      out[band * WHISPER_MEL_FRAMES + frame] = in[frame * n_bands + band];
}

/* A whole normalised window whose first @n_frames frames are to be computed;
 * behind them is silence. */
static gboolean
compute_window (
    GstNpuMelStream *stream, guint n_frames, gfloat *out, GError **error)
{
  gsize n_values = (gsize) WHISPER_MEL_FRAMES * stream->out.mels;
  gfloat *frames = stream->out.mel_major ? g_new (gfloat, n_values) : out;
  gboolean ok = whisper_mel_pull (stream->mel, n_frames, frames, error);

  if (ok) {
    for (gsize i = (gsize) n_frames * stream->out.mels; i < n_values; i++)
      frames[i] = NPU_MEL_SILENCE;
    whisper_mel_normalize (frames, n_values, frames);
    if (stream->out.mel_major)
      transpose_window (frames, stream->out.mels, out);
  }
  if (frames != out)
    g_free (frames);
  return ok;
}

/* The audio of @content frames lasts to their end or to its own. */
static void
set_time (
    GstNpuMelStream *stream, const GstNpuMelChunk *chunk, GstBuffer *buffer)
{
  guint64 samples = whisper_mel_get_samples (stream->mel);
  guint64 start = MIN (chunk->first * NPU_MEL_HOP, samples);
  guint64 stop = MIN ((chunk->first + chunk->content) * NPU_MEL_HOP, samples);

  GST_BUFFER_PTS (buffer) = stream->base + start * SAMPLE_TIME;
  GST_BUFFER_DURATION (buffer) = (stop - start) * SAMPLE_TIME;
  GST_BUFFER_OFFSET (buffer) = chunk->first;
  GST_BUFFER_OFFSET_END (buffer) = chunk->first + chunk->content + chunk->tail;
  if (chunk->first == 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
}

gboolean
gst_npu_mel_stream_fill (GstNpuMelStream *stream, const GstNpuMelChunk *chunk,
    GstBuffer *buffer, GError **error)
{
  GstClockTime started = gst_util_get_timestamp ();
  guint n_frames = chunk->content + chunk->tail;
  GstMapInfo map;
  gboolean ok;

  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE,
        "The memory for log-mel frames cannot be written.");
    return FALSE;
  }
  if (stream->out.normalized)
    ok = compute_window (stream, n_frames, (gfloat *) map.data, error);
  else
    ok = whisper_mel_pull (stream->mel, n_frames, (gfloat *) map.data, error);
  gst_buffer_unmap (buffer, &map);
  if (!ok)
    return FALSE;
  set_time (stream, chunk, buffer);
  stream->frames_out += n_frames;
  gst_npu_stats_add (stream->stats, GST_NPU_MEL_STAGE_MEL,
      started, gst_util_get_timestamp ());
  return TRUE;
}

void
gst_npu_mel_stream_add_tensor_meta (GstNpuMelStream *stream, GstBuffer *buffer)
{
  const GstNpuLogmelInfo *out = &stream->out;

  if (!out->normalized)
    return;
  if (out->mel_major)
    gst_npu_tensor_meta_add (buffer, TENSOR_ID, out->mels, out->frames);
  else
    gst_npu_tensor_meta_add (buffer, TENSOR_ID, out->frames, out->mels);
}
