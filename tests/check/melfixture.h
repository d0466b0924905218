/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * melfixture.h: an npumel in a harness, audio to feed it with, and all that
 * came out of it.
 */
#ifndef MEL_FIXTURE_H
#define MEL_FIXTURE_H

#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

G_BEGIN_DECLS

#define MEL_F32_16K                                                            \
  "audio/x-raw, format=F32LE, rate=16000, channels=1, layout=interleaved"
#define MEL_FRAME (10 * GST_MSECOND)
#define MEL_SAMPLE (GST_SECOND / 16000)
#define MEL_NO_TIME GST_CLOCK_TIME_NONE

typedef struct {
  GstElement *element;
  GstHarness *h;
  GstBus *bus;
  GstAudioInfo info; /* of the caps set last */
} Mel;

/* @src_caps NULL: not yet; @sink_caps NULL: anything. */
void mel_init (Mel *f, const gchar *src_caps, const gchar *sink_caps);
/* Several elements, the first an npumel. */
void mel_init_parse (Mel *f, const gchar *description, const gchar *src_caps);
void mel_clear (Mel *f);
void mel_set_caps (Mel *f, const gchar *src_caps);

/* One buffer of @n_frames frames.  @data is interleaved; the buffer has the
 * layout of the caps. */
GstFlowReturn mel_push (Mel *f, gconstpointer data, gsize n_frames,
    GstClockTime pts, GstBufferFlags flags);
/* Buffers of at most @cut frames, the first at @pts. */
void mel_push_cut (
    Mel *f, gconstpointer data, gsize n_frames, gsize cut, GstClockTime pts);
void mel_eos (Mel *f);
/* To the element itself, where the pad before it has something to say first. */
void mel_send_eos (Mel *f);
/* Error messages posted so far; the last one in *@error if not NULL. */
guint mel_count_errors (Mel *f, GError **error);

/* What came out, as one array and buffer by buffer. */
typedef struct {
  GstClockTime pts, duration;
  guint64 offset, offset_end;
  gsize size;
  gboolean discont;
} MelBuffer;

typedef struct {
  GByteArray *bytes;
  GArray *buffers; /* of MelBuffer */
} MelOutput;

MelOutput mel_collect (Mel *f);
void mel_output_clear (MelOutput *output);
#define mel_frames(o) ((const gfloat *) (o)->bytes->data)
#define mel_buffer(o, i) g_array_index ((o)->buffers, MelBuffer, i)
void mel_assert_equal (const MelOutput *a, const MelOutput *b);
/* Buffers @first … of frames of @n_samples samples from @pts on, @step frames
 * each, then the tail; returns the index behind them. */
guint mel_assert_times (const MelOutput *output, guint first, GstClockTime pts,
    gsize n_samples, guint step, guint mels);
/* The largest error of frames from @first_frame on, against the reference. */
gdouble mel_error (const MelOutput *output, gsize first_frame, const gfloat *x,
    gsize n_samples, guint mels);

/* Bursts of tones and chirps below 3.6 kHz, over a little noise; the same at
 * every rate, so that time shifts show. @voice selects another of them. */
gdouble mel_signal_at (gdouble seconds, guint voice);
gfloat *mel_signal (gsize n, gint rate, guint voice);

G_END_DECLS
#endif /* MEL_FIXTURE_H */
