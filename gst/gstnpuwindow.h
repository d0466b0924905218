/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwindow.h: log-mel frames of any number of buffers → windows.
 *
 * A window covers the last frames of a stretch of audio, and is due whenever
 * `stride` new ones have come: with a stride of a whole window, windows follow
 * each other; with less, each keeps the end of the one before.  It opens with
 * its first new content frame, and its owner may end it early.
 * Used by one thread at a time.
 */
#ifndef GST_NPU_WINDOW_H
#define GST_NPU_WINDOW_H

#include <gst/gst.h>

#include "npukernels.h"

G_BEGIN_DECLS

/* From one frame to the next: exactly 10 ms. */
#define GST_NPU_FRAME_TIME (GST_SECOND * NPU_MEL_HOP / NPU_MEL_RATE)

/* A buffer and those of its frames that no window has taken yet. */
typedef struct {
  GstBuffer *buffer; /* mapped while it is here */
  GstMapInfo map;
  const guint8 *data; /* float32, unaligned, [n_frames][n_mels] */
  gsize n_frames;
  GstClockTime pts;      /* of the first of them */
  GstClockTime duration; /* of their audio; 0: tail frames */
} GstNpuInput;

/* Takes @buffer, which holds whole frames; FALSE if it cannot be mapped.  PTS
 * stays as it is in the buffer. */
gboolean gst_npu_input_set (
    GstNpuInput *input, GstBuffer *buffer, guint n_mels);
void gst_npu_input_clear (GstNpuInput *input);
/* Drops the content frames outside of @segment. */
void gst_npu_input_clip (
    GstNpuInput *input, const GstSegment *segment, guint n_mels);

typedef struct {
  guint n_mels;
  gsize size;    /* frames of a full window */
  gsize stride;  /* 1 … size; the owner's to change, for the next to open */
  gfloat *store; /* [2 * size][n_mels], of which the first … */
  gsize stored;  /* … are there: old, then new, then tail frames */
  gsize fresh;   /* content frames that no window has covered yet */
  gsize tail;    /* frames behind the end of the audio */
  gsize wanted;  /* content frames to come before the window is due */
  guint64 position;      /* content frames taken, ever */
  gboolean ended;        /* tail frames came: no content may follow */
  GstClockTime pts;      /* of the first new frame */
  GstClockTime duration; /* of the new audio */
  GstClockTime opened;   /* monotonic clock, when the first new one came in */
} GstNpuWindow;

void gst_npu_window_init (GstNpuWindow *window, guint n_mels, gsize size);
void gst_npu_window_clear (GstNpuWindow *window);
/* Forgets all frames: others that do not follow them will come. */
void gst_npu_window_reset (GstNpuWindow *window);

#define gst_npu_window_is_open(window) ((window)->fresh > 0)
#define gst_npu_window_is_due(window)                                          \
  ((window)->fresh > 0 && (window)->wanted == 0)

/* Moves @input's frames into @window until it is due.  Tail frames never open a
 * window: those that find none, or no room, are dropped. */
void gst_npu_window_take (GstNpuWindow *window, GstNpuInput *input);
/* Makes a window of @input, which holds one that comes whole and normalised, in
 * either layout.  It is open if it holds audio. */
void gst_npu_window_take_whole (
    GstNpuWindow *window, GstNpuInput *input, gboolean mel_major);
/* The due window is left out: if windows overlap the next covers what it can of
 * it, as new; else it is closed. */
void gst_npu_window_skip (GstNpuWindow *window);
/* Before the open window is used: returns how many frames were left out that it
 * does not reach back to. */
gsize gst_npu_window_settle (GstNpuWindow *window);
/* The open window has been dealt with: the next content frame opens another. */
void gst_npu_window_close (GstNpuWindow *window);

/* Of a window that is settled: its frames [@n][n_mels], … */
const gfloat *gst_npu_window_get_frames (const GstNpuWindow *window, gsize *n);
/* … how many of them are audio, and the PTS of the first. */
gsize gst_npu_window_get_valid (const GstNpuWindow *window);
GstClockTime gst_npu_window_get_start (const GstNpuWindow *window);

G_END_DECLS
#endif /* GST_NPU_WINDOW_H */
