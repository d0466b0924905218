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

/* The whole frames in @time, which may be no time at all. */
static gsize
frames_in (GstClockTime time)
{
  return (gsize) (time / GST_NPU_FRAME_TIME);
}

static void
drop_first (GstNpuInput *input, gsize n, guint n_mels)
{
  GstClockTime time = n * GST_NPU_FRAME_TIME;

  input->data += n * n_mels * sizeof (gfloat);
  input->n_frames -= n;
  input->pts += time;
  input->duration -= MIN (time, input->duration);
}

/* A frame that reaches into the segment belongs to it. */
void
gst_npu_input_clip (GstNpuInput *input, const GstSegment *segment, guint n_mels)
{
  GstClockTime start = segment->start, stop = segment->stop;
  gsize n;

  if (input->duration == 0)
    return;
  if (input->pts < start) {
    n = frames_in (start - input->pts);
    drop_first (input, MIN (n, input->n_frames), n_mels);
  }
  if (GST_CLOCK_TIME_IS_VALID (stop)) {
    n = input->pts >= stop
            ? 0
            : frames_in (stop - input->pts + GST_NPU_FRAME_TIME - 1);
    if (n < input->n_frames) {
      input->n_frames = n;
      input->duration = MIN (input->duration, n * GST_NPU_FRAME_TIME);
    }
  }
}

void
gst_npu_window_init (GstNpuWindow *window, guint n_mels, gsize size)
{
  window->n_mels = n_mels;
  window->size = window->stride = size;
  window->store = g_new (gfloat, 2 * size * n_mels);
  window->position = 0;
  gst_npu_window_reset (window);
}

void
gst_npu_window_clear (GstNpuWindow *window)
{
  g_clear_pointer (&window->store, g_free);
  window->stored = window->fresh = 0;
}

void
gst_npu_window_reset (GstNpuWindow *window)
{
  window->stored = window->tail = 0;
  window->ended = FALSE;
  gst_npu_window_close (window);
}

void
gst_npu_window_close (GstNpuWindow *window)
{
  window->fresh = window->wanted = 0;
  window->pts = GST_CLOCK_TIME_NONE;
  window->duration = 0;
}

/* Makes room for a stride of frames behind those that the next window can reach
 * back to.  One that does not overlap reaches to none, however short it ends. */
static void
make_room (GstNpuWindow *window)
{
  gboolean overlaps = window->stride < window->size;
  gsize keep = overlaps ? MIN (window->stored, window->size) : 0;
  gsize dropped = (window->stored - keep) * window->n_mels;

  if (overlaps && window->stored + window->stride <= 2 * window->size)
    return;
  memmove (window->store, window->store + dropped,
      keep * window->n_mels * sizeof (gfloat));
  window->stored = keep;
}

void
gst_npu_window_skip (GstNpuWindow *window)
{
  make_room (window);
  window->wanted = window->stride;
  if (window->stored == 0)
    gst_npu_window_close (window);
}

gsize
gst_npu_window_settle (GstNpuWindow *window)
{
  gsize lost = window->fresh - MIN (window->fresh, window->size);
  GstClockTime time = lost * GST_NPU_FRAME_TIME;

  window->fresh -= lost;
  window->pts += time;
  window->duration -= MIN (window->duration, time);
  return lost;
}

const gfloat *
gst_npu_window_get_frames (const GstNpuWindow *window, gsize *n)
{
  *n = MIN (window->stored, window->size);
  return window->store + (window->stored - *n) * window->n_mels;
}

gsize
gst_npu_window_get_valid (const GstNpuWindow *window)
{
  return MIN (window->stored, window->size) - window->tail;
}

/* Odd time stamps may put it before zero. */
GstClockTime
gst_npu_window_get_start (const GstNpuWindow *window)
{
  gsize old = gst_npu_window_get_valid (window) - window->fresh;

  return window->pts - MIN (window->pts, old * GST_NPU_FRAME_TIME);
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
copy_frames (GstNpuWindow *window, const GstNpuInput *input, gsize n)
{
  gsize n_values = n * window->n_mels;
  gfloat *to = window->store + window->stored * window->n_mels;

  memcpy (to, input->data, n_values * sizeof (gfloat));
  sanitize (to, n_values);
  window->stored += n;
}

static void
take_tail (GstNpuWindow *window, GstNpuInput *input)
{
  gsize room = window->size - MIN (window->stored, window->size);
  gsize n = MIN (input->n_frames, room);

  window->ended = window->stored > 0;
  if (gst_npu_window_is_open (window)) {
    copy_frames (window, input, n);
    window->tail += n;
  }
  input->n_frames = 0;
}

static void
take_content (GstNpuWindow *window, GstNpuInput *input)
{
  gsize n;
  GstClockTime duration;

  if (!gst_npu_window_is_open (window)) {
    make_room (window);
    window->wanted = window->stride;
    window->pts = input->pts;
    window->opened = gst_util_get_timestamp ();
  }
  n = MIN (input->n_frames, window->wanted);
  duration = duration_of_next (input, n);
  copy_frames (window, input, n);
  window->fresh += n;
  window->wanted -= n;
  window->position += n;
  window->duration += duration;

  input->data += n * window->n_mels * sizeof (gfloat);
  input->n_frames -= n;
  input->pts += n * GST_NPU_FRAME_TIME;
  input->duration -= duration;
}

void
gst_npu_window_take (GstNpuWindow *window, GstNpuInput *input)
{
  if (input->n_frames == 0)
    return;
  if (input->duration == 0)
    take_tail (window, input);
  else
    take_content (window, input);
}

/* Normalised values are (x + 4) / 4 for log-mel values x. */
static gfloat
sanitize_normalized (gfloat value)
{
  const gfloat least = (NPU_MEL_SILENCE + 4) / 4;
  const gfloat most = ((gfloat) FLT_MAX_10_EXP + 4) / 4;

  return isfinite (value) ? CLAMP (value, least, most) : least;
}

void
gst_npu_window_take_whole (
    GstNpuWindow *window, GstNpuInput *input, gboolean mel_major)
{
  gsize n_mels = window->n_mels, size = window->size;
  gsize frame_step = mel_major ? 1 : n_mels, mel_step = mel_major ? size : 1;

  for (gsize t = 0; t < size; t++) {
    for (gsize m = 0; m < n_mels; m++) {
      gsize at = (t * frame_step + m * mel_step) * sizeof (gfloat);
      gfloat value;

      memcpy (&value, input->data + at, sizeof (value));
      window->store[t * n_mels + m] = sanitize_normalized (value);
    }
  }
  /* its last frame may cover less than 10 ms */
  window->stored =
      (gsize) ((input->duration + GST_NPU_FRAME_TIME - 1) / GST_NPU_FRAME_TIME);
  window->fresh = window->stored;
  window->tail = window->wanted = 0;
  window->position += window->stored;
  window->pts = input->pts;
  window->duration = input->duration;
  window->opened = gst_util_get_timestamp ();
  input->n_frames = 0;
}
