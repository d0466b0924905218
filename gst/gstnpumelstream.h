/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpumelstream.h: audio of one format on its time line → buffers of log-mel
 * frames.  What npumel does apart from pads, events and negotiation.
 *
 * A stream begins at a time, takes audio without holes, and ends; then another
 * may begin.  Time stamps are counted in samples from its beginning, and so is
 * where a buffer ends: neither shows how the audio was cut.
 * One thread at a time.
 */
#ifndef GST_NPU_MEL_STREAM_H
#define GST_NPU_MEL_STREAM_H

#include <gst/audio/audio.h>

#include "gstnpucaps.h"
#include "gstnpumelreport.h"

G_BEGIN_DECLS

/* From one frame to the next: exactly 10 ms. */
#define GST_NPU_MEL_FRAME_TIME (GST_SECOND * NPU_MEL_HOP / NPU_MEL_RATE)

typedef struct _GstNpuMelStream GstNpuMelStream;

/* What the next buffer will hold: @content frames with their centre in the
 * audio, then @tail frames behind its end. */
typedef struct {
  guint64 first;
  guint content, tail;
} GstNpuMelChunk;

/* @backend and @stats must outlive it.  NULL if audio of this kind cannot be
 * converted. */
GstNpuMelStream *gst_npu_mel_stream_new (NpuBackend *backend,
    GstNpuStats *stats, const GstAudioInfo *in, const GstNpuLogmelInfo *out);
void gst_npu_mel_stream_free (GstNpuMelStream *stream);

const GstAudioInfo *gst_npu_mel_stream_get_input (GstNpuMelStream *stream);
const GstNpuLogmelInfo *gst_npu_mel_stream_get_output (GstNpuMelStream *stream);
/* Other buffer size or layout from the next buffer on; FALSE if that is not
 * all that would change. */
gboolean gst_npu_mel_stream_set_output (
    GstNpuMelStream *stream, const GstNpuLogmelInfo *out);
/* How much later than its first sample a buffer can leave, the resampler's
 * share included, and without it. */
GstClockTime gst_npu_mel_stream_get_latency (GstNpuMelStream *stream);
GstClockTime gst_npu_mel_buffering_latency (guint frames_per_buffer);

/* Forgets everything: a stream has to begin. */
void gst_npu_mel_stream_reset (GstNpuMelStream *stream);
/* The next frame taken is the first of a stream, at @pts. */
void gst_npu_mel_stream_begin (GstNpuMelStream *stream, GstClockTime pts);
gboolean gst_npu_mel_stream_has_begun (GstNpuMelStream *stream);
/* Where the next frame of audio should be, once it has begun. */
GstClockTime gst_npu_mel_stream_get_end (GstNpuMelStream *stream);
/* Whether @n_frames frames at @pts go on where the stream stands, small jitter
 * aside. */
gboolean gst_npu_mel_stream_continues (
    GstNpuMelStream *stream, GstClockTime pts, guint64 n_frames);
/* Whether silence from @start on does: silence fills small holes too. */
gboolean gst_npu_mel_stream_reaches (
    GstNpuMelStream *stream, GstClockTime start);

/* Takes some of @n_frames frames of @audio from @first on (@audio NULL: silence)
 * and returns how many: take what next() gives before the rest. */
guint64 gst_npu_mel_stream_push (GstNpuMelStream *stream,
    const GstAudioBuffer *audio, guint64 first, guint64 n_frames);
/* Frames of silence up to @stop, 0 if the stream stands there or behind. */
guint64 gst_npu_mel_stream_frames_until (
    GstNpuMelStream *stream, GstClockTime stop);
/* The audio has ended: next() gives the rest. */
void gst_npu_mel_stream_drain (GstNpuMelStream *stream);

/* Log-mel frames whose centre lies in the audio taken so far. */
guint64 gst_npu_mel_stream_get_position (GstNpuMelStream *stream);
/* Log-mel frames made so far. */
guint64 gst_npu_mel_stream_get_frames_out (GstNpuMelStream *stream);

/* FALSE if there is no buffer to be made yet. */
gboolean gst_npu_mel_stream_next (
    GstNpuMelStream *stream, GstNpuMelChunk *chunk);
/* Bytes of the buffer for @chunk. */
gsize gst_npu_mel_stream_get_size (
    GstNpuMelStream *stream, const GstNpuMelChunk *chunk);
/* Computes @chunk, which next() has just given, into @buffer, and sets its
 * time stamps and flags. */
gboolean gst_npu_mel_stream_fill (GstNpuMelStream *stream,
    const GstNpuMelChunk *chunk, GstBuffer *buffer, GError **error);

/* Describes a filled @buffer as a tensor, if it is a whole window: only those
 * have a fixed shape. */
void gst_npu_mel_stream_add_tensor_meta (
    GstNpuMelStream *stream, GstBuffer *buffer);

G_END_DECLS
#endif /* GST_NPU_MEL_STREAM_H */
