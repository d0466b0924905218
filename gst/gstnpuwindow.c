/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwindow.c: log-mel frames of any number of buffers → one window.
 *
 * The time stamps follow the frames: a buffer that two windows share is cut at
 * a frame, and the parts' durations add up to the buffer's own.
 */
#include "gstnpuwindow.h"

#include <float.h>
#include <math.h>
#include <string.h>

gboolean
gst_npu_input_set (GstNpuInput *input, GstBuffer *buffer, guint n_mels)
{
  GstClockTime full;

  gst_npu_input_clear (input);
  if (!gst_buffer_map (buffer, &input->map, GST_MAP_READ)) {
    gst_buffer_unref (buffer);
    return FALSE;
  }
  input->buffer = buffer;
  input->data = input->map.data;
  input->n_frames = input->map.size / (n_mels * sizeof (gfloat));
  input->pts = GST_BUFFER_PTS (buffer);
  /* A frame stands for 10 ms of audio at most. */
  full = input->n_frames * GST_NPU_FRAME_TIME;
  input->duration = MIN (GST_BUFFER_DURATION (buffer), full);
  return TRUE;
}

void
gst_npu_input_clear (GstNpuInput *input)
{
  if (input->buffer != NULL)
    gst_buffer_unmap (input->buffer, &input->map);
  gst_clear_buffer (&input->buffer);
  input->n_frames = 0;
}

void
gst_npu_window_init (GstNpuWindow *window, guint n_mels, gsize size)
{
  window->n_mels = n_mels;
  window->size = size;
  window->frames = g_new (gfloat, size * n_mels);
  gst_npu_window_reset (window);
}

void
gst_npu_window_clear (GstNpuWindow *window)
{
  g_clear_pointer (&window->frames, g_free);
  window->filled = 0;
}

void
gst_npu_window_reset (GstNpuWindow *window)
{
  window->filled = 0;
  window->ended = FALSE;
  window->pts = GST_CLOCK_TIME_NONE;
  window->duration = 0;
}

/*
 * A log-mel value is the log10 of a float32 power of at least NPU_MEL_FLOOR.
 * Whatever cannot be one would spread over the whole window, through the
 * normalisation's maximum and the attention: not-a-number and the infinities
 * become silence, finite values are clamped.
 */
static void
sanitize (gfloat *values, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    if (!isfinite (values[i]))
      values[i] = NPU_MEL_SILENCE;
    else
      values[i] = CLAMP (values[i], NPU_MEL_SILENCE, (gfloat) FLT_MAX_10_EXP);
  }
}

/* Audio that the next @n frames cover.  Only a buffer's last frame may cover
 * less than 10 ms, so it takes what the others leave. */
static GstClockTime
duration_of_next (const GstNpuInput *input, gsize n)
{
  if (n == input->n_frames)
    return input->duration;
  return MIN (n * GST_NPU_FRAME_TIME, input->duration);
}

static void
take_frames (GstNpuWindow *window, GstNpuInput *input, gsize n)
{
  gsize n_values = n * window->n_mels;
  gfloat *to = window->frames + window->filled * window->n_mels;
  GstClockTime duration = duration_of_next (input, n);

  memcpy (to, input->data, n_values * sizeof (gfloat));
  sanitize (to, n_values);
  window->filled += n;
  window->duration += duration;

  input->data += n_values * sizeof (gfloat);
  input->n_frames -= n;
  input->pts += n * GST_NPU_FRAME_TIME;
  input->duration -= duration;
}

void
gst_npu_window_take (GstNpuWindow *window, GstNpuInput *input)
{
  gsize n = MIN (input->n_frames, window->size - window->filled);

  if (n == 0)
    return;
  if (input->duration == 0) {
    window->ended = gst_npu_window_is_open (window);
    if (window->ended)
      take_frames (window, input, n);
    input->n_frames = 0;
    return;
  }
  if (!gst_npu_window_is_open (window)) {
    window->pts = input->pts;
    window->opened = gst_util_get_timestamp ();
  }
  take_frames (window, input, n);
}
