/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* encoderfixture.c: an npuwhisperenc in a harness. */
#include "encoderfixture.h"

#include <math.h>

#include "refencoder.h"
#include "whispermodel.h"

#define MAX_RELATIVE_RMS 1e-4

GstElement *
enc_new (const gchar *model)
{
  GstElement *element = gst_element_factory_make ("npuwhisperenc", NULL);

  fail_unless (element != NULL);
  /* Not "auto", which depends on the processor. */
  g_object_set (element, "model", model, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "precision", "f32");
  return gst_object_ref_sink (element);
}

void
enc_init_with (Enc *f, GstElement *element)
{
  f->element = element;
  f->bus = gst_bus_new ();
  gst_element_set_bus (element, f->bus);
  f->h = gst_harness_new_with_element (element, "sink", "src");
  gst_harness_set_live (f->h, FALSE);
}

void
enc_init (Enc *f)
{
  enc_init_with (f, enc_new (MODEL));
  gst_harness_set_src_caps_str (f->h, MEL_CAPS);
}

void
enc_init_sliding (Enc *f, guint positions, GstClockTime stride)
{
  GstElement *element = enc_new (MODEL);

  g_object_set (element, "audio-ctx", positions, "stride", stride, NULL);
  enc_init_with (f, element);
  gst_harness_set_src_caps_str (f->h, MEL_CAPS);
}

void
enc_clear (Enc *f)
{
  gst_harness_teardown (f->h);
  gst_element_set_bus (f->element, NULL);
  gst_object_unref (f->element);
  gst_object_unref (f->bus);
}

void
enc_fill_frames (gfloat *out, gsize first, gsize n)
{
  for (gsize t = 0; t < n; t++)
    for (gsize b = 0; b < MELS; b++)
      out[t * MELS + b] =
          -3.0f + 4.0f * sinf (0.37f * (first + t) + 0.11f * (first + t) * b);
}

GstBuffer *
enc_frames_new (gsize first, gsize n, GstClockTime pts, GstClockTime duration)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, n * MELS * sizeof (gfloat), NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  enc_fill_frames ((gfloat *) map.data, first, n);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  return buffer;
}

void
enc_push (Enc *f, GstBuffer *buffer)
{
  fail_unless_equals_int (gst_harness_push (f->h, buffer), GST_FLOW_OK);
}

void
enc_push_frames (Enc *f, gsize first, gsize n, gsize cut)
{
  for (gsize i = 0; i < n; i += cut) {
    gsize k = MIN (cut, n - i);

    enc_push (f, enc_frames_new (first + i, k, (first + i) * FRAME, k * FRAME));
  }
}

void
enc_push_caps (Enc *f, const gchar *text)
{
  GstCaps *caps = gst_caps_from_string (text);

  gst_harness_push_event (f->h, gst_event_new_caps (caps));
  gst_caps_unref (caps);
}

void
enc_push_tail (Enc *f, gsize first)
{
  enc_push (f, enc_frames_new (first, 2, first * FRAME, 0));
}

void
enc_push_eos (Enc *f)
{
  fail_unless (gst_harness_push_event (f->h, gst_event_new_eos ()));
}

void
enc_assert_count (Enc *f, guint n)
{
  fail_unless_equals_int (gst_harness_buffers_in_queue (f->h), n);
}

void
enc_assert_output (Enc *f, guint64 index, GstClockTime pts,
    GstClockTime duration, gboolean discont)
{
  GstBuffer *buffer = gst_harness_try_pull (f->h);

  fail_unless (buffer != NULL);
  fail_unless_equals_int (gst_buffer_get_size (buffer), STATES_SIZE);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), pts);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), duration);
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), index);
  fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), discont);
  gst_buffer_unref (buffer);
}

void
enc_assert_times (
    Enc *f, GstClockTime pts, GstClockTime duration, gboolean discont)
{
  GstBuffer *buffer = gst_harness_try_pull (f->h);

  fail_unless (buffer != NULL);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), pts);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), duration);
  fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), discont);
  gst_buffer_unref (buffer);
}

gfloat *
enc_pull_states (Enc *f, gsize *n)
{
  GstBuffer *buffer = gst_harness_try_pull (f->h);
  gpointer data;
  gsize size;

  fail_unless (buffer != NULL);
  gst_buffer_extract_dup (
      buffer, 0, gst_buffer_get_size (buffer), &data, &size);
  gst_buffer_unref (buffer);
  *n = size / sizeof (gfloat);
  return data;
}

GstMessage *
enc_pop_message (Enc *f, GstMessageType type)
{
  return gst_bus_pop_filtered (f->bus, type);
}

guint
enc_count_messages (Enc *f, GstMessageType type)
{
  GstMessage *message;
  guint n = 0;

  while ((message = enc_pop_message (f, type)) != NULL) {
    gst_message_unref (message);
    n++;
  }
  return n;
}

void
enc_assert_error (Enc *f, GQuark domain, gint code)
{
  GstMessage *message = enc_pop_message (f, GST_MESSAGE_ERROR);
  GError *error = NULL;

  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, domain, code), "%s %d: %s",
      g_quark_to_string (error->domain), error->code, error->message);
  g_error_free (error);
  gst_message_unref (message);
  fail_unless (
      enc_pop_message (f, GST_MESSAGE_ERROR) == NULL, "a second error");
}

void
enc_assert_state (GstElement *element, GstState state)
{
  fail_unless (
      gst_element_set_state (element, state) != GST_STATE_CHANGE_FAILURE);
}

void
enc_assert_active (GstElement *element, const gchar *model,
    const gchar *precision, const gchar *backend)
{
  gchar *m, *p, *b;

  g_object_get (element, "active-model", &m, "active-precision", &p,
      "active-backend", &b, NULL);
  fail_unless_equals_string (m, model);
  fail_unless_equals_string (p, precision);
  fail_unless_equals_string (b, backend);
  g_free (m);
  g_free (p);
  g_free (b);
}

void
enc_init_bare (Enc *f, const gchar *model)
{
  f->h = NULL;
  f->element = enc_new (model);
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->element, f->bus);
}

void
enc_clear_bare (Enc *f)
{
  enc_assert_state (f->element, GST_STATE_NULL);
  gst_element_set_bus (f->element, NULL);
  gst_object_unref (f->element);
  gst_object_unref (f->bus);
}

guint64
enc_get_uint64 (const GstStructure *structure, const gchar *name)
{
  guint64 value;

  fail_unless (gst_structure_get_uint64 (structure, name, &value), "%s", name);
  return value;
}

void
enc_check_states (const gchar *name, guint positions, gsize n_frames)
{
  WhisperModel *model = whisper_model_open (name, NULL);
  gfloat *mel = g_new (gfloat, n_frames * MELS);
  NpuWeights weights;
  Enc f;
  gfloat *states;
  double *expected, error;
  gsize n;

  f.element = enc_new (name);
  g_object_set (f.element, "audio-ctx", positions, NULL);
  enc_init_with (&f, f.element);
  gst_harness_set_src_caps_str (f.h, MEL_CAPS);
  enc_push_frames (&f, 0, n_frames, 100);
  enc_push_eos (&f);
  enc_assert_count (&f, 1);
  states = enc_pull_states (&f, &n);

  whisper_model_get_weights (model, &weights);
  fail_unless_equals_int (n, positions * weights.shape.width);
  enc_fill_frames (mel, 0, n_frames);
  expected = ref_encoder_run (&weights, mel, n_frames, positions);
  error = ref_relative_rms (states, expected, n);
  GST_INFO ("%s, %u positions: relative RMS %g", name, positions, error);
  fail_unless (error <= MAX_RELATIVE_RMS, "relative RMS %g", error);

  g_free (expected);
  g_free (states);
  g_free (mel);
  whisper_model_unref (model);
  enc_clear (&f);
}
