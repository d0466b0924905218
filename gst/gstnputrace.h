/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputrace.h: what the elements tell a tracer, if one listens.
 *
 * While none does, a hook is one load of a pointer.  Only gstnputracer.c
 * listens; the statistics tell it every span that they count (gstnpustats.h).
 */
#ifndef GST_NPU_TRACE_H
#define GST_NPU_TRACE_H

#include <gst/gst.h>
#include <stdatomic.h>

#include "npubackend.h"

G_BEGIN_DECLS

/* A window that was encoded. */
typedef struct {
  guint64 index;
  GstClockTime pts, duration; /* of the new audio in it */
  guint64 frames;             /* log-mel frames in it, old and new */
  GstClockTime started;       /* monotonic clock: the encoder began */
  GstClockTime ended;         /* … and had the states */
  const guint64 *op_ns;       /* [NPU_N_OPS] */
  const NpuEncoderShape *shape;
  guint positions; /* that were computed */
  const gchar *device, *precision, *model;
} GstNpuTraceWindow;

/* Called by any thread; @stage and @name are static. */
typedef struct {
  /* From @start to @end, monotonic clock, @element was busy with @stage. */
  void (*span) (GstElement *element, const gchar *stage, GstClockTime start,
      GstClockTime end);
  /* After the spans of its stages. */
  void (*window) (GstElement *element, const GstNpuTraceWindow *window);
  void (*counter) (GstElement *element, const gchar *name, gdouble value);
} GstNpuTraceListener;

/* A listener stays callable for good, so that a thread that has just loaded it
 * may call it while it is being taken away. */
extern _Atomic (const GstNpuTraceListener *) gst_npu_trace_listener;

static inline const GstNpuTraceListener *
gst_npu_trace_get_listener (void)
{
  return atomic_load_explicit (&gst_npu_trace_listener, memory_order_acquire);
}

/* For what takes time to find out. */
static inline gboolean
gst_npu_trace_is_on (void)
{
  return gst_npu_trace_get_listener () != NULL;
}

static inline void
gst_npu_trace_span (GstElement *element, const gchar *stage, GstClockTime start,
    GstClockTime end)
{
  const GstNpuTraceListener *listener = gst_npu_trace_get_listener ();

  if (G_UNLIKELY (listener != NULL))
    listener->span (element, stage, start, end);
}

static inline void
gst_npu_trace_window (GstElement *element, const GstNpuTraceWindow *window)
{
  const GstNpuTraceListener *listener = gst_npu_trace_get_listener ();

  if (G_UNLIKELY (listener != NULL))
    listener->window (element, window);
}

static inline void
gst_npu_trace_counter (GstElement *element, const gchar *name, gdouble value)
{
  const GstNpuTraceListener *listener = gst_npu_trace_get_listener ();

  if (G_UNLIKELY (listener != NULL))
    listener->counter (element, name, value);
}

G_END_DECLS
#endif /* GST_NPU_TRACE_H */
