/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispermel.h: a stream of samples → un-normalised log-mel frames.
 *
 * Frame t is centred on sample 160 t of the stream: it sees the samples
 * 160 t - 200 … 160 t + 199, mirrored at the stream's start (x[-i] = x[i]) and
 * zero after its end.  N samples give ceil (N / 160) content frames and then
 * tail frames, ceil ((N + 200) / 160) in all; no samples give none.  Frame
 * values do not depend on how the samples were cut into pushes.
 */
#ifndef WHISPER_MEL_H
#define WHISPER_MEL_H

#include "npubackend.h"

G_BEGIN_DECLS

#define WHISPER_MEL_FRAMES 3000   /* frames of a 30 s window */
#define WHISPER_MEL_LOOKAHEAD 200 /* samples after a frame's centre */

typedef struct _WhisperMel WhisperMel;

WhisperMel *whisper_mel_new (NpuBackend *backend, guint n_bands);
void whisper_mel_free (WhisperMel *mel);

/* Forgets everything: the next sample is the first of a stream. */
void whisper_mel_reset (WhisperMel *mel);

/* Takes @n samples of 16 kHz mono float. */
void whisper_mel_push (WhisperMel *mel, const gfloat *samples, gsize n);

/* No more samples will come: the rest of the frames becomes available. */
void whisper_mel_drain (WhisperMel *mel);

/* Samples pushed since the start of the stream. */
guint64 whisper_mel_get_samples (WhisperMel *mel);
/* Frames that pull() could give now, tail frames not counted. */
gsize whisper_mel_available (WhisperMel *mel);
/* After drain(): the tail frames not pulled yet. */
gsize whisper_mel_available_tail (WhisperMel *mel);

/* Computes the next @n_frames frames into @out [n_frames][n_bands]; content
 * first, then tail.  @n_frames must be available. */
gboolean whisper_mel_pull (
    WhisperMel *mel, gsize n_frames, gfloat *out, GError **error);

/* Whisper's normalisation over a whole window: y = (max (x, m - 8) + 4) / 4,
 * m the window's maximum.  @in and @out hold @n values and may be the same. */
void whisper_mel_normalize (const gfloat *in, gsize n, gfloat *out);

G_END_DECLS
#endif /* WHISPER_MEL_H */
