/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperenc.c: log-mel frames → hidden states of a Whisper encoder.
 *
 * Frames are gathered into windows of twice as many frames as the encoder has
 * positions (30 s for all of Whisper's), and a window is encoded when it is
 * due, or when the stream ends, jumps or starts anew; what is missing then
 * counts as silence.  The element knows neither the device (gst/npu) nor the
 * arithmetic (whisper/): it keeps time, order and errors.
 *
 * This file is what an application and other elements see: states, queries,
 * properties.  Settings take effect when the element leaves NULL, where the
 * weights are opened too: their sizes decide the caps of both pads.
 */

/**
 * SECTION:element-npuwhisperenc
 * @title: npuwhisperenc
 *
 * Runs the encoder of a Whisper model on log-mel frames, as npumel makes them.
 * Each output buffer holds the hidden states of one window, [positions][width]
 * float32 or, where the caps downstream say F16LE, float16; its duration is the
 * new audio in the window, its offset the window's number, and a
 * GstNpuWindowMeta tells more.
 *
 * Windows follow each other by default.  With #GstNpuWhisperEnc:stride they
 * overlap, and come more often: for live sources.
 *
 * At the end of a stream it posts an element message "npu-stats" with the
 * number of windows and frames, the time they took and what they ran on.
 *
 * ## Example
 * |[
 * gst-launch-1.0 -m filesrc location=speech.ogg ! decodebin ! npumel ! \
 *     npuwhisperenc ! fakesink
 * ]|
 * |[
 * gst-launch-1.0 autoaudiosrc ! npumel ! queue ! \
 *     npuwhisperenc stride=1000000000 ! fakesink silent=false -v
 * ]| states once a second, of the last 30 s.
 */
#include "gstnpuwhisperenc.h"

#include "gstnpuelement.h"
#include "gstnpuutils.h"
#include "gstnpuwhispercaps.h"
#include "gstnpuwhisperstream.h"
#include "gstnpuwindowmeta.h"

GST_DEBUG_CATEGORY (gst_npu_whisper_enc_debug);
#define GST_CAT_DEFAULT gst_npu_whisper_enc_debug

#define DEFAULT_WINDOW (30 * GST_SECOND)

/* How long a window is said to take until one took longer: a base window on
 * two threads of an AVX2 machine.  Then it is doubled, so that the pipeline's
 * latency changes a few times at most. */
#define FIRST_PROCESSING_TIME GST_SECOND

enum {
  PROP_ACTIVE_BACKEND = GST_NPU_N_SETTINGS,
  PROP_ACTIVE_PRECISION,
  PROP_ACTIVE_MODEL,
  PROP_STATS,
  PROP_STATS_INTERVAL
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
publish (GstNpuWhisperEnc *self, const GstNpuWhisperSettings *settings)
{
  const NpuEncoderShape *shape = gst_npu_engine_get_shape (&self->engine);
  guint positions = gst_npu_engine_get_positions (&self->engine);
  gsize frames = 2 * (gsize) positions;

  GST_OBJECT_LOCK (self);
  self->sink_caps = gst_npu_whisper_caps_sink (shape);
  self->src_caps =
      gst_npu_whisper_caps_src (self->engine.model_name, shape, positions);
  self->active_model = g_strdup (self->engine.model_name);
  self->active_backend = gst_npu_engine_get_backend (&self->engine);
  self->active_precision = gst_npu_engine_get_precision (&self->engine);
  self->window_frames = frames;
  self->stride_time = gst_npu_whisper_settings_get_stride (settings, frames)
                      * GST_NPU_FRAME_TIME;
  self->processing_time = FIRST_PROCESSING_TIME;
  GST_OBJECT_UNLOCK (self);

  gst_npu_window_init (&self->window, shape->n_mels, frames);
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
  self->window_frames = 0;
  self->stride_time = DEFAULT_WINDOW;
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
    publish (self, &settings);
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
  GstPad *pad = direction == GST_PAD_SINK ? GST_BASE_TRANSFORM_SINK_PAD (self)
                                          : GST_BASE_TRANSFORM_SRC_PAD (self);
  GstCaps *caps;

  GST_OBJECT_LOCK (self);
  caps = direction == GST_PAD_SINK ? self->sink_caps : self->src_caps;
  if (caps != NULL)
    gst_caps_ref (caps);
  GST_OBJECT_UNLOCK (self);

  return caps != NULL ? caps : gst_pad_get_pad_template_caps (pad);
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

/* Whatever may be frames is accepted, for the caps' event to say what is wrong
 * with it; all that anyone could learn here is that it is. */
static gboolean
gst_npu_whisper_enc_accept_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps)
{
  if (direction == GST_PAD_SINK)
    return gst_npu_whisper_caps_are_known (caps);
  return GST_BASE_TRANSFORM_CLASS (gst_npu_whisper_enc_parent_class)
      ->accept_caps (trans, direction, caps);
}

void
gst_npu_whisper_enc_post_latency (GstNpuWhisperEnc *self)
{
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

/* The first new frame of a window waits until the last has come, unless they
 * come together, and the window is encoded. */
GstNpuWhisperPace
gst_npu_whisper_enc_get_pace (GstNpuWhisperEnc *self)
{
  GstNpuWhisperPace pace;

  GST_OBJECT_LOCK (self);
  pace.stride = self->stride_time;
  pace.latency = self->processing_time;
  if (!self->whole_windows)
    pace.latency += self->stride_time;
  GST_OBJECT_UNLOCK (self);
  return pace;
}

static gboolean
query_latency (GstNpuWhisperEnc *self, GstQuery *query)
{
  GstNpuWhisperPace pace = gst_npu_whisper_enc_get_pace (self);
  GstClockTime min, max;
  gboolean live;

  if (!gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), query))
    return FALSE;

  gst_query_parse_latency (query, &live, &min, &max);
  min += pace.latency;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += pace.latency;
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

/* The base class never calls this, as there is a generate_output(), but without
 * it takes the element for one that works in place and decides on no pool. */
static GstFlowReturn
gst_npu_whisper_enc_transform (
    GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer *outbuf)
{
  return GST_FLOW_NOT_SUPPORTED;
}

/* ---- properties -------------------------------------------------------- */

/* Says what it was that ran. */
void
gst_npu_whisper_enc_add_active (GstNpuWhisperEnc *self, GstStructure *structure)
{
  GST_OBJECT_LOCK (self);
  gst_structure_set (structure, "device", G_TYPE_STRING, self->active_backend,
      "precision", G_TYPE_STRING, self->active_precision, "model",
      G_TYPE_STRING, self->active_model, NULL);
  GST_OBJECT_UNLOCK (self);
}

static GstStructure *
create_stats (GstNpuWhisperEnc *self)
{
  GstStructure *stats =
      gst_npu_whisper_report_totals (&self->report, "npuwhisperenc-stats");

  gst_npu_whisper_enc_add_active (self, stats);
  gst_npu_whisper_report_details (&self->report, stats);
  return stats;
}

/* Under the OBJECT_LOCK.  While windows come, a setting that cannot be followed
 * is refused at once: nothing would ask for it later. */
static gboolean
set_setting (GstNpuWhisperEnc *self, guint prop_id, const GValue *value)
{
  GstNpuWhisperSettings *settings = &self->settings;
  GstClockTime old_stride = settings->stride;
  gboolean running = GST_STATE (self) > GST_STATE_READY;
  gsize frames;

  gst_npu_whisper_settings_set (settings, prop_id, value);
  if (prop_id != GST_NPU_SETTING_STRIDE || !running) {
    self->settings_changed = TRUE;
    return TRUE;
  }
  frames = gst_npu_whisper_settings_get_stride (settings, self->window_frames);
  if (frames == self->window_frames || (frames > 0 && !self->whole_windows))
    return TRUE;
  settings->stride = old_stride;
  return FALSE;
}

static void
gst_npu_whisper_enc_set_property (
    GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  GstNpuWhisperEnc *self = GST_NPU_WHISPER_ENC (object);
  gboolean ok = TRUE;
  gsize window_frames;

  GST_OBJECT_LOCK (self);
  if (prop_id == PROP_STATS_INTERVAL)
    self->stats_interval = g_value_get_uint64 (value);
  else if (prop_id < GST_NPU_N_SETTINGS)
    ok = set_setting (self, prop_id, value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  window_frames = self->window_frames;
  GST_OBJECT_UNLOCK (self);

  if (!ok)
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
        ("%s=%" G_GUINT64_FORMAT " does not fit and was not taken: set it to a "
         "time from 10 ms to the %" G_GSIZE_FORMAT " ms of a window, in "
         "nanoseconds; windows that come whole do not overlap.",
            pspec->name, g_value_get_uint64 (value), 10 * window_frames),
        (NULL));
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
    case PROP_STATS_INTERVAL:
      g_value_set_uint64 (value, self->stats_interval);
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
          "Windows encoded and dropped, new frames and audio (ns) since the "
          "element started; times per window in ns: wait (first frame to "
          "last), queue, upload, run, download, total (their sum); "
          "last-window: ns per operation",
          GST_TYPE_STRUCTURE, flags));
  g_object_class_install_property (
      gobject_class, PROP_STATS_INTERVAL, gst_npu_stats_interval_spec ());
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
  gst_npu_window_meta_register ();
  gst_npu_whisper_settings_install (gobject_class);
  install_observations (gobject_class);

  element_class->change_state = gst_npu_whisper_enc_change_state;
  element_class->set_context = gst_npu_whisper_enc_set_context;
  gst_npu_whisper_caps_add_templates (element_class);
  gst_element_class_set_static_metadata (element_class, "Whisper encoder",
      "Filter/Analyzer/Audio",
      "Encodes log-mel frames into the hidden states of a Whisper model",
      "The gst-npu authors");

  trans_class->start = gst_npu_whisper_stream_start;
  trans_class->stop = gst_npu_whisper_stream_stop;
  trans_class->transform_caps = gst_npu_whisper_enc_transform_caps;
  trans_class->accept_caps = gst_npu_whisper_enc_accept_caps;
  trans_class->set_caps = gst_npu_whisper_stream_set_caps;
  trans_class->decide_allocation = gst_npu_whisper_stream_decide_allocation;
  trans_class->query = gst_npu_whisper_enc_query;
  trans_class->sink_event = gst_npu_whisper_stream_sink_event;
  trans_class->submit_input_buffer = gst_npu_whisper_stream_submit_input_buffer;
  trans_class->transform = gst_npu_whisper_enc_transform;
  trans_class->generate_output = gst_npu_whisper_stream_generate_output;
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
  self->stride_time = DEFAULT_WINDOW;
  self->processing_time = FIRST_PROCESSING_TIME;
  gst_npu_whisper_report_init (&self->report, GST_ELEMENT (self));
  gst_npu_held_events_init (&self->held);
}
