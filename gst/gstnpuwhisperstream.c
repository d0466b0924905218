/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperstream.c: what npuwhisperenc's streaming thread does: frames and
 * events come in and keep their order, a window goes out whenever one is due.
 * All of it runs under the sink pad's stream lock.
 */
#include "gstnpuwhisperstream.h"

#include "gstnpuhalf.h"
#include "gstnpupool.h"
#include "gstnpupreroll.h"
#include "gstnputensormeta.h"
#include "gstnputrace.h"
#include "gstnpuwhispercaps.h"
#include "gstnpuwindowmeta.h"
#include "whispermel.h"

GST_DEBUG_CATEGORY_EXTERN (gst_npu_whisper_enc_debug);
#define GST_CAT_DEFAULT gst_npu_whisper_enc_debug

/* Time stamps of neighbouring buffers that differ by more from the frames
 * between them are a jump. */
#define JUMP (GST_NPU_FRAME_TIME / 2)

/* In GstTensorMeta. */
#define TENSOR_ID "whisper-hidden-states"

static GstBaseTransformClass *
base_class (void)
{
  return GST_BASE_TRANSFORM_CLASS (g_type_class_peek (GST_TYPE_BASE_TRANSFORM));
}

/* ---- negotiation ------------------------------------------------------- */

/* An error for @caps.  They come again with each buffer until they are accepted:
 * said once. */
static void
post_caps_error (GstNpuWhisperEnc *self, GstCaps *caps, gboolean of_settings)
{
  if (self->caps_refused)
    return;
  self->caps_refused = TRUE;
  if (of_settings)
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("Windows that come whole have 3000 frames and do not overlap: leave "
         "\"audio-ctx\" and \"stride\" unset, or send frames with norm=none."),
        ("caps %" GST_PTR_FORMAT, caps));
  else
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Frames of this kind do not suit the model, which takes %u bands: put "
         "npumel right before npuwhisperenc.",
            self->window.n_mels),
        ("caps %" GST_PTR_FORMAT, caps));
}

static gboolean
whole_windows_fit (GstNpuWhisperEnc *self)
{
  gsize size = self->window.size, stride;

  GST_OBJECT_LOCK (self);
  stride = gst_npu_whisper_settings_get_stride (&self->settings, size);
  GST_OBJECT_UNLOCK (self);
  return size == WHISPER_MEL_FRAMES && stride == size;
}

/* FALSE after an error was posted. */
static gboolean
check_caps (GstNpuWhisperEnc *self, GstCaps *caps, GstNpuLogmelInfo *info)
{
  if (!gst_npu_logmel_info_from_caps (info, caps)
      || (guint) info->mels != self->window.n_mels) {
    post_caps_error (self, caps, FALSE);
    return FALSE;
  }
  if (info->normalized && !whole_windows_fit (self)) {
    post_caps_error (self, caps, TRUE);
    return FALSE;
  }
  self->caps_refused = FALSE;
  return TRUE;
}

/* Frames or whole windows: the latency differs. */
static void
set_whole_windows (GstNpuWhisperEnc *self, gboolean whole)
{
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = whole != self->whole_windows;
  self->whole_windows = whole;
  GST_OBJECT_UNLOCK (self);
  if (changed)
    gst_npu_whisper_enc_post_latency (self);
}

/* Also called when downstream wants another format while frames come: the next
 * window has it. */
gboolean
gst_npu_whisper_stream_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);
  gsize size = gst_npu_engine_get_states_size (&self->engine);

  if (!check_caps (self, incaps, &self->in_info))
    return FALSE;
  set_whole_windows (self, self->in_info.normalized);
  g_clear_pointer (&self->states, g_free);
  if (gst_npu_whisper_caps_are_half (outcaps))
    self->states = g_malloc (size);
  return TRUE;
}

gboolean
gst_npu_whisper_stream_decide_allocation (
    GstBaseTransform *trans, GstQuery *query)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);
  gsize size = gst_npu_engine_get_states_size (&self->engine);

  self->wants_tensor_meta = gst_npu_tensor_meta_is_wanted (query);
  if (self->states != NULL)
    size /= 2; /* 16 bits instead of 32 */
  gst_npu_pool_decide (query, (guint) size);
  return TRUE;
}

/* ---- windows ----------------------------------------------------------- */

static gboolean
run_encoder (GstNpuWhisperEnc *self, gfloat *states, GError **error)
{
  gsize n;
  const gfloat *frames = gst_npu_window_get_frames (&self->window, &n);

  if (self->in_info.normalized)
    return whisper_encoder_run_normalized (
        self->engine.encoder, self->window.store, states, error);
  return whisper_encoder_run (self->engine.encoder, frames, n, states, error);
}

/* The open window's states into @buffer. */
static GstFlowReturn
write_states (GstNpuWhisperEnc *self, GstBuffer *buffer)
{
  GError *error = NULL;
  GstMapInfo map;
  gboolean ok;

  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("The memory that downstream asked for cannot be written to."), (NULL));
    return GST_FLOW_ERROR;
  }
  if (self->states != NULL) {
    ok = run_encoder (self, self->states, &error);
    if (ok)
      gst_npu_half_from_float (
          self->states, map.size / sizeof (guint16), map.data);
  } else {
    ok = run_encoder (self, (gfloat *) map.data, &error);
  }
  gst_buffer_unmap (buffer, &map);

  if (!ok) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("A window could not be encoded on the device \"%s\": try again, or "
         "set device=cpu.",
            self->active_backend),
        ("%s", error->message));
    g_error_free (error);
  }
  return ok ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* Tells the pipeline if windows take longer than they were said to. */
static void
update_processing_time (GstNpuWhisperEnc *self, GstClockTime processing)
{
  gboolean changed;

  self->live.processing = processing;
  GST_OBJECT_LOCK (self);
  changed = processing > self->processing_time;
  while (processing > self->processing_time)
    self->processing_time *= 2;
  GST_OBJECT_UNLOCK (self);

  if (changed)
    gst_npu_whisper_enc_post_latency (self);
}

/* A stride that was set while windows come begins with the next one. */
static void
adopt_stride (GstNpuWhisperEnc *self)
{
  GstClockTime time;
  gboolean changed;
  gsize frames;

  GST_OBJECT_LOCK (self);
  frames =
      gst_npu_whisper_settings_get_stride (&self->settings, self->window.size);
  time = frames * GST_NPU_FRAME_TIME;
  /* One that does not fit was set before the window was known. */
  changed = frames != 0 && time != self->stride_time;
  if (frames != 0) {
    self->window.stride = frames;
    self->stride_time = time;
  }
  GST_OBJECT_UNLOCK (self);

  if (changed)
    gst_npu_whisper_enc_post_latency (self);
}

/* Windows that were left out are counted too, so that their numbers miss. */
static guint64
get_next_index (GstNpuWhisperEnc *self)
{
  guint64 windows, dropped;

  gst_npu_whisper_report_get_counts (&self->report, &windows, &dropped);
  return windows + dropped;
}

static void
stamp_output (
    GstNpuWhisperEnc *self, GstBuffer *buffer, const GstNpuWindowTimes *times)
{
  GstNpuWindowFacts facts = { .index = get_next_index (self),
    .backend = gst_npu_engine_get_backend (&self->engine),
    .model = self->engine.model_name };

  GST_BUFFER_PTS (buffer) = self->window.pts;
  GST_BUFFER_DURATION (buffer) = self->window.duration;
  GST_BUFFER_OFFSET (buffer) = facts.index;
  GST_BUFFER_OFFSET_END (buffer) = facts.index + 1;
  if (self->discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->discont = FALSE;
  gst_npu_window_meta_add (buffer, &self->window, times, &facts);
  if (self->wants_tensor_meta && self->states == NULL)
    gst_npu_tensor_meta_add (buffer, TENSOR_ID,
        gst_npu_engine_get_positions (&self->engine),
        gst_npu_engine_get_shape (&self->engine)->width);
}

/* Before the report counts it: its index is that of the window. */
static void
trace_window (GstNpuWhisperEnc *self, const GstNpuWindowTimes *times)
{
  GstElement *element = GST_ELEMENT (self);
  GstNpuTraceWindow window = {
    .index = get_next_index (self),
    .pts = self->window.pts,
    .duration = self->window.duration,
    .frames = gst_npu_window_get_valid (&self->window),
    .started = times->encoder.granted,
    .ended = times->ended,
    .op_ns = whisper_encoder_get_op_times (self->engine.encoder),
    .shape = gst_npu_engine_get_shape (&self->engine),
    .positions = gst_npu_engine_get_positions (&self->engine),
    .device = self->active_backend,
    .precision = self->active_precision,
    .model = self->active_model,
  };

  if (!gst_npu_trace_is_on ())
    return;
  gst_npu_trace_window (element, &window);
  gst_npu_trace_counter (
      element, "windows waiting", gst_npu_engine_get_waiting (&self->engine));
}

/* The open window's states.  It is closed after a failure too, or it would fail
 * again at EOS. */
static GstFlowReturn
encode_window (GstNpuWhisperEnc *self, GstBuffer **outbuf)
{
  GstNpuWindowTimes times = { .complete = gst_util_get_timestamp () };
  GstBuffer *buffer = NULL;
  GstFlowReturn ret = gst_npu_pool_acquire (GST_BASE_TRANSFORM (self), &buffer);

  if (gst_npu_window_settle (&self->window) > 0)
    self->discont = TRUE;
  if (ret != GST_FLOW_OK)
    goto done;
  times.started = gst_util_get_timestamp ();
  ret = write_states (self, buffer);
  if (ret != GST_FLOW_OK)
    goto done;
  times.ended = gst_util_get_timestamp ();
  times.encoder = *whisper_encoder_get_times (self->engine.encoder);

  trace_window (self, &times);
  stamp_output (self, buffer, &times);
  gst_npu_whisper_report_add (&self->report, &self->window, &times,
      whisper_encoder_get_op_times (self->engine.encoder));
  update_processing_time (self, times.ended - times.complete);
  GST_DEBUG_OBJECT (self, "%" GST_PTR_FORMAT, buffer);
  *outbuf = g_steal_pointer (&buffer);

done:
  gst_clear_buffer (&buffer);
  gst_npu_window_close (&self->window);
  return ret;
}

/* Leaves the due window out if a live pipeline is too slow for it. */
static gboolean
skip_window (GstNpuWhisperEnc *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  GstNpuWhisperPace pace = gst_npu_whisper_enc_get_pace (self);
  GstClockTimeDiff lateness;

  if (!gst_npu_whisper_live_is_late (
          &self->live, trans, &self->window, &pace, &lateness))
    return FALSE;

  gst_npu_whisper_report_drop (&self->report);
  gst_npu_whisper_live_post_qos (
      &self->live, trans, &self->window, pace.stride, lateness, &self->report);
  gst_npu_window_skip (&self->window);
  if (!gst_npu_window_is_open (&self->window))
    self->discont = TRUE; /* nothing covers it */
  return TRUE;
}

static void
release_events (GstNpuWhisperEnc *self)
{
  if (!gst_npu_window_is_open (&self->window))
    gst_npu_held_events_release (
        &self->held, GST_BASE_TRANSFORM_SRC_PAD (self), self->window.position);
}

/* Ends a stretch of audio: the open window is sent, if there is one, as it is,
 * and what comes next does not follow it. */
static GstFlowReturn
drain (GstNpuWhisperEnc *self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  GstBuffer *buffer = NULL;

  if (gst_npu_window_is_open (&self->window)) {
    /* No input follows, before which the base class would ask. */
    gst_base_transform_reconfigure (GST_BASE_TRANSFORM (self));
    ret = encode_window (self, &buffer);
    if (buffer != NULL)
      ret = gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
  }
  if (self->window.stored > 0)
    self->discont = TRUE;
  gst_npu_window_reset (&self->window);
  release_events (self);
  return ret;
}

/* ---- data -------------------------------------------------------------- */

/* Takes @buffer as the input; FALSE with an error posted. */
static gboolean
accept_input (GstNpuWhisperEnc *self, GstBuffer *buffer)
{
  gsize size = gst_buffer_get_size (buffer);
  guint n_mels = self->window.n_mels;
  gsize whole = self->in_info.normalized ? WHISPER_MEL_FRAMES : 1;
  gsize unit = whole * n_mels * sizeof (gfloat);

  if (whole > 1 ? size != 0 && size != unit : size % unit != 0) {
    gst_buffer_unref (buffer);
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("A buffer of %" G_GSIZE_FORMAT
         " bytes does not hold whole %s of %" G_GSIZE_FORMAT
         " float32 values: send buffers as their caps say.",
            size, whole > 1 ? "windows" : "frames", whole * n_mels),
        (NULL));
    return FALSE;
  }
  if (!gst_npu_input_set (&self->input, buffer, n_mels)) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("The memory of a buffer of mel frames cannot be read."), (NULL));
    return FALSE;
  }
  return TRUE;
}

/* TRUE if the input does not go on where the last one ended. */
static gboolean
input_jumps (GstNpuWhisperEnc *self)
{
  GstClockTime pts = self->input.pts, next = self->next_pts;

  if (GST_BUFFER_IS_DISCONT (self->input.buffer))
    return TRUE;
  /* Tail frames are stamped with the end of the audio. */
  if (self->input.duration == 0)
    return FALSE;
  if (self->window.ended)
    return TRUE;
  return GST_CLOCK_TIME_IS_VALID (pts) && GST_CLOCK_TIME_IS_VALID (next)
         && (pts > next ? pts - next : next - pts) > JUMP;
}

static void
stamp_input (GstNpuWhisperEnc *self)
{
  GstNpuInput *input = &self->input;

  if (!GST_CLOCK_TIME_IS_VALID (input->pts))
    input->pts = self->next_pts;
  if (!GST_CLOCK_TIME_IS_VALID (input->pts))
    input->pts = GST_BASE_TRANSFORM (self)->segment.start;
  if (self->in_info.normalized)
    self->next_pts = input->pts + input->duration;
  else if (input->duration > 0)
    self->next_pts = input->pts + input->n_frames * GST_NPU_FRAME_TIME;
}

/* The base class's is_discont stays set until something was pushed, so the
 * buffer's own flag is asked.  A window that a jump ends is pushed from here:
 * the base class would put the jump's DISCONT flag on it. */
GstFlowReturn
gst_npu_whisper_stream_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);
  GstFlowReturn ret =
      base_class ()->submit_input_buffer (trans, is_discont, buffer);

  if (ret != GST_FLOW_OK)
    return ret;
  buffer = g_steal_pointer (&trans->queued_buf);
  if (self->segment_refused) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  if (!accept_input (self, buffer))
    return GST_FLOW_ERROR;
  if (!self->prerolled)
    gst_npu_preroll (trans);
  self->prerolled = TRUE;

  if (input_jumps (self)) {
    ret = drain (self);
    self->discont = TRUE;
  }
  stamp_input (self);
  gst_npu_whisper_live_note_arrival (
      &self->live, trans, self->input.pts + self->input.duration);
  if (!self->in_info.normalized)
    gst_npu_input_clip (&self->input, &trans->segment, self->window.n_mels);
  return ret;
}

static GstFlowReturn
take_whole_window (GstNpuWhisperEnc *self, GstBuffer **outbuf)
{
  gboolean any = self->input.n_frames > 0;

  if (any) {
    adopt_stride (self);
    gst_npu_window_take_whole (
        &self->window, &self->input, self->in_info.mel_major);
  }
  gst_npu_input_clear (&self->input);
  return any && !skip_window (self) ? encode_window (self, outbuf)
                                    : GST_FLOW_OK;
}

static void
post_stats (GstNpuWhisperEnc *self)
{
  GstStructure *stats =
      gst_npu_whisper_report_totals (&self->report, "npu-stats");

  gst_npu_whisper_enc_add_active (self, stats);
  gst_npu_whisper_report_details (&self->report, stats);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), stats));
}

static void
post_stats_if_due (GstNpuWhisperEnc *self)
{
  GstClockTime interval;

  GST_OBJECT_LOCK (self);
  interval = self->stats_interval;
  GST_OBJECT_UNLOCK (self);
  if (gst_npu_stats_are_due (&self->stats_posted, interval))
    post_stats (self);
}

/* Called until it gives no more. */
GstFlowReturn
gst_npu_whisper_stream_generate_output (
    GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);

  *outbuf = NULL;
  post_stats_if_due (self);
  if (self->in_info.normalized) {
    release_events (self);
    return take_whole_window (self, outbuf);
  }
  do {
    /* The base class has pushed the window that they waited for. */
    release_events (self);
    if (!gst_npu_window_is_open (&self->window))
      adopt_stride (self);
    gst_npu_window_take (&self->window, &self->input);
    gst_npu_trace_counter (
        GST_ELEMENT (self), "frames waiting", (gdouble) self->window.fresh);
    if (!gst_npu_window_is_due (&self->window)) {
      gst_npu_input_clear (&self->input);
      return GST_FLOW_OK;
    }
  } while (skip_window (self));

  return encode_window (self, outbuf);
}

/* ---- events ------------------------------------------------------------ */

/* What cannot be encoded is refused here and not by the base class, which would
 * not say why. */
static gboolean
handle_caps (GstNpuWhisperEnc *self, GstEvent *event)
{
  GstNpuLogmelInfo info;
  GstCaps *caps;
  gboolean ok;

  gst_event_parse_caps (event, &caps);
  ok = check_caps (self, caps, &info);
  /* Else they differ in the frames per buffer or the layout at most, which the
   * open window need not know. */
  if (!ok || info.normalized != self->in_info.normalized)
    drain (self);
  if (!ok) {
    gst_event_unref (event);
    return FALSE;
  }
  return base_class ()->sink_event (GST_BASE_TRANSFORM (self), event);
}

/* FALSE, with an error posted once, unless @segment is played forward in time. */
static gboolean
check_segment (GstNpuWhisperEnc *self, const GstSegment *segment)
{
  gboolean posted = self->segment_refused;

  self->segment_refused =
      segment->format != GST_FORMAT_TIME || segment->rate != 1.0;
  if (!self->segment_refused || posted)
    return !self->segment_refused;
  if (segment->format != GST_FORMAT_TIME)
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Frames come without time stamps: give the source format=time."),
        ("segment in %s", gst_format_get_name (segment->format)));
  else
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Frames can be encoded at normal speed only; seek with rate 1."),
        ("segment with rate %g", segment->rate));
  return FALSE;
}

static gboolean
handle_segment (GstNpuWhisperEnc *self, GstEvent *event)
{
  const GstSegment *segment;

  drain (self);
  self->next_pts = GST_CLOCK_TIME_NONE;

  gst_event_parse_segment (event, &segment);
  if (!check_segment (self, segment)) {
    gst_event_unref (event);
    return FALSE;
  }

  return base_class ()->sink_event (GST_BASE_TRANSFORM (self), event);
}

/* A GAP that ends further on than the frames that are here is a hole. */
static void
handle_gap (GstNpuWhisperEnc *self, GstEvent *event)
{
  GstClockTime end, duration;

  gst_event_parse_gap (event, &end, &duration);
  if (!GST_CLOCK_TIME_IS_VALID (end)
      || !GST_CLOCK_TIME_IS_VALID (self->next_pts))
    return;
  if (GST_CLOCK_TIME_IS_VALID (duration))
    end += MIN (duration, GST_CLOCK_TIME_NONE - 1 - end);
  if (end < self->next_pts || end - self->next_pts <= JUMP)
    return;
  drain (self);
  self->next_pts = end;
}

static void
handle_eos (GstNpuWhisperEnc *self)
{
  GstFlowReturn ret = drain (self);

  /* No buffer follows whose flow return could tell the source. */
  if (ret == GST_FLOW_NOT_LINKED || ret == GST_FLOW_NOT_NEGOTIATED)
    GST_ELEMENT_FLOW_ERROR (self, ret);
  post_stats (self);
}

static void
reset_stream (GstNpuWhisperEnc *self)
{
  gst_npu_input_clear (&self->input);
  gst_npu_window_reset (&self->window);
  gst_npu_held_events_flush (&self->held, GST_BASE_TRANSFORM_SRC_PAD (self));
  gst_npu_whisper_live_reset (&self->live);
  self->next_pts = GST_CLOCK_TIME_NONE;
  self->discont = TRUE;
  self->segment_refused = self->caps_refused = FALSE;
  self->prerolled = FALSE; /* a flush lets sinks preroll anew */
}

gboolean
gst_npu_whisper_stream_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEGMENT:
      return handle_segment (self, event);
    case GST_EVENT_CAPS:
      return handle_caps (self, event);
    case GST_EVENT_GAP:
      handle_gap (self, event);
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_STREAM_GROUP_DONE:
    case GST_EVENT_SEGMENT_DONE:
      drain (self);
      break;
    case GST_EVENT_EOS:
      handle_eos (self);
      break;
    case GST_EVENT_FLUSH_STOP:
      reset_stream (self);
      break;
    default:
      break;
  }

  if (GST_EVENT_IS_SERIALIZED (event)
      && gst_npu_window_is_open (&self->window)) {
    gst_npu_held_events_add (&self->held, event, self->window.position);
    return TRUE;
  }
  return base_class ()->sink_event (trans, event);
}

gboolean
gst_npu_whisper_stream_start (GstBaseTransform *trans)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);

  reset_stream (self);
  self->in_info.normalized = FALSE; /* until caps say so */
  set_whole_windows (self, FALSE);
  gst_npu_whisper_report_reset (&self->report);
  self->stats_posted = gst_util_get_timestamp ();
  return TRUE;
}

gboolean
gst_npu_whisper_stream_stop (GstBaseTransform *trans)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);

  gst_npu_held_events_clear (&self->held);
  g_clear_pointer (&self->states, g_free);
  reset_stream (self);
  return TRUE;
}
