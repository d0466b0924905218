/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuheldevents.h: serialized events that wait for their place among the
 * frames, so that none overtakes the samples before it.  One thread at a time.
 */
#ifndef GST_NPU_HELD_EVENTS_H
#define GST_NPU_HELD_EVENTS_H

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  GQueue queue; /* of HeldEvent, in the order they came */
} GstNpuHeldEvents;

void gst_npu_held_events_init (GstNpuHeldEvents *events);
void gst_npu_held_events_clear (GstNpuHeldEvents *events);
gboolean gst_npu_held_events_is_empty (GstNpuHeldEvents *events);

/* (transfer full): @event goes out before frame @frame. */
void gst_npu_held_events_add (
    GstNpuHeldEvents *events, GstEvent *event, guint64 frame);
/* Pushes those that go out before @frame or sooner on @pad. */
void gst_npu_held_events_release (
    GstNpuHeldEvents *events, GstPad *pad, guint64 frame);
/* A flush drops them, save what a pad would keep: @pad does. */
void gst_npu_held_events_flush (GstNpuHeldEvents *events, GstPad *pad);

G_END_DECLS
#endif /* GST_NPU_HELD_EVENTS_H */
