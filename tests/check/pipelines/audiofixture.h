/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audiofixture.h: media files made at test time, what the elements make of
 * them, and what they should make of them.
 *
 * The signal in every file is a formula, speech-like and different in each
 * channel, so what a decoded, mixed and resampled file must sound like at
 * 16 kHz is known without resampling anything.
 */
#ifndef AUDIO_FIXTURE_H
#define AUDIO_FIXTURE_H

#include <gst/check/gstcheck.h>

G_BEGIN_DECLS

#define TEST_SKIPPED 77 /* the exit status that Meson takes for "skipped" */

#define MEL_RATE 16000
#define MEL_BANDS 80
#define MEL_HOP 160
#define SAMPLE_TIME (GST_SECOND / MEL_RATE)
#define WINDOW_FRAMES 3000
/* of synthetic:test */
#define STATES_SIZE (1500 * 64 * sizeof (gfloat))

#define MAX_CHANNELS 8

/* A recording of @n frames. */
typedef struct {
  guint rate, channels;
  guint64 mask; /* the channels' positions; 0: none */
  gsize n;
} Recording;

/* What a pipeline pushed: the facts of each buffer, and all bytes. */
typedef struct {
  GArray *stamps; /* Stamp */
  gchar *data;
  gsize size;         /* bytes */
  GstCaps *audio;     /* what npumel got */
  gboolean has_image; /* a tag with a picture went by */
} Output;

typedef struct {
  GstClockTime pts, duration;
  guint64 offset, offset_end;
  gsize size;
} Stamp;

/* A folder of the test's own; remove() takes its files along. */
gchar *fixture_dir_new (const gchar *name);
void fixture_dir_remove (gchar *dir);

/* The first of the @elements, separated by spaces, that is not installed. */
gchar *fixture_missing_element (const gchar *elements);

/* [n][channels], rounded to 16 bits. */
gint16 *fixture_signal (const Recording *recording);

/* Runs @description, in which "appsrc name=audio" plays @recording and
 * "filesink name=out" writes @path; a picture goes to every tag setter. */
void fixture_encode (
    const gchar *path, const gchar *description, const Recording *recording);

/* Writes @recording to @path without GStreamer: 16 bits, libsndfile's
 * @major format. */
void fixture_write (
    const gchar *path, gint major_format, const Recording *recording);

/* filesrc ! decodebin ! npumel ! filesink; FALSE with @error if the pipeline
 * ended so.  @output holds what came until then. */
gboolean fixture_run_mel (const gchar *path, Output *output, GError **error);
/* … ! npumel ! npuwhisperenc model=synthetic:test ! filesink */
gboolean fixture_run_states (const gchar *path, Output *output, GError **error);
void output_clear (Output *output);

/* Fails unless the buffers follow each other without hole; returns the length
 * of the audio in samples at 16 kHz. */
guint64 output_check_stamps (const Output *output);
/* The same for log-mel frames, whose number must fit the length. */
guint64 output_check_mel (const Output *output);
/* The same for hidden states. */
guint64 output_check_states (const Output *output);

/* Log-mel frames of @n samples, 16 kHz mono, that never saw a decoder. */
gfloat *fixture_mel (const gfloat *samples, gsize n, gsize *n_frames);
/* The frames of @n_samples of the signal itself, mixed as audio of these @caps
 * is mixed to mono. */
gfloat *fixture_expected_mel (const Recording *recording, GstCaps *caps,
    gsize n_samples, gsize *n_frames);
/* The largest difference of normalised frames. */
gdouble mel_max_error (const gfloat *a, const gfloat *b, gsize n_frames);
/* The correlation of normalised frames, one moved by up to 12 frames. */
gdouble mel_similarity (const gfloat *a, gsize n_a, const gfloat *b, gsize n_b);

G_END_DECLS
#endif /* AUDIO_FIXTURE_H */
