/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* melfixture.c: see melfixture.h. */
#include "melfixture.h"

#include <gst/audio/audio.h>
#include <math.h>
#include <string.h>

#include "refmel.h"

static void
init_harness (Mel *f, GstHarness *h)
{
  memset (f, 0, sizeof (*f));
  f->h = h;
  f->element = h->element;
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->element, f->bus);
}

void
mel_init (Mel *f, const gchar *src_caps, const gchar *sink_caps)
{
  init_harness (f, gst_harness_new ("npumel"));
  if (sink_caps != NULL)
    gst_harness_set_sink_caps_str (f->h, sink_caps);
  gst_harness_play (f->h);
  if (src_caps != NULL)
    mel_set_caps (f, src_caps);
}

void
mel_init_parse (Mel *f, const gchar *description, const gchar *src_caps)
{
  init_harness (f, gst_harness_new_parse (description));
  gst_harness_play (f->h);
  mel_set_caps (f, src_caps);
}

void
mel_clear (Mel *f)
{
  gst_element_set_bus (f->element, NULL);
  gst_object_unref (f->bus);
  gst_harness_teardown (f->h);
}

/* Caps that cannot be parsed may be set too: then nothing can be pushed. */
void
mel_set_caps (Mel *f, const gchar *src_caps)
{
  GstCaps *caps = gst_caps_from_string (src_caps);
  GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *format = gst_structure_get_string (structure, "format");
  const gchar *layout = gst_structure_get_string (structure, "layout");
  gint channels, rate;

  fail_unless (gst_structure_get_int (structure, "channels", &channels));
  fail_unless (gst_structure_get_int (structure, "rate", &rate));
  gst_audio_info_set_format (
      &f->info, gst_audio_format_from_string (format), rate, channels, NULL);
  if (g_str_equal (layout, "non-interleaved"))
    f->info.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  gst_harness_set_src_caps (f->h, caps);
}

static void
deinterleave (
    guint8 *out, const guint8 *in, gsize n_frames, const GstAudioInfo *info)
{
  gsize width = info->finfo->width / 8;

  for (gint c = 0; c < info->channels; c++)
    for (gsize i = 0; i < n_frames; i++)
      memcpy (out + (c * n_frames + i) * width,
          in + (i * info->channels + c) * width, width);
}

GstFlowReturn
mel_push (Mel *f, gconstpointer data, gsize n_frames, GstClockTime pts,
    GstBufferFlags flags)
{
  gsize size = n_frames * f->info.bpf;
  guint8 *copy = g_malloc (MAX (size, 1));
  GstBuffer *buffer = gst_buffer_new_wrapped_full (
      0, copy, MAX (size, 1), 0, size, copy, g_free);

  if (f->info.layout == GST_AUDIO_LAYOUT_NON_INTERLEAVED) {
    deinterleave (copy, data, n_frames, &f->info);
    gst_buffer_add_audio_meta (buffer, &f->info, n_frames, NULL);
  } else if (size > 0) {
    memcpy (copy, data, size);
  }
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_FLAG_SET (buffer, flags);
  return gst_harness_push (f->h, buffer);
}

void
mel_push_cut (
    Mel *f, gconstpointer data, gsize n_frames, gsize cut, GstClockTime pts)
{
  const guint8 *bytes = data;

  for (gsize i = 0; i < n_frames; i += MIN (cut, n_frames - i)) {
    GstClockTime offset = gst_util_uint64_scale (i, GST_SECOND, f->info.rate);

    fail_unless_equals_int (
        mel_push (f, bytes + i * f->info.bpf, MIN (cut, n_frames - i),
            GST_CLOCK_TIME_IS_VALID (pts) ? pts + offset : pts, 0),
        GST_FLOW_OK);
  }
}

void
mel_eos (Mel *f)
{
  fail_unless (gst_harness_push_event (f->h, gst_event_new_eos ()));
}

void
mel_send_eos (Mel *f)
{
  GstPad *pad = gst_element_get_static_pad (f->element, "sink");

  fail_unless (gst_pad_send_event (pad, gst_event_new_eos ()));
  gst_object_unref (pad);
}

guint
mel_count_errors (Mel *f, GError **error)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (f->bus, GST_MESSAGE_ERROR)) != NULL) {
    if (error != NULL) {
      g_clear_error (error);
      gst_message_parse_error (message, error, NULL);
    }
    gst_message_unref (message);
    n++;
  }
  return n;
}

MelOutput
mel_collect (Mel *f)
{
  MelOutput output = { g_byte_array_new (),
    g_array_new (FALSE, FALSE, sizeof (MelBuffer)) };
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (f->h)) != NULL) {
    MelBuffer b = { GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
      GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer),
      gst_buffer_get_size (buffer), GST_BUFFER_IS_DISCONT (buffer) };
    GstMapInfo map;

    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (output.bytes, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    g_array_append_val (output.buffers, b);
    gst_buffer_unref (buffer);
  }
  return output;
}

void
mel_output_clear (MelOutput *output)
{
  g_byte_array_unref (output->bytes);
  g_array_unref (output->buffers);
}

void
mel_assert_equal (const MelOutput *a, const MelOutput *b)
{
  fail_unless_equals_int (a->buffers->len, b->buffers->len);
  for (guint i = 0; i < a->buffers->len; i++) {
    fail_unless_equals_uint64 (mel_buffer (a, i).pts, mel_buffer (b, i).pts);
    fail_unless_equals_uint64 (
        mel_buffer (a, i).duration, mel_buffer (b, i).duration);
    fail_unless_equals_uint64 (
        mel_buffer (a, i).offset, mel_buffer (b, i).offset);
    fail_unless_equals_int (mel_buffer (a, i).size, mel_buffer (b, i).size);
    fail_unless_equals_int (
        mel_buffer (a, i).discont, mel_buffer (b, i).discont);
  }
  fail_unless_equals_int (a->bytes->len, b->bytes->len);
  fail_unless (memcmp (a->bytes->data, b->bytes->data, a->bytes->len) == 0);
}

static void
assert_buffer (const MelBuffer *b, GstClockTime pts, GstClockTime duration,
    gsize first_frame, gsize n_frames, guint mels)
{
  fail_unless_equals_uint64 (b->pts, pts);
  fail_unless_equals_uint64 (b->duration, duration);
  fail_unless_equals_uint64 (b->offset, first_frame);
  fail_unless_equals_uint64 (b->offset_end, first_frame + n_frames);
  fail_unless_equals_uint64 (b->size, n_frames * mels * sizeof (gfloat));
  fail_unless_equals_int (b->discont, first_frame == 0);
}

guint
mel_assert_times (const MelOutput *output, guint first, GstClockTime pts,
    gsize n_samples, guint step, guint mels)
{
  gsize content = refmel_content_frames (n_samples);
  gsize all = refmel_all_frames (n_samples);
  GstClockTime total = n_samples * MEL_SAMPLE;
  gsize frame = 0;

  while (frame < all) {
    gsize end = frame < content ? content : all;
    gsize n = MIN (step, end - frame);
    GstClockTime start = MIN (frame * MEL_FRAME, total);
    GstClockTime stop = MIN ((frame + n) * MEL_FRAME, total);

    fail_unless (first < output->buffers->len);
    assert_buffer (&mel_buffer (output, first++), pts + start, stop - start,
        frame, n, mels);
    frame += n;
  }
  return first;
}

gdouble
mel_error (const MelOutput *output, gsize first_frame, const gfloat *x,
    gsize n_samples, guint mels)
{
  gsize n_frames = refmel_all_frames (n_samples);
  gdouble *expected = refmel_frames (x, n_samples, n_frames, mels);
  gdouble error;

  fail_unless (
      output->bytes->len >= (first_frame + n_frames) * mels * sizeof (gfloat));
  error = refmel_max_error (
      mel_frames (output) + first_frame * mels, expected, n_frames * mels);
  g_free (expected);
  return error;
}

gdouble
mel_signal_at (gdouble t, guint voice)
{
  gdouble sum = 0.0;

  for (guint k = 0; k < 7; k++) {
    gdouble hz = 150.0 + 480.0 * k + 37.0 * voice;
    gdouble period = 0.11 + 0.013 * k + 0.007 * voice;
    gdouble phase = fmod (t, period) / period - 0.5;

    sum += 0.07 * exp (-40.0 * phase * phase)
           * sin (2.0 * G_PI * hz * t * (1.0 + 0.01 * sin (t)) + k);
  }
  return sum;
}

gfloat *
mel_signal (gsize n, gint rate, guint voice)
{
  gfloat *x = g_new (gfloat, MAX (n, 1));

  for (gsize i = 0; i < n; i++)
    x[i] = mel_signal_at ((gdouble) i / rate, voice);
  return x;
}
