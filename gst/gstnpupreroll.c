/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpupreroll.c: a gap that prerolls and is not waited for.
 *
 * A sink prerolls on its first buffer or GAP event.  The first window comes 30 s
 * after the start, and until then a pipeline would not be PLAYING nor know its
 * latency.  But a sink that keeps to the clock would hold a GAP with a time
 * stamp for as long as the pipeline's latency, those 30 s, and with it the
 * thread that has to take up the audio; one without a time stamp goes through.
 */
#include "gstnpupreroll.h"

static gboolean
is_live (GstPad *pad)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (pad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);
  return live;
}

void
gst_npu_preroll (GstBaseTransform *trans)
{
  GstEvent *event;

  /* Elsewhere an application may wait for preroll to get the first window. */
  if (!is_live (GST_BASE_TRANSFORM_SINK_PAD (trans)))
    return;
  event = gst_event_new_gap (0, GST_CLOCK_TIME_NONE);
  gst_structure_set (gst_event_writable_structure (event), "timestamp",
      GST_TYPE_CLOCK_TIME, GST_CLOCK_TIME_NONE, NULL);
  gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (trans), event);
}
