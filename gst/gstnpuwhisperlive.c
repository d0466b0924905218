/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpuwhisperlive.c: which windows npuwhisperenc leaves out. */
#include "gstnpuwhisperlive.h"

/* FALSE unless upstream is live. */
static gboolean
get_upstream_latency (GstBaseTransform *trans, GstClockTime *latency)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (trans), query))
    gst_query_parse_latency (query, &live, latency, NULL);
  gst_query_unref (query);
  return live;
}

void
gst_npu_whisper_live_reset (GstNpuWhisperLive *live)
{
  live->behind = FALSE;
  live->processing = 0;
  live->least_lag = G_MAXINT64;
}

/* NONE unless the element plays by a clock. */
static GstClockTime
get_running_time (GstElement *element)
{
  gboolean playing;

  GST_OBJECT_LOCK (element);
  playing = GST_STATE (element) == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (element);
  return playing ? gst_element_get_current_running_time (element)
                 : GST_CLOCK_TIME_NONE;
}

void
gst_npu_whisper_live_note_arrival (
    GstNpuWhisperLive *live, GstBaseTransform *trans, GstClockTime end)
{
  const GstSegment *segment = &trans->segment;
  GstClockTime now = get_running_time (GST_ELEMENT (trans)), running_time;

  if (!GST_CLOCK_TIME_IS_VALID (now) || segment->format != GST_FORMAT_TIME)
    return;
  running_time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, end);
  if (GST_CLOCK_TIME_IS_VALID (running_time))
    live->least_lag = MIN (live->least_lag, GST_CLOCK_DIFF (running_time, now));
}

/* How long after its running time a frame arrives where nothing holds it up:
 * upstream's latency.  More, if none ever came so early: the time stamps are
 * another clock's then, as those from another process may be, and tell only
 * how far frames are apart. */
static GstClockTime
get_lag (const GstNpuWhisperLive *live, GstClockTime upstream)
{
  if (live->least_lag == G_MAXINT64 || live->least_lag < 0)
    return upstream;
  return MAX (upstream, (GstClockTime) live->least_lag);
}

/*
 * A window's frames are complete at the running time of its end, and arrive
 * some lag later.  Its states are promised for @pace's latency after
 * that; if even encoding begins later, windows are left out until one is the
 * newest, that is, until no other has had the time to arrive after it.
 */
gboolean
gst_npu_whisper_live_is_late (GstNpuWhisperLive *live, GstBaseTransform *trans,
    const GstNpuWindow *window, const GstNpuWhisperPace *pace,
    GstClockTimeDiff *lateness)
{
  GstClockTime now = get_running_time (GST_ELEMENT (trans));
  const GstSegment *segment = &trans->segment;
  GstClockTime arrival, upstream = 0, allowed = pace->latency;

  if (!GST_CLOCK_TIME_IS_VALID (now) || segment->format != GST_FORMAT_TIME
      || !get_upstream_latency (trans, &upstream))
    return FALSE;
  arrival = gst_segment_to_running_time (
      segment, GST_FORMAT_TIME, window->pts + window->duration);
  if (!GST_CLOCK_TIME_IS_VALID (arrival))
    return FALSE;

  arrival += get_lag (live, upstream);
  if (live->behind)
    allowed = MIN (allowed, pace->stride);
  *lateness = GST_CLOCK_DIFF (arrival + allowed, now);
  live->behind = *lateness > 0;
  return live->behind;
}

void
gst_npu_whisper_live_post_qos (GstNpuWhisperLive *live, GstBaseTransform *trans,
    const GstNpuWindow *window, GstClockTime stride, GstClockTimeDiff lateness,
    GstNpuWhisperReport *report)
{
  const GstSegment *segment = &trans->segment;
  guint64 processed, dropped;
  GstMessage *message = gst_message_new_qos (GST_OBJECT (trans), TRUE,
      gst_segment_to_running_time (segment, GST_FORMAT_TIME, window->pts),
      gst_segment_to_stream_time (segment, GST_FORMAT_TIME, window->pts),
      window->pts, window->duration);

  gst_npu_whisper_report_get_counts (report, &processed, &dropped);
  gst_message_set_qos_values (message, lateness,
      (gdouble) live->processing / (gdouble) stride, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, processed, dropped);
  gst_element_post_message (GST_ELEMENT (trans), message);
}
