/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * encoderfixture.h: an npuwhisperenc in a harness, on a small made-up model
 * (whispersize.c: "test"), and what to feed it with and to expect of it.
 */
#ifndef ENCODER_FIXTURE_H
#define ENCODER_FIXTURE_H

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

G_BEGIN_DECLS

#define MODEL "synthetic:test"
#define MELS 80
#define WIDTH 64
#define WINDOW 3000
#define FRAME (10 * GST_MSECOND)
#define STATES_SIZE (1500 * WIDTH * sizeof (gfloat))
#define NO_TIME GST_CLOCK_TIME_NONE

#define MEL_CAPS                                                               \
  "audio/x-logmel, format=F32LE, mels=80, rate=16000, n-fft=400, hop=160, "    \
  "layout=frame-major, norm=none, frames=3000"

typedef struct {
  GstElement *element;
  GstHarness *h;
  GstBus *bus;
} Enc;

GstElement *enc_new (const gchar *model);
void enc_init_with (Enc *f, GstElement *element);
void enc_init (Enc *f);
/* Windows of @positions every @stride; precision f32. */
void enc_init_sliding (Enc *f, guint positions, GstClockTime stride);
void enc_clear (Enc *f);
/* Deterministic, different in every frame and band, between -7 and 1. */
void enc_fill_frames (gfloat *out, gsize first, gsize n);
GstBuffer *enc_frames_new (
    gsize first, gsize n, GstClockTime pts, GstClockTime duration);
void enc_push (Enc *f, GstBuffer *buffer);
/* @n frames in buffers of @cut, stamped as npumel does. */
void enc_push_frames (Enc *f, gsize first, gsize n, gsize cut);
void enc_push_caps (Enc *f, const gchar *text);
void enc_push_tail (Enc *f, gsize first);
void enc_push_eos (Enc *f);
void enc_assert_count (Enc *f, guint n);
void enc_assert_output (Enc *f, guint64 index, GstClockTime pts,
    GstClockTime duration, gboolean discont);
/* PTS and DURATION of the next window, DISCONT or not. */
void enc_assert_times (
    Enc *f, GstClockTime pts, GstClockTime duration, gboolean discont);
/* (transfer full): the states of the next window, with their number. */
gfloat *enc_pull_states (Enc *f, gsize *n);
/* The next message of a type, or NULL. */
GstMessage *enc_pop_message (Enc *f, GstMessageType type);
guint enc_count_messages (Enc *f, GstMessageType type);
void enc_assert_error (Enc *f, GQuark domain, gint code);
void enc_assert_state (GstElement *element, GstState state);
void enc_assert_active (GstElement *element, const gchar *model,
    const gchar *precision, const gchar *backend);
/* An element in NULL with a bus. */
void enc_init_bare (Enc *f, const gchar *model);
void enc_clear_bare (Enc *f);
guint64 enc_get_uint64 (const GstStructure *structure, const gchar *name);
/* Encodes @n_frames frames with @model in windows of @positions, and compares
 * the states with the double-precision reference. */
void enc_check_states (const gchar *model, guint positions, gsize n_frames);

G_END_DECLS
#endif /* ENCODER_FIXTURE_H */
