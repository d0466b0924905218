/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-npumel
 * @title: npumel
 * @short_description: any audio → Whisper log-mel frames
 *
 * Turns raw audio of any format, rate and channel count into the log-mel
 * spectrogram that Whisper's encoder takes: 80 or 128 bands, a frame every
 * 10 ms.
 *
 * By default the frames come as they are made (`norm=none`, frame-major,
 * `frames-per-buffer` to a buffer), with time stamps counted from the samples:
 * the durations of all buffers add up to the length of the audio exactly.  The
 * frames behind the audio's end that still see some of it (the tail) follow at
 * the end in a buffer of their own whose duration is 0.  With `norm=whisper`
 * in the caps downstream, whole windows of 3000 normalised frames come, the
 * last one padded with silence.
 *
 * How the audio was cut into buffers shows neither in the output's bytes nor in
 * its cut.  At the end an element message "npu-stats" carries the `stats`.
 *
 * ## Example
 * |[
 * gst-launch-1.0 filesrc location=speech.ogg ! decodebin ! npumel !
 *     filesink location=mel.f32
 * ]|
 * writes little-endian float32 frames [T][80].
 */
/*
 * GstBaseTransform does the negotiation; buffers are made and pushed here,
 * since their number has nothing to do with that of the input's.  Everything
 * below "streaming thread" runs under the sink pad's stream lock.
 */
#include "gstnpumel.h"

#include <string.h>

#include "gstnpucaps.h"
#include "gstnpuconvert.h"
#include "gstnpucontext-private.h"
#include "gstnpuelement.h"
#include "gstnpuheldevents.h"
#include "gstnpumelcaps.h"
#include "gstnpumelreport.h"
#include "gstnpumelstream.h"
#include "gstnpupool.h"
#include "gstnpupreroll.h"
#include "gstnpustats.h"
#include "gstnputensormeta.h"
#include "gstnpuutils.h"
#include "whispermel.h"

GST_DEBUG_CATEGORY_STATIC (gst_npu_mel_debug);
#define GST_CAT_DEFAULT gst_npu_mel_debug

#define DEFAULT_DEVICE "auto"
#define DEFAULT_FRAMES_PER_BUFFER 10

enum {
  PROP_0,
  PROP_DEVICE,
  PROP_FRAMES_PER_BUFFER,
  PROP_ACTIVE_BACKEND,
  PROP_STATS,
  PROP_STATS_INTERVAL,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

/* Silence for a longer gap would be work for nothing, without an end if its
 * duration is absurd: that is a hole in the stream. */
#define MAX_GAP (3600 * GST_SECOND)

/* Buffers of more frames take longer to fill than a live sink should wait. */
#define LIVE_PREROLL_FRAMES 100

/* The tail lies behind the end of the audio. */
#define TAIL_TIME (2 * GST_NPU_MEL_FRAME_TIME)

struct _GstNpuMel {
  GstBaseTransform parent;

  GstNpuStats *stats; /* has its own locks */

  /* Under the OBJECT_LOCK. */
  gchar *device;
  guint frames_per_buffer;
  GstNpuContext *context; /* NULL → READY sets it */
  GstClockTime latency;   /* NONE before negotiation */
  GstNpuMelTotals totals;
  GstClockTime stats_interval; /* 0: at the end only */

  /* Streaming thread. */
  GstSegment segment;         /* of the audio */
  GstNpuMelStream *stream;    /* NULL before negotiation */
  gboolean wants_tensor_meta; /* downstream */
  gboolean prerolled;         /* gst_npu_preroll() */
  gboolean input_discont;     /* of input that was clipped away */
  gboolean refused;           /* the segment; its error has been posted */
  gboolean caps_refused;      /* likewise */
  GstNpuHeldEvents held;
  GstClockTime stats_posted; /* monotonic clock */
};

#define gst_npu_mel_parent_class parent_class
G_DEFINE_TYPE (GstNpuMel, gst_npu_mel, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (npumel, "npumel", GST_RANK_NONE, GST_TYPE_NPU_MEL)

/* ---- statistics: any thread ---- */

static GstStructure *
gst_npu_mel_get_stats (GstNpuMel *self)
{
  GstNpuMelTotals totals;

  GST_OBJECT_LOCK (self);
  totals = self->totals;
  GST_OBJECT_UNLOCK (self);
  return gst_npu_mel_report_new (&totals, self->stats);
}

static void
gst_npu_mel_post_stats (GstNpuMel *self)
{
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (
                              GST_OBJECT (self), gst_npu_mel_get_stats (self)));
}

/* ---- streaming thread: output ---- */

static GstFlowReturn
gst_npu_mel_push_chunk (GstNpuMel *self, const GstNpuMelChunk *chunk)
{
  GstBuffer *buffer = gst_npu_pool_new_buffer (GST_BASE_TRANSFORM (self),
      gst_npu_mel_stream_get_size (self->stream, chunk));
  GError *error = NULL;
  GstClockTime interval;

  if (buffer == NULL)
    return GST_FLOW_ERROR;
  if (!gst_npu_mel_stream_fill (self->stream, chunk, buffer, &error)) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("The log-mel spectrogram could not be computed."),
        ("%s", error->message));
    g_error_free (error);
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  if (self->wants_tensor_meta)
    gst_npu_mel_stream_add_tensor_meta (self->stream, buffer);
  GST_OBJECT_LOCK (self);
  self->totals.content_frames += chunk->content;
  self->totals.tail_frames += chunk->tail;
  self->totals.audio += GST_BUFFER_DURATION (buffer);
  interval = self->stats_interval;
  GST_OBJECT_UNLOCK (self);
  if (gst_npu_stats_are_due (&self->stats_posted, interval))
    gst_npu_mel_post_stats (self);
  GST_LOG_OBJECT (self, "%u + %u frames in %" GST_PTR_FORMAT, chunk->content,
      chunk->tail, buffer);
  return gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
}

/* Every buffer that is ready. */
static GstFlowReturn
gst_npu_mel_push_ready (GstNpuMel *self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  GstNpuMelChunk chunk;

  while (ret == GST_FLOW_OK && gst_npu_mel_stream_next (self->stream, &chunk)) {
    /* Tail frames still belong to the samples before an event. */
    if (chunk.content > 0)
      gst_npu_held_events_release (
          &self->held, GST_BASE_TRANSFORM_SRC_PAD (self), chunk.first);
    ret = gst_npu_mel_push_chunk (self, &chunk);
  }
  return ret;
}

/* ---- streaming thread: the course of a stream ---- */

/* Ends the stream: all that is inside goes out, its tail included. */
static GstFlowReturn
gst_npu_mel_drain (GstNpuMel *self)
{
  GstFlowReturn ret = GST_FLOW_OK;

  if (self->stream != NULL && gst_npu_mel_stream_has_begun (self->stream)) {
    gst_npu_mel_stream_drain (self->stream);
    ret = gst_npu_mel_push_ready (self);
    gst_npu_mel_stream_reset (self->stream);
  }
  gst_npu_held_events_release (
      &self->held, GST_BASE_TRANSFORM_SRC_PAD (self), G_MAXUINT64);
  return ret;
}

/* @audio NULL: silence. */
static GstFlowReturn
gst_npu_mel_feed (
    GstNpuMel *self, const GstAudioBuffer *audio, guint64 n_frames)
{
  GstFlowReturn ret = GST_FLOW_OK;

  for (guint64 i = 0; i < n_frames && ret == GST_FLOW_OK;) {
    i += gst_npu_mel_stream_push (self->stream, audio, i, n_frames - i);
    ret = gst_npu_mel_push_ready (self);
  }
  return ret;
}

/* Where it is long to the first buffer. */
static void
gst_npu_mel_preroll (GstNpuMel *self)
{
  if (gst_npu_mel_stream_get_output (self->stream)->frames
      > LIVE_PREROLL_FRAMES)
    gst_npu_preroll (GST_BASE_TRANSFORM (self));
  self->prerolled = TRUE;
}

/* Ends the stream, if there is one, and begins another at @pts. */
static GstFlowReturn
gst_npu_mel_begin (GstNpuMel *self, GstClockTime pts)
{
  GstFlowReturn ret;

  if (gst_npu_mel_stream_has_begun (self->stream))
    GST_INFO_OBJECT (self,
        "audio goes on at %" GST_TIME_FORMAT " instead of %" GST_TIME_FORMAT
        ": a new stream",
        GST_TIME_ARGS (pts),
        GST_TIME_ARGS (gst_npu_mel_stream_get_end (self->stream)));
  ret = gst_npu_mel_drain (self);
  gst_npu_mel_stream_begin (self->stream, pts);
  return ret;
}

/* Decides whether @n_frames frames at @pts go on where the last ones ended. */
static GstFlowReturn
gst_npu_mel_align (
    GstNpuMel *self, gboolean discont, GstClockTime pts, gsize n_frames)
{
  gboolean begun = gst_npu_mel_stream_has_begun (self->stream);
  GstFlowReturn ret;

  if (!GST_CLOCK_TIME_IS_VALID (pts))
    pts =
        begun ? gst_npu_mel_stream_get_end (self->stream) : self->segment.start;
  if (begun && !discont
      && gst_npu_mel_stream_continues (self->stream, pts, n_frames))
    return GST_FLOW_OK;
  ret = gst_npu_mel_begin (self, pts);
  gst_npu_mel_stream_continues (self->stream, pts, n_frames);
  return ret;
}

static GstFlowReturn
gst_npu_mel_take_audio (
    GstNpuMel *self, GstBuffer *buffer, const GstAudioBuffer *audio)
{
  gboolean discont = self->input_discont || GST_BUFFER_IS_DISCONT (buffer);
  gboolean gap = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP);
  GstFlowReturn ret;

  self->input_discont = discont && audio->n_samples == 0;
  if (audio->n_samples == 0)
    return GST_FLOW_OK;
  ret = gst_npu_mel_align (
      self, discont, GST_BUFFER_PTS (buffer), audio->n_samples);
  if (ret != GST_FLOW_OK)
    return ret;
  return gst_npu_mel_feed (self, gap ? NULL : audio, audio->n_samples);
}

static GstFlowReturn
gst_npu_mel_take_buffer (GstNpuMel *self, GstBuffer *buffer)
{
  GstAudioBuffer audio;
  GstFlowReturn ret;

  if (!gst_npu_convert_map (
          gst_npu_mel_stream_get_input (self->stream), buffer, &audio)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("An audio buffer is not as its caps say: put audioconvert before it."),
        ("%" GST_PTR_FORMAT, buffer));
    return GST_FLOW_ERROR;
  }
  ret = gst_npu_mel_take_audio (self, buffer, &audio);
  gst_audio_buffer_unmap (&audio);
  return ret;
}

static GstFlowReturn
gst_npu_mel_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *input)
{
  GstNpuMel *self = GST_NPU_MEL (trans);
  GstFlowReturn ret = GST_BASE_TRANSFORM_CLASS (parent_class)
                          ->submit_input_buffer (trans, is_discont, input);
  GstBuffer *buffer = g_steal_pointer (&trans->queued_buf);
  const GstAudioInfo *info;
  gboolean discont;

  if (ret != GST_FLOW_OK || buffer == NULL) {
    gst_clear_buffer (&buffer);
    return ret;
  }
  if (self->refused || self->stream == NULL) {
    gst_buffer_unref (buffer);
    return self->refused ? GST_FLOW_ERROR : GST_FLOW_NOT_NEGOTIATED;
  }
  if (!self->prerolled)
    gst_npu_mel_preroll (self);
  /* The base class's is_discont stays TRUE until it has pushed a buffer, which
   * it never does here. */
  discont = GST_BUFFER_IS_DISCONT (buffer);
  info = gst_npu_mel_stream_get_input (self->stream);
  buffer =
      gst_audio_buffer_clip (buffer, &self->segment, info->rate, info->bpf);
  if (buffer == NULL) {
    self->input_discont |= discont;
    return GST_FLOW_OK;
  }
  ret = gst_npu_mel_take_buffer (self, buffer);
  gst_buffer_unref (buffer);
  return ret;
}

/* All is pushed in submit_input_buffer(), where drains push too: one way out,
 * and the base class adds no DISCONT flags of its own. */
static GstFlowReturn
gst_npu_mel_generate_output (GstBaseTransform *trans, GstBuffer **buffer)
{
  *buffer = NULL;
  return GST_FLOW_OK;
}

/* Only generate_output() would call it.  Without it the base class takes the
 * element for one that changes buffers in place, and asks nobody downstream how
 * to allocate them. */
static GstFlowReturn
gst_npu_mel_transform (
    GstBaseTransform *trans, GstBuffer *input, GstBuffer *output)
{
  return GST_FLOW_NOT_SUPPORTED;
}

/* ---- streaming thread: events ---- */

/* Silence up to the gap's end; a small hole before it is filled too. */
static GstFlowReturn
gst_npu_mel_take_gap (GstNpuMel *self, GstClockTime pts, GstClockTime duration)
{
  GstFlowReturn ret = GST_FLOW_OK;
  guint64 start, stop, n_frames;

  if (!gst_segment_clip (&self->segment, GST_FORMAT_TIME, pts,
          pts + MIN (duration, GST_CLOCK_TIME_NONE - 1 - pts), &start, &stop))
    return GST_FLOW_OK;
  if (!gst_npu_mel_stream_has_begun (self->stream)
      || !gst_npu_mel_stream_reaches (self->stream, start))
    ret = gst_npu_mel_begin (self, start);
  if (ret != GST_FLOW_OK)
    return ret;
  n_frames = gst_npu_mel_stream_frames_until (self->stream, stop);
  if (n_frames > 0)
    gst_npu_mel_stream_continues (
        self->stream, gst_npu_mel_stream_get_end (self->stream), n_frames);
  return gst_npu_mel_feed (self, NULL, n_frames);
}

static gboolean
gst_npu_mel_gap_event (GstNpuMel *self, GstEvent *event)
{
  GstClockTime pts, duration;

  gst_event_parse_gap (event, &pts, &duration);
  if (self->stream != NULL && !self->refused && GST_CLOCK_TIME_IS_VALID (pts)
      && duration <= MAX_GAP) {
    gst_event_unref (event);
    return gst_npu_mel_take_gap (self, pts, duration) == GST_FLOW_OK;
  }
  if (GST_CLOCK_TIME_IS_VALID (duration))
    gst_npu_mel_drain (self);
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->sink_event (GST_BASE_TRANSFORM (self), event);
}

/* FALSE, with an error posted once, for what cannot be played forward in time. */
static gboolean
gst_npu_mel_check_segment (GstNpuMel *self, const GstSegment *segment)
{
  gboolean posted = self->refused;

  self->refused = segment->format != GST_FORMAT_TIME || segment->rate != 1.0;
  if (!self->refused || posted)
    return !self->refused;
  if (segment->format != GST_FORMAT_TIME)
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The audio comes without time stamps.  Put decodebin before npumel, "
         "or "
         "rawaudioparse if it is raw samples."),
        ("segment in %s format", gst_format_get_name (segment->format)));
  else
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Log-mel frames can be made at normal speed only; seek with rate 1."),
        ("segment with rate %g", segment->rate));
  return FALSE;
}

/* The audio is clipped to the segment that came; the one that goes on has room
 * for the tail, which sinks would drop as lying outside. */
static gboolean
gst_npu_mel_segment_event (GstNpuMel *self, GstEvent *event)
{
  guint32 seqnum = gst_event_get_seqnum (event);
  GstSegment segment;

  gst_npu_mel_drain (self);
  gst_event_copy_segment (event, &segment);
  gst_event_unref (event);
  if (!gst_npu_mel_check_segment (self, &segment))
    return FALSE;
  self->segment = segment;
  if (GST_CLOCK_TIME_IS_VALID (segment.stop))
    segment.stop += TAIL_TIME;
  event = gst_event_new_segment (&segment);
  gst_event_set_seqnum (event, seqnum);
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->sink_event (GST_BASE_TRANSFORM (self), event);
}

static gboolean
gst_npu_mel_hold_event (GstNpuMel *self, GstEvent *event)
{
  guint64 position = 0, frames_out = 0;

  if (self->stream != NULL) {
    position = gst_npu_mel_stream_get_position (self->stream);
    frames_out = gst_npu_mel_stream_get_frames_out (self->stream);
  }
  if (position <= frames_out && gst_npu_held_events_is_empty (&self->held))
    return GST_BASE_TRANSFORM_CLASS (parent_class)
        ->sink_event (GST_BASE_TRANSFORM (self), event);
  gst_npu_held_events_add (&self->held, event, position);
  return TRUE;
}

static void
gst_npu_mel_flush (GstNpuMel *self)
{
  gst_npu_held_events_flush (&self->held, GST_BASE_TRANSFORM_SRC_PAD (self));
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->refused = FALSE;
  self->input_discont = FALSE;
  self->prerolled = FALSE; /* a flush lets sinks preroll anew */
  if (self->stream != NULL)
    gst_npu_mel_stream_reset (self->stream);
}

static void
gst_npu_mel_end (GstNpuMel *self)
{
  GstFlowReturn ret = gst_npu_mel_drain (self);

  /* No buffer follows whose flow return could tell the source. */
  if (ret == GST_FLOW_NOT_LINKED || ret == GST_FLOW_NOT_NEGOTIATED)
    GST_ELEMENT_FLOW_ERROR (self, ret);
  gst_npu_mel_post_stats (self);
}

static gboolean
gst_npu_mel_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstNpuMel *self = GST_NPU_MEL (trans);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP:
      gst_npu_mel_flush (self);
      break;
    case GST_EVENT_CAPS: /* set_caps() drains */
      break;
    case GST_EVENT_SEGMENT:
      return gst_npu_mel_segment_event (self, event);
    case GST_EVENT_EOS:
      gst_npu_mel_end (self);
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT_DONE:
      gst_npu_mel_drain (self);
      break;
    case GST_EVENT_GAP:
      return gst_npu_mel_gap_event (self, event);
    default:
      if (GST_EVENT_IS_SERIALIZED (event))
        return gst_npu_mel_hold_event (self, event);
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

/* ---- negotiation ---- */

static GstCaps *
gst_npu_mel_fixate_caps (GstBaseTransform *trans, GstPadDirection direction,
    GstCaps *caps, GstCaps *other)
{
  GstNpuMel *self = GST_NPU_MEL (trans);
  guint frames;

  if (direction == GST_PAD_SRC)
    return gst_caps_fixate (other);
  GST_OBJECT_LOCK (self);
  frames = self->frames_per_buffer;
  GST_OBJECT_UNLOCK (self);
  return gst_npu_mel_caps_fixate_src (other, frames);
}

static gboolean
gst_npu_mel_set_format (
    GstNpuMel *self, const GstAudioInfo *in, const GstNpuLogmelInfo *out)
{
  NpuBackend *backend = gst_npu_context_get_backend (self->context);
  GstNpuMelStream *stream = self->stream;

  if (stream != NULL
      && gst_audio_info_is_equal (in, gst_npu_mel_stream_get_input (stream))
      && gst_npu_mel_stream_set_output (stream, out))
    return TRUE;
  gst_npu_mel_drain (self);
  stream = gst_npu_mel_stream_new (backend, self->stats, in, out);
  if (stream == NULL)
    return FALSE;
  g_clear_pointer (&self->stream, gst_npu_mel_stream_free);
  self->stream = stream;
  return TRUE;
}

static void
gst_npu_mel_update_latency (GstNpuMel *self, gint input_rate)
{
  GstClockTime latency = gst_npu_mel_stream_get_latency (self->stream);
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = latency != self->latency;
  self->latency = latency;
  self->totals.input_rate = input_rate;
  GST_OBJECT_UNLOCK (self);
  if (changed)
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

/* Caps come again with each event until they are accepted: said once. */
static gboolean
gst_npu_mel_refuse_caps (GstNpuMel *self, GstCaps *caps, const gchar *text)
{
  if (!self->caps_refused)
    GST_ELEMENT_ERROR (
        self, STREAM, FORMAT, ("%s", text), ("caps %" GST_PTR_FORMAT, caps));
  self->caps_refused = TRUE;
  return FALSE;
}

static gboolean
gst_npu_mel_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstNpuMel *self = GST_NPU_MEL (trans);
  GstNpuLogmelInfo out;
  GstAudioInfo in;

  if (!gst_npu_logmel_info_from_caps (&out, outcaps))
    return gst_npu_mel_refuse_caps (self, outcaps,
        gst_pad_is_linked (GST_BASE_TRANSFORM_SRC_PAD (trans))
            ? "Log-mel frames as downstream wants them cannot be made."
            : "Nothing takes the log-mel frames: link npumel to npuwhisperenc "
              "or to a sink.");
  if (!gst_npu_convert_parse_caps (&in, incaps))
    return gst_npu_mel_refuse_caps (self, incaps,
        "The description of the audio contradicts itself: its channel-mask "
        "does not fit its channels.");
  if (!gst_npu_mel_set_format (self, &in, &out))
    return gst_npu_mel_refuse_caps (self, incaps,
        "Audio of this kind cannot be converted to 16 kHz mono: put "
        "audioconvert before npumel.");
  self->caps_refused = FALSE;
  gst_npu_mel_update_latency (self, in.rate);
  return TRUE;
}

static gboolean
gst_npu_mel_decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  GST_NPU_MEL (trans)->wants_tensor_meta =
      gst_npu_tensor_meta_is_wanted (query);
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->decide_allocation (trans, query);
}

/* ---- queries and states ---- */

static gboolean
gst_npu_mel_latency_query (GstNpuMel *self, GstQuery *query)
{
  GstClockTime min, max, latency;
  gboolean live;

  if (!gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), query))
    return FALSE;
  GST_OBJECT_LOCK (self);
  latency = self->latency;
  if (!GST_CLOCK_TIME_IS_VALID (latency))
    latency = gst_npu_mel_buffering_latency (self->frames_per_buffer);
  GST_OBJECT_UNLOCK (self);
  gst_query_parse_latency (query, &live, &min, &max);
  min += latency;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += latency;
  gst_query_set_latency (query, live, min, max);
  return TRUE;
}

static GstNpuContext *
gst_npu_mel_ref_context (GstNpuMel *self)
{
  GstNpuContext *context;

  GST_OBJECT_LOCK (self);
  context = self->context != NULL ? gst_object_ref (self->context) : NULL;
  GST_OBJECT_UNLOCK (self);
  return context;
}

static gboolean
gst_npu_mel_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstNpuMel *self = GST_NPU_MEL (trans);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT) {
    GstNpuContext *context = gst_npu_mel_ref_context (self);
    gboolean answered =
        gst_npu_handle_context_query (GST_ELEMENT (self), query, context);

    gst_clear_object (&context);
    if (answered)
      return TRUE;
  } else if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY
             && direction == GST_PAD_SRC) {
    return gst_npu_mel_latency_query (self, query);
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->query (trans, direction, query);
}

static gboolean
gst_npu_mel_start (GstBaseTransform *trans)
{
  GstNpuMel *self = GST_NPU_MEL (trans);

  gst_npu_stats_reset (self->stats);
  GST_OBJECT_LOCK (self);
  self->latency = GST_CLOCK_TIME_NONE;
  memset (&self->totals, 0, sizeof (self->totals));
  GST_OBJECT_UNLOCK (self);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->prerolled = FALSE;
  self->refused = FALSE;
  self->caps_refused = FALSE;
  self->input_discont = FALSE;
  self->stats_posted = gst_util_get_timestamp ();
  return TRUE;
}

static gboolean
gst_npu_mel_stop (GstBaseTransform *trans)
{
  GstNpuMel *self = GST_NPU_MEL (trans);

  gst_npu_held_events_clear (&self->held);
  g_clear_pointer (&self->stream, gst_npu_mel_stream_free);
  return TRUE;
}

static void
gst_npu_mel_set_context (GstElement *element, GstContext *context)
{
  GstNpuMel *self = GST_NPU_MEL (element);
  gchar *device;

  GST_OBJECT_LOCK (self);
  device = g_strdup (self->device);
  GST_OBJECT_UNLOCK (self);
  gst_npu_handle_set_context (element, context, device, &self->context);
  g_free (device);
  GST_ELEMENT_CLASS (parent_class)->set_context (element, context);
}

static gboolean
gst_npu_mel_open (GstNpuMel *self)
{
  gchar *device;
  gboolean ok;

  GST_OBJECT_LOCK (self);
  device = g_strdup (self->device);
  GST_OBJECT_UNLOCK (self);
  ok = gst_npu_element_ensure_context (
      GST_ELEMENT (self), device, &self->context);
  g_free (device);
  if (ok)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ACTIVE_BACKEND]);
  return ok;
}

static void
gst_npu_mel_close (GstNpuMel *self)
{
  GstNpuContext *context;

  GST_OBJECT_LOCK (self);
  context = g_steal_pointer (&self->context);
  GST_OBJECT_UNLOCK (self);
  gst_clear_object (&context);
}

/* The context is shared before anything runs: start() would be too late. */
static GstStateChangeReturn
gst_npu_mel_change_state (GstElement *element, GstStateChange transition)
{
  GstNpuMel *self = GST_NPU_MEL (element);
  GstStateChangeReturn ret;

  if (transition != GST_STATE_CHANGE_NULL_TO_READY || gst_npu_mel_open (self))
    ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  else
    ret = GST_STATE_CHANGE_FAILURE;
  /* A context for another device may have been found. */
  if (transition == GST_STATE_CHANGE_READY_TO_NULL
      || (transition == GST_STATE_CHANGE_NULL_TO_READY
          && ret == GST_STATE_CHANGE_FAILURE))
    gst_npu_mel_close (self);
  return ret;
}

/* ---- properties ---- */

static void
gst_npu_mel_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstNpuMel *self = GST_NPU_MEL (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_DEVICE:
      g_free (self->device);
      self->device = g_value_dup_string (value);
      if (self->device == NULL)
        self->device = g_strdup (DEFAULT_DEVICE);
      break;
    case PROP_FRAMES_PER_BUFFER:
      self->frames_per_buffer = g_value_get_uint (value);
      break;
    case PROP_STATS_INTERVAL:
      self->stats_interval = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
  if (id == PROP_FRAMES_PER_BUFFER)
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
}

static void
gst_npu_mel_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstNpuMel *self = GST_NPU_MEL (object);
  GstNpuContext *context;

  switch (id) {
    case PROP_DEVICE:
      GST_OBJECT_LOCK (self);
      g_value_set_string (value, self->device);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_FRAMES_PER_BUFFER:
      GST_OBJECT_LOCK (self);
      g_value_set_uint (value, self->frames_per_buffer);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_ACTIVE_BACKEND:
      context = gst_npu_mel_ref_context (self);
      if (context != NULL)
        g_value_set_static_string (
            value, gst_npu_context_get_backend (context)->ops->name);
      gst_clear_object (&context);
      break;
    case PROP_STATS:
      g_value_take_boxed (value, gst_npu_mel_get_stats (self));
      break;
    case PROP_STATS_INTERVAL:
      GST_OBJECT_LOCK (self);
      g_value_set_uint64 (value, self->stats_interval);
      GST_OBJECT_UNLOCK (self);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

static void
gst_npu_mel_finalize (GObject *object)
{
  GstNpuMel *self = GST_NPU_MEL (object);

  gst_npu_mel_close (self);
  gst_npu_stats_free (self->stats);
  g_free (self->device);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_npu_mel_install_properties (GObjectClass *object_class)
{
  properties[PROP_DEVICE] = g_param_spec_string ("device", "Device",
      "Where to compute: auto (the best device) or cpu", DEFAULT_DEVICE,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  properties[PROP_FRAMES_PER_BUFFER] = g_param_spec_uint ("frames-per-buffer",
      "Frames per buffer",
      "Log-mel frames (10 ms each) in a buffer, unless the caps downstream "
      "fix their number",
      1, WHISPER_MEL_FRAMES, DEFAULT_FRAMES_PER_BUFFER,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  properties[PROP_ACTIVE_BACKEND] = g_param_spec_string ("active-backend",
      "Active backend", "What really computes; NULL while nothing is open",
      NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Frames made, and time spent in each stage (nanoseconds), since the last "
      "start",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_STATS_INTERVAL] = gst_npu_stats_interval_spec ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
gst_npu_mel_class_init (GstNpuMelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_npu_mel_debug, "npumel", 0, "Log-mel frames");

  object_class->set_property = gst_npu_mel_set_property;
  object_class->get_property = gst_npu_mel_get_property;
  object_class->finalize = gst_npu_mel_finalize;
  gst_npu_mel_install_properties (object_class);

  element_class->change_state = gst_npu_mel_change_state;
  element_class->set_context = gst_npu_mel_set_context;
  gst_npu_mel_caps_add_templates (element_class);
  gst_element_class_set_static_metadata (element_class, "NPU log-mel",
      "Filter/Analyzer/Audio",
      "Turns any audio into the log-mel frames of Whisper's encoder",
      "The gst-npu authors");

  trans_class->transform = gst_npu_mel_transform;
  trans_class->transform_caps = gst_npu_mel_caps_transform;
  trans_class->fixate_caps = gst_npu_mel_fixate_caps;
  trans_class->set_caps = gst_npu_mel_set_caps;
  trans_class->decide_allocation = gst_npu_mel_decide_allocation;
  trans_class->query = gst_npu_mel_query;
  trans_class->sink_event = gst_npu_mel_sink_event;
  trans_class->submit_input_buffer = gst_npu_mel_submit_input_buffer;
  trans_class->generate_output = gst_npu_mel_generate_output;
  trans_class->start = gst_npu_mel_start;
  trans_class->stop = gst_npu_mel_stop;
}

static void
gst_npu_mel_init (GstNpuMel *self)
{
  self->stats = gst_npu_mel_report_new_stats (GST_ELEMENT (self));
  self->device = g_strdup (DEFAULT_DEVICE);
  self->frames_per_buffer = DEFAULT_FRAMES_PER_BUFFER;
  self->latency = GST_CLOCK_TIME_NONE;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  gst_npu_held_events_init (&self->held);
}
