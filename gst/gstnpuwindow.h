/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwindow.h: log-mel frames of any number of buffers → one window.
 *
 * A window opens with its first content frame and is complete when it is full
 * or when its owner says so.  Used by one thread at a time.
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

typedef struct {
  guint n_mels;
  gsize size; /* frames of a full window */
  gsize filled;
  gfloat *frames;        /* [size][n_mels] */
  gboolean ended;        /* tail frames came: no content may follow */
  GstClockTime pts;      /* of the first frame */
  GstClockTime duration; /* of the audio inside */
  GstClockTime opened;   /* monotonic clock, when the first came in */
} GstNpuWindow;

void gst_npu_window_init (GstNpuWindow *window, guint n_mels, gsize size);
void gst_npu_window_clear (GstNpuWindow *window);
/* Empties it. */
void gst_npu_window_reset (GstNpuWindow *window);

#define gst_npu_window_is_open(window) ((window)->filled > 0)
#define gst_npu_window_is_full(window) ((window)->filled == (window)->size)

/* Moves as many of @input's frames as there is room for into @window.  Tail
 * frames never open a window: those that find none, or no room, are dropped. */
void gst_npu_window_take (GstNpuWindow *window, GstNpuInput *input);

G_END_DECLS
#endif /* GST_NPU_WINDOW_H */
