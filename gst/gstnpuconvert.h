/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuconvert.h: any raw audio → 16 kHz mono float, to the sample.
 *
 * A stream of n frames at rate r gives exactly ceil (n * 16000 / r) samples:
 * every instant k / 16000 s that lies within the audio, so that no audio is
 * too short to be heard and 30 s and one sample is more than 30 s at every
 * rate.  Sample k is the audio at k / 16000 s: the resampler's delay is taken
 * out.  Values do not depend on how the frames were cut into pushes.
 * One thread at a time.
 */
#ifndef GST_NPU_CONVERT_H
#define GST_NPU_CONVERT_H

#include <gst/audio/audio.h>

G_BEGIN_DECLS

typedef struct _GstNpuConvert GstNpuConvert;

/* Like gst_audio_info_from_caps(), which refuses more than two channels
 * without a channel-mask: those are taken as unpositioned. */
gboolean gst_npu_convert_parse_caps (GstAudioInfo *info, GstCaps *caps);

/* NULL if audio of this kind cannot be converted. */
GstNpuConvert *gst_npu_convert_new (const GstAudioInfo *info);
void gst_npu_convert_free (GstNpuConvert *convert);

/* Forgets everything: the next frame is the first of a stream. */
void gst_npu_convert_reset (GstNpuConvert *convert);

/* Like gst_audio_buffer_map() for reading, which takes for granted that @buffer
 * is as @info says: FALSE if it is not.  Where the planes of non-interleaved
 * audio lie stands in a GstAudioMeta. */
gboolean gst_npu_convert_map (
    const GstAudioInfo *info, GstBuffer *buffer, GstAudioBuffer *audio);

/* Takes @n_frames frames of @audio, whose layout may be either, from its frame
 * @first on (@audio NULL: silence), and returns the *@n_samples samples that are
 * ready, valid until the next call. */
const gfloat *gst_npu_convert_push (GstNpuConvert *convert,
    const GstAudioBuffer *audio, gsize first, gsize n_frames, gsize *n_samples);

/* The stream has ended: the samples still missing.  Then reset(). */
const gfloat *gst_npu_convert_drain (GstNpuConvert *convert, gsize *n_samples);

/* Frames taken since the start of the stream, and the samples they make. */
guint64 gst_npu_convert_get_frames (GstNpuConvert *convert);
guint64 gst_npu_convert_get_samples (GstNpuConvert *convert);
/* How far the samples lag behind the frames. */
GstClockTime gst_npu_convert_get_latency (GstNpuConvert *convert);

G_END_DECLS
#endif /* GST_NPU_CONVERT_H */
