/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpuheldevents.c: events in the order of the frames. */
#include "gstnpuheldevents.h"

typedef struct {
  GstEvent *event;
  guint64 frame;
} HeldEvent;

static void
held_event_free (HeldEvent *held)
{
  gst_clear_event (&held->event);
  g_free (held);
}

void
gst_npu_held_events_init (GstNpuHeldEvents *events)
{
  g_queue_init (&events->queue);
}

void
gst_npu_held_events_clear (GstNpuHeldEvents *events)
{
  g_queue_clear_full (&events->queue, (GDestroyNotify) held_event_free);
}

gboolean
gst_npu_held_events_is_empty (GstNpuHeldEvents *events)
{
  return g_queue_is_empty (&events->queue);
}

void
gst_npu_held_events_add (
    GstNpuHeldEvents *events, GstEvent *event, guint64 frame)
{
  HeldEvent *held = g_new (HeldEvent, 1);

  held->event = event;
  held->frame = frame;
  g_queue_push_tail (&events->queue, held);
}

void
gst_npu_held_events_release (
    GstNpuHeldEvents *events, GstPad *pad, guint64 frame)
{
  HeldEvent *held;

  while ((held = g_queue_peek_head (&events->queue)) != NULL
         && held->frame <= frame) {
    g_queue_pop_head (&events->queue);
    gst_pad_push_event (pad, g_steal_pointer (&held->event));
    held_event_free (held);
  }
}

void
gst_npu_held_events_flush (GstNpuHeldEvents *events, GstPad *pad)
{
  HeldEvent *held;

  while ((held = g_queue_pop_head (&events->queue)) != NULL) {
    if (GST_EVENT_IS_STICKY (held->event))
      gst_pad_store_sticky_event (pad, held->event);
    held_event_free (held);
  }
}
