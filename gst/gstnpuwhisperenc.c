/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperenc.c: log-mel frames → hidden states of a Whisper encoder.
 *
 * Frames are gathered into windows of twice as many frames as the encoder has
 * positions (30 s for all of Whisper's), and a window is encoded when it is
 * full, or when the stream ends, jumps or starts anew; what is missing then
 * counts as silence.  The element knows neither the device (gst/npu) nor the
 * arithmetic (whisper/): it keeps time, order and errors.
 *
 * Settings take effect when the element leaves NULL, where the weights are
 * opened too: their sizes decide the caps of both pads.
 */

/**
 * SECTION:element-npuwhisperenc
 * @title: npuwhisperenc
 *
 * Runs the encoder of a Whisper model on log-mel frames, as npumel makes them.
 * Each output buffer holds the hidden states of one window, [positions][width]
 * float32; its duration is the real audio in the window, its offset the
 * window's number.
 *
 * At the end of a stream it posts an element message "npu-stats" with the
 * number of windows and frames, the time they took and what they ran on.
 *
 * ## Example
 * |[
 * gst-launch-1.0 -m filesrc location=speech.ogg ! decodebin ! npumel ! \
 *     npuwhisperenc ! fakesink
 * ]|
 */
#include "gstnpuwhisperenc.h"

#include "gstnpucaps.h"
#include "gstnpuelement.h"
#include "gstnpupool.h"
#include "gstnpuutils.h"
#include "gstnpuwhispercaps.h"
#include "gstnpuwhisperengine.h"
#include "gstnpuwhisperreport.h"
#include "gstnpuwindow.h"

GST_DEBUG_CATEGORY (gst_npu_whisper_enc_debug);
#define GST_CAT_DEFAULT gst_npu_whisper_enc_debug

#define DEFAULT_WINDOW (30 * GST_SECOND)

/* Time stamps of neighbouring buffers that differ by more from the frames
 * between them are a jump. */
#define JUMP (GST_NPU_FRAME_TIME / 2)

/* How long a window is said to take until one took longer: a base window on
 * two threads of an AVX2 machine.  Measured times are rounded up, so that not
 * every window changes the pipeline's latency. */
#define FIRST_PROCESSING_TIME GST_SECOND
#define PROCESSING_TIME_STEP (100 * GST_MSECOND)

enum {
  PROP_ACTIVE_BACKEND = GST_NPU_N_SETTINGS,
  PROP_ACTIVE_PRECISION,
  PROP_ACTIVE_MODEL,
  PROP_STATS
};

struct _GstNpuWhisperEnc {
  GstBaseTransform parent;

  /* Under the OBJECT_LOCK. */
  GstNpuWhisperSettings settings;
  gboolean settings_changed; /* since the encoder was opened */
  GstNpuContext *context;
  GstCaps *sink_caps, *src_caps; /* NULL until the model is known */
  gchar *active_model;
  const gchar *active_backend, *active_precision;
  GstClockTime window_time, processing_time;

  /* From NULL→READY to READY→NULL. */
  GstNpuEngine engine;
  GstNpuWindow window;

  /* The streaming thread's. */
  GstNpuInput input;
  GstClockTime next_pts; /* if the stream goes on as it should */
  gboolean discont;      /* the next window is the first */
  gboolean segment_refused;
  gboolean gap_sent;
  GQueue held_events; /* they follow the open window */

  GstNpuWhisperReport report; /* locks for itself */
};

G_DEFINE_TYPE_WITH_CODE (GstNpuWhisperEnc, gst_npu_whisper_enc,
    GST_TYPE_BASE_TRANSFORM,
    GST_DEBUG_CATEGORY_INIT (
        gst_npu_whisper_enc_debug, "npuwhisperenc", 0, "Whisper encoder"))
GST_ELEMENT_REGISTER_DEFINE (
    npuwhisperenc, "npuwhisperenc", GST_RANK_NONE, GST_TYPE_NPU_WHISPER_ENC)

/* ---- NULL→READY: device, weights, encoder ------------------------------ */

/* What queries and getters tell from now on. */
static void
publish (GstNpuWhisperEnc *self)
{
  const NpuEncoderShape *shape = gst_npu_engine_get_shape (&self->engine);
  guint positions = gst_npu_engine_get_positions (&self->engine);

  GST_OBJECT_LOCK (self);
  self->sink_caps = gst_npu_whisper_caps_sink (shape);
  self->src_caps =
      gst_npu_whisper_caps_src (self->engine.model_name, shape, positions);
  self->active_model = g_strdup (self->engine.model_name);
  self->active_backend = gst_npu_engine_get_backend (&self->engine);
  self->active_precision = gst_npu_engine_get_precision (&self->engine);
  self->window_time = 2 * positions * GST_NPU_FRAME_TIME;
  self->processing_time = FIRST_PROCESSING_TIME;
  GST_OBJECT_UNLOCK (self);

  gst_npu_window_init (&self->window, shape->n_mels, 2 * (gsize) positions);
}

static void
close_all (GstNpuWhisperEnc *self)
{
  GstNpuContext *context;

  gst_npu_engine_close (&self->engine);
  gst_npu_window_clear (&self->window);

  GST_OBJECT_LOCK (self);
  gst_clear_caps (&self->sink_caps);
  gst_clear_caps (&self->src_caps);
  g_clear_pointer (&self->active_model, g_free);
  self->active_backend = self->active_precision = NULL;
  self->window_time = DEFAULT_WINDOW;
  context = g_steal_pointer (&self->context);
  GST_OBJECT_UNLOCK (self);

  gst_clear_object (&context);
}

static gboolean
open_all (GstNpuWhisperEnc *self)
{
  GstNpuWhisperSettings settings;
  gboolean ok;

  GST_OBJECT_LOCK (self);
  gst_npu_whisper_settings_copy (&settings, &self->settings);
  self->settings_changed = FALSE;
  GST_OBJECT_UNLOCK (self);

  ok = gst_npu_element_ensure_context (
           GST_ELEMENT (self), settings.device, &self->context)
       && gst_npu_engine_open (
           &self->engine, GST_ELEMENT (self), self->context, &settings);
  if (ok)
    publish (self);
  else
    close_all (self);

  gst_npu_whisper_settings_clear (&settings);
  return ok;
}

/* Settings may still be changed in READY. */
static gboolean
reopen_if_changed (GstNpuWhisperEnc *self)
{
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = self->settings_changed;
  GST_OBJECT_UNLOCK (self);

  /* Not open: an earlier attempt to reopen failed. */
  if (!changed && self->engine.encoder != NULL)
    return TRUE;
  close_all (self);
  return open_all (self);
}

static GstStateChangeReturn
gst_npu_whisper_enc_change_state (
    GstElement *element, GstStateChange transition)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_all (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      && !reopen_if_changed (self))
    return GST_STATE_CHANGE_FAILURE;

  ret = GST_ELEMENT_CLASS (gst_npu_whisper_enc_parent_class)
            ->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_READY_TO_NULL
      || (transition == GST_STATE_CHANGE_NULL_TO_READY
          && ret == GST_STATE_CHANGE_FAILURE))
    close_all (self);
  return ret;
}

static void
gst_npu_whisper_enc_set_context (GstElement *element, GstContext *context)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (element);
  gchar *device;

  GST_OBJECT_LOCK (self);
  device = g_strdup (self->settings.device);
  GST_OBJECT_UNLOCK (self);

  gst_npu_handle_set_context (element, context, device, &self->context);
  g_free (device);
  GST_ELEMENT_CLASS (gst_npu_whisper_enc_parent_class)
      ->set_context (element, context);
}

/* ---- caps and queries -------------------------------------------------- */

static GstCaps *
dup_caps (GstNpuWhisperEnc *self, GstPadDirection direction)
{
  GstCaps *caps;

  GST_OBJECT_LOCK (self);
  caps = direction == GST_PAD_SINK ? self->sink_caps : self->src_caps;
  if (caps != NULL)
    gst_caps_ref (caps);
  GST_OBJECT_UNLOCK (self);

  return caps != NULL ? caps : gst_npu_whisper_caps_any (direction);
}

/* Neither side's caps depend on the other's: both follow from the model. */
static GstCaps *
gst_npu_whisper_enc_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);
  GstCaps *here = dup_caps (self, direction);
  GstCaps *there =
      dup_caps (self, direction == GST_PAD_SINK ? GST_PAD_SRC : GST_PAD_SINK);
  GstCaps *result;

  if (!gst_caps_can_intersect (caps, here))
    result = gst_caps_new_empty ();
  else if (filter != NULL)
    result = gst_caps_intersect_full (filter, there, GST_CAPS_INTERSECT_FIRST);
  else
    result = gst_caps_ref (there);

  gst_caps_unref (here);
  gst_caps_unref (there);
  return result;
}

static gboolean
gst_npu_whisper_enc_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);
  GstNpuLogmelInfo info;

  return gst_npu_logmel_info_from_caps (&info, incaps) && !info.mel_major
         && !info.normalized && (guint) info.mels == self->window.n_mels;
}

static gboolean
gst_npu_whisper_enc_decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  gsize size =
      gst_npu_engine_get_states_size (&GST_NPU_WHISPER_ENC (trans)->engine);

  gst_npu_pool_decide (query, (guint) size);
  return TRUE;
}

/* The first frame of a window waits until the last has come and all of them
 * are encoded. */
static gboolean
query_latency (GstNpuWhisperEnc *self, GstQuery *query)
{
  GstClockTime min, max, own;
  gboolean live;

  if (!gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), query))
    return FALSE;

  GST_OBJECT_LOCK (self);
  own = self->window_time + self->processing_time;
  GST_OBJECT_UNLOCK (self);

  gst_query_parse_latency (query, &live, &min, &max);
  min += own;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += own;
  gst_query_set_latency (query, live, min, max);
  return TRUE;
}

static gboolean
query_context (GstNpuWhisperEnc *self, GstQuery *query)
{
  GstNpuContext *context;
  gboolean answered;

  GST_OBJECT_LOCK (self);
  context = self->context != NULL ? gst_object_ref (self->context) : NULL;
  GST_OBJECT_UNLOCK (self);

  answered = gst_npu_handle_context_query (GST_ELEMENT (self), query, context);
  gst_clear_object (&context);
  return answered;
}

static gboolean
gst_npu_whisper_enc_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT
      && query_context (self, query))
    return TRUE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY && direction == GST_PAD_SRC)
    return query_latency (self, query);
  return GST_BASE_TRANSFORM_CLASS (gst_npu_whisper_enc_parent_class)
      ->query (trans, direction, query);
}

/* ---- windows ----------------------------------------------------------- */

/* The base class never calls this, as there is a generate_output(), but without
 * it takes the element for one that works in place and decides on no pool. */
static GstFlowReturn
gst_npu_whisper_enc_transform (
    GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer *outbuf)
{
  return GST_FLOW_NOT_SUPPORTED;
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
  ok = whisper_encoder_run (self->engine.encoder, self->window.frames,
      self->window.filled, (gfloat *) map.data, &error);
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
update_latency (GstNpuWhisperEnc *self, GstClockTime processing)
{
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = processing > self->processing_time;
  if (changed)
    self->processing_time =
        (processing / PROCESSING_TIME_STEP + 1) * PROCESSING_TIME_STEP;
  GST_OBJECT_UNLOCK (self);

  if (changed)
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

static void
stamp_output (GstNpuWhisperEnc *self, GstBuffer *buffer)
{
  guint64 index = gst_npu_whisper_report_get_windows (&self->report);

  GST_BUFFER_PTS (buffer) = self->window.pts;
  GST_BUFFER_DURATION (buffer) = self->window.duration;
  GST_BUFFER_OFFSET (buffer) = index;
  GST_BUFFER_OFFSET_END (buffer) = index + 1;
  if (self->discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->discont = FALSE;
}

/* The open window's states, and an empty window in its place: after a failure
 * too, or it would fail again at EOS. */
static GstFlowReturn
encode_window (GstNpuWhisperEnc *self, GstBuffer **outbuf)
{
  GstNpuWindowTimes times = { .complete = gst_util_get_timestamp () };
  GstBuffer *buffer = NULL;
  GstFlowReturn ret = gst_npu_pool_acquire (GST_BASE_TRANSFORM (self), &buffer);

  if (ret != GST_FLOW_OK)
    goto done;
  times.started = gst_util_get_timestamp ();
  ret = write_states (self, buffer);
  if (ret != GST_FLOW_OK)
    goto done;
  times.ended = gst_util_get_timestamp ();

  stamp_output (self, buffer);
  gst_npu_whisper_report_add (&self->report, &self->window, &times,
      whisper_encoder_get_op_times (self->engine.encoder));
  update_latency (self, times.ended - times.complete);
  GST_DEBUG_OBJECT (self, "%" G_GSIZE_FORMAT " frames: %" GST_PTR_FORMAT,
      self->window.filled, buffer);
  *outbuf = g_steal_pointer (&buffer);

done:
  gst_clear_buffer (&buffer);
  gst_npu_window_reset (&self->window);
  return ret;
}

static void
release_events (GstNpuWhisperEnc *self)
{
  GstEvent *event;

  while ((event = g_queue_pop_head (&self->held_events)) != NULL)
    gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self), event);
}

/* Sends the open window, if there is one, as it is. */
static GstFlowReturn
drain (GstNpuWhisperEnc *self)
{
  GstBuffer *buffer = NULL;
  GstFlowReturn ret;

  if (!gst_npu_window_is_open (&self->window))
    return GST_FLOW_OK;
  ret = encode_window (self, &buffer);
  if (buffer != NULL)
    ret = gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
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

  if (size % (n_mels * sizeof (gfloat)) != 0) {
    gst_buffer_unref (buffer);
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("A buffer of %" G_GSIZE_FORMAT " bytes is no whole number of frames "
         "of %u float32 values: send whole frames.",
            size, n_mels),
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
  if (input->duration > 0)
    self->next_pts = input->pts + input->n_frames * GST_NPU_FRAME_TIME;
}

/* The base class's is_discont stays set until something was pushed, so the
 * buffer's own flag is asked.  A window that a jump ends is pushed from here:
 * the base class would put the jump's DISCONT flag on it. */
static GstFlowReturn
gst_npu_whisper_enc_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);
  GstFlowReturn ret =
      GST_BASE_TRANSFORM_CLASS (gst_npu_whisper_enc_parent_class)
          ->submit_input_buffer (trans, is_discont, buffer);

  if (ret != GST_FLOW_OK)
    return ret;
  buffer = g_steal_pointer (&trans->queued_buf);
  if (self->segment_refused) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  if (!accept_input (self, buffer))
    return GST_FLOW_ERROR;

  if (input_jumps (self)) {
    ret = drain (self);
    self->discont = TRUE;
  }
  stamp_input (self);
  return ret;
}

/* Called until it gives no more. */
static GstFlowReturn
gst_npu_whisper_enc_generate_output (
    GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);

  *outbuf = NULL;
  /* The base class has pushed the window that they waited for. */
  if (!gst_npu_window_is_open (&self->window))
    release_events (self);

  gst_npu_window_take (&self->window, &self->input);
  if (gst_npu_window_is_full (&self->window))
    return encode_window (self, outbuf);

  gst_npu_input_clear (&self->input);
  return GST_FLOW_OK;
}

/* ---- events ------------------------------------------------------------ */

/* A sink in a live pipeline would not preroll, nor tell its latency, before
 * the first window is there, 30 s later; a gap at the very start lets it.  Not
 * in other pipelines, where an application may wait for preroll to get the
 * first window; and once only, as later gaps would be waited for on the clock.
 */
static void
push_first_gap (GstNpuWhisperEnc *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  GstQuery *query;
  gboolean live = FALSE;

  if (self->gap_sent || !gst_pad_has_current_caps (trans->srcpad))
    return;
  query = gst_query_new_latency ();
  if (gst_pad_peer_query (trans->sinkpad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);

  if (live) {
    self->gap_sent = TRUE;
    gst_pad_push_event (trans->srcpad,
        gst_event_new_gap (trans->segment.start, GST_CLOCK_TIME_NONE));
  }
}

static gboolean
handle_segment (GstNpuWhisperEnc *self, GstEvent *event)
{
  const GstSegment *segment;

  drain (self);
  self->next_pts = GST_CLOCK_TIME_NONE;

  gst_event_parse_segment (event, &segment);
  self->segment_refused =
      segment->format != GST_FORMAT_TIME || segment->rate < 0.0;
  if (self->segment_refused) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Only forward playback in time can be encoded: give the source "
         "format=time, and play at a positive rate."),
        ("segment in %s at rate %g", gst_format_get_name (segment->format),
            segment->rate));
    gst_event_unref (event);
    return FALSE;
  }

  if (!GST_BASE_TRANSFORM_CLASS (gst_npu_whisper_enc_parent_class)
           ->sink_event (GST_BASE_TRANSFORM (self), event))
    return FALSE;
  release_events (self);
  push_first_gap (self);
  return TRUE;
}

/* TRUE if the GAP ends further on than the frames that are here. */
static gboolean
gap_is_hole (GstNpuWhisperEnc *self, GstEvent *event)
{
  GstClockTime start, duration;

  gst_event_parse_gap (event, &start, &duration);
  if (GST_CLOCK_TIME_IS_VALID (duration))
    start += duration;
  return start > self->next_pts + JUMP;
}

/* Says what it was that ran. */
static void
add_active (GstNpuWhisperEnc *self, GstStructure *structure)
{
  GST_OBJECT_LOCK (self);
  gst_structure_set (structure, "device", G_TYPE_STRING, self->active_backend,
      "precision", G_TYPE_STRING, self->active_precision, "model",
      G_TYPE_STRING, self->active_model, NULL);
  GST_OBJECT_UNLOCK (self);
}

static void
post_stats (GstNpuWhisperEnc *self)
{
  GstStructure *totals =
      gst_npu_whisper_report_totals (&self->report, "npu-stats");

  add_active (self, totals);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), totals));
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

/* Sticky events are not lost by a flush, only delayed. */
static void
reset_stream (GstNpuWhisperEnc *self)
{
  guint n = g_queue_get_length (&self->held_events);

  gst_npu_input_clear (&self->input);
  gst_npu_window_reset (&self->window);
  self->next_pts = GST_CLOCK_TIME_NONE;
  self->discont = TRUE;
  while (n-- > 0) {
    GstEvent *event = g_queue_pop_head (&self->held_events);

    if (GST_EVENT_IS_STICKY (event))
      g_queue_push_tail (&self->held_events, event);
    else
      gst_event_unref (event);
  }
}

static gboolean
gst_npu_whisper_enc_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);
  gboolean hold = GST_EVENT_IS_SERIALIZED (event);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEGMENT:
      return handle_segment (self, event);
    case GST_EVENT_CAPS:
      /* Caps that are accepted differ in the frames per buffer at most, which
       * the open window need not know. */
      hold = FALSE;
      break;
    case GST_EVENT_GAP:
      if (gap_is_hole (self, event))
        drain (self);
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

  if (hold && gst_npu_window_is_open (&self->window)) {
    g_queue_push_tail (&self->held_events, event);
    return TRUE;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_npu_whisper_enc_parent_class)
      ->sink_event (trans, event);
}

static gboolean
gst_npu_whisper_enc_start (GstBaseTransform *trans)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);

  reset_stream (self);
  self->segment_refused = FALSE;
  self->gap_sent = FALSE;
  gst_npu_whisper_report_reset (&self->report);
  return TRUE;
}

static gboolean
gst_npu_whisper_enc_stop (GstBaseTransform *trans)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (trans);

  reset_stream (self);
  g_queue_clear_full (&self->held_events, (GDestroyNotify) gst_event_unref);
  return TRUE;
}

/* ---- properties -------------------------------------------------------- */

static GstStructure *
create_stats (GstNpuWhisperEnc *self)
{
  GstStructure *stats =
      gst_npu_whisper_report_totals (&self->report, "npuwhisperenc-stats");

  add_active (self, stats);
  gst_npu_whisper_report_details (&self->report, stats);
  return stats;
}

static void
gst_npu_whisper_enc_set_property (
    GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (object);

  GST_OBJECT_LOCK (self);
  if (gst_npu_whisper_settings_set (&self->settings, prop_id, value))
    self->settings_changed = TRUE;
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_npu_whisper_enc_get_property (
    GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (object);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, create_stats (self));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_ACTIVE_BACKEND:
      g_value_set_string (value, self->active_backend);
      break;
    case PROP_ACTIVE_PRECISION:
      g_value_set_string (value, self->active_precision);
      break;
    case PROP_ACTIVE_MODEL:
      g_value_set_string (value, self->active_model);
      break;
    default:
      if (!gst_npu_whisper_settings_get (&self->settings, prop_id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_npu_whisper_enc_finalize (GObject *object)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (object);

  /* Only a context that was set and never used is still here. */
  gst_clear_object (&self->context);
  gst_npu_whisper_report_clear (&self->report);
  gst_npu_whisper_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_npu_whisper_enc_parent_class)->finalize (object);
}

static void
install_observations (GObjectClass *gobject_class)
{
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (gobject_class, PROP_ACTIVE_BACKEND,
      g_param_spec_string ("active-backend", "Active backend",
          "What the encoder really runs on (unset in the NULL state)", NULL,
          flags));
  g_object_class_install_property (gobject_class, PROP_ACTIVE_PRECISION,
      g_param_spec_string ("active-precision", "Active precision",
          "The arithmetic really in use (unset in the NULL state)", NULL,
          flags));
  g_object_class_install_property (gobject_class, PROP_ACTIVE_MODEL,
      g_param_spec_string ("active-model", "Active model",
          "The model really in use, as in the caps (unset in the NULL state)",
          NULL, flags));
  g_object_class_install_property (gobject_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Windows, frames and audio (ns) since the element started; times per "
          "window in ns: wait (first frame to last), run (encoder), total "
          "(first frame to states); last-window: ns per operation",
          GST_TYPE_STRUCTURE, flags));
}

static void
gst_npu_whisper_enc_class_init (GstNpuWhisperEncClass *klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  gobject_class->set_property = gst_npu_whisper_enc_set_property;
  gobject_class->get_property = gst_npu_whisper_enc_get_property;
  gobject_class->finalize = gst_npu_whisper_enc_finalize;
  gst_npu_whisper_settings_install (gobject_class);
  install_observations (gobject_class);

  element_class->change_state = gst_npu_whisper_enc_change_state;
  element_class->set_context = gst_npu_whisper_enc_set_context;
  gst_npu_whisper_caps_add_templates (element_class);
  gst_element_class_set_static_metadata (element_class, "Whisper encoder",
      "Filter/Analyzer/Audio",
      "Encodes log-mel frames into the hidden states of a Whisper model",
      "The gst-npu authors");

  trans_class->start = gst_npu_whisper_enc_start;
  trans_class->stop = gst_npu_whisper_enc_stop;
  trans_class->transform_caps = gst_npu_whisper_enc_transform_caps;
  trans_class->set_caps = gst_npu_whisper_enc_set_caps;
  trans_class->decide_allocation = gst_npu_whisper_enc_decide_allocation;
  trans_class->query = gst_npu_whisper_enc_query;
  trans_class->sink_event = gst_npu_whisper_enc_sink_event;
  trans_class->submit_input_buffer = gst_npu_whisper_enc_submit_input_buffer;
  trans_class->transform = gst_npu_whisper_enc_transform;
  trans_class->generate_output = gst_npu_whisper_enc_generate_output;
}

static void
gst_npu_whisper_enc_init (GstNpuWhisperEnc *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);

  /* The base class's QoS would drop single frames. */
  gst_base_transform_set_passthrough (trans, FALSE);
  gst_base_transform_set_in_place (trans, FALSE);
  gst_base_transform_set_qos_enabled (trans, FALSE);

  gst_npu_whisper_settings_init (&self->settings);
  self->window_time = DEFAULT_WINDOW;
  self->processing_time = FIRST_PROCESSING_TIME;
  gst_npu_whisper_report_init (&self->report);
  g_queue_init (&self->held_events);
}
