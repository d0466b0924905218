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
 * How the audio was cut into buffers has no influence on any byte of the
 * output nor on its cut.
 *
 * At the end of the stream an element message "npu-stats" carries the `stats`.
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

#include <gst/audio/audio.h>
#include <string.h>

#include "gstnpucaps.h"
#include "gstnpuconvert.h"
#include "gstnpucontext-private.h"
#include "gstnpustats.h"
#include "gstnpuutils.h"
#include "whispermel.h"

GST_DEBUG_CATEGORY_STATIC (gst_npu_mel_debug);
#define GST_CAT_DEFAULT gst_npu_mel_debug

#define DEFAULT_DEVICE "auto"
#define DEFAULT_FRAMES_PER_BUFFER 10
#define DEFAULT_MELS 80

/* 62.5 µs and 10 ms: whole numbers of nanoseconds, so nothing is rounded. */
#define SAMPLE_NS (GST_SECOND / NPU_MEL_RATE)
#define FRAME_NS (NPU_MEL_HOP * SAMPLE_NS)
#define LOOKAHEAD_NS (WHISPER_MEL_LOOKAHEAD * SAMPLE_NS)

/* Time stamps that are off by less are jitter; by more, for so long, or by
 * that much at once, the stream has a hole (audio sinks judge alike). */
#define ALIGNMENT_THRESHOLD (40 * GST_MSECOND)
#define DISCONT_WAIT (1 * GST_SECOND)

/* Frames converted at a time, so that a whole file in one buffer needs no more
 * memory than a stream. */
#define MAX_INPUT_FRAMES 16384

enum { STAGE_CONVERT, STAGE_MEL };

static const gchar *const stage_names[] = { "convert", "mel", NULL };

enum {
  PROP_0,
  PROP_DEVICE,
  PROP_FRAMES_PER_BUFFER,
  PROP_ACTIVE_BACKEND,
  PROP_STATS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

/* A serialized event that must not overtake the samples before it. */
typedef struct {
  GstEvent *event;
  guint64 frame; /* goes out before this frame */
} HeldEvent;

struct _GstNpuMel {
  GstBaseTransform parent;

  GstNpuStats *stats; /* has its own locks */

  /* Under the OBJECT_LOCK. */
  gchar *device;
  guint frames_per_buffer;
  GstNpuContext *context; /* NULL → READY sets it */
  GstClockTime latency;
  guint64 content_frames; /* since READY */
  guint64 tail_frames;
  GstClockTime audio_duration;
  gint input_rate;

  /* Streaming thread. */
  GstAudioInfo in;
  GstNpuLogmelInfo out;
  GstNpuConvert *convert; /* NULL before negotiation */
  WhisperMel *mel;
  GstAudioStreamAlign *align;
  GstClockTime base;      /* PTS of the stream's first sample */
  guint64 frames_out;     /* since the start of the stream */
  gboolean discont;       /* for the next buffer out */
  gboolean input_discont; /* of input that was clipped away */
  gboolean refused;       /* the segment; its error has been posted */
  GQueue held;            /* of HeldEvent */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("audio/x-raw, format=(string)" GST_AUDIO_NE (
        F32) ", rate=(int)16000, channels=(int)1, layout=(string)interleaved; "
             "audio/x-raw, format=(string)" GST_AUDIO_FORMATS_ALL
             ", rate=(int)[8000,192000], channels=(int)[1,8], "
             "layout=(string)interleaved"));

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (
            GST_NPU_LOGMEL_STREAM_CAPS "; " GST_NPU_LOGMEL_WINDOW_CAPS));

#define gst_npu_mel_parent_class parent_class
G_DEFINE_TYPE (GstNpuMel, gst_npu_mel, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (npumel, "npumel", GST_RANK_NONE, GST_TYPE_NPU_MEL)

/* ---- streaming thread: output ---- */

static void
held_event_drop (HeldEvent *held)
{
  gst_event_unref (held->event);
  g_free (held);
}

static void
gst_npu_mel_release_events (GstNpuMel *self, guint64 up_to_frame)
{
  GstPad *srcpad = GST_BASE_TRANSFORM_SRC_PAD (self);

  while (!g_queue_is_empty (&self->held)) {
    HeldEvent *held = g_queue_peek_head (&self->held);

    if (held->frame > up_to_frame)
      return;
    g_queue_pop_head (&self->held);
    gst_pad_push_event (srcpad, g_steal_pointer (&held->event));
    g_free (held);
  }
}

/* What the next @n_frames frames are called in time, where @content of them
 * have their centre in the audio. */
static void
gst_npu_mel_stamp (
    GstNpuMel *self, GstBuffer *buffer, guint n_frames, guint content)
{
  guint64 samples = whisper_mel_get_samples (self->mel);
  guint64 start = MIN (self->frames_out * NPU_MEL_HOP, samples);
  guint64 stop = MIN ((self->frames_out + content) * NPU_MEL_HOP, samples);

  GST_BUFFER_PTS (buffer) = self->base + start * SAMPLE_NS;
  GST_BUFFER_DURATION (buffer) = (stop - start) * SAMPLE_NS;
  GST_BUFFER_OFFSET (buffer) = self->frames_out;
  GST_BUFFER_OFFSET_END (buffer) = self->frames_out + n_frames;
  if (self->discont) {
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    self->discont = FALSE;
  }
}

/* out[band][frame] = in[frame][band] */
static void
transpose_window (const gfloat *in, guint n_bands, gfloat *out)
{
  for (guint band = 0; band < n_bands; band++)
    for (guint frame = 0; frame < WHISPER_MEL_FRAMES; frame++)
      out[band * WHISPER_MEL_FRAMES + frame] = in[frame * n_bands + band];
}

/* Computes a whole normalised window whose first @n_frames frames are there. */
static gboolean
gst_npu_mel_compute_window (
    GstNpuMel *self, guint n_frames, gfloat *out, GError **error)
{
  gsize n_values = (gsize)WHISPER_MEL_FRAMES * self->out.mels;
  gfloat *frames = self->out.mel_major ? g_new (gfloat, n_values) : out;
  gboolean ok = whisper_mel_pull (self->mel, n_frames, frames, error);

  if (ok) {
    for (gsize i = (gsize)n_frames * self->out.mels; i < n_values; i++)
      frames[i] = NPU_MEL_SILENCE;
    whisper_mel_normalize (frames, n_values, frames);
    if (self->out.mel_major)
      transpose_window (frames, self->out.mels, out);
  }
  if (frames != out)
    g_free (frames);
  return ok;
}

static gboolean
gst_npu_mel_fill (GstNpuMel *self, GstBuffer *buffer, guint n_frames)
{
  GstClockTime started = gst_util_get_timestamp ();
  GError *error = NULL;
  GstMapInfo map;
  gboolean ok;

  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE,
        ("The memory for log-mel frames cannot be written."), (NULL));
    return FALSE;
  }
  if (self->out.normalized)
    ok =
        gst_npu_mel_compute_window (self, n_frames, (gfloat *)map.data, &error);
  else
    ok = whisper_mel_pull (self->mel, n_frames, (gfloat *)map.data, &error);
  gst_buffer_unmap (buffer, &map);
  if (!ok) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("The log-mel spectrogram could not be computed."),
        ("%s", error->message));
    g_clear_error (&error);
    return FALSE;
  }
  gst_npu_stats_add (
      self->stats, STAGE_MEL, gst_util_get_timestamp () - started);
  return TRUE;
}

/* Pushes the next @content content frames and @tail tail frames. */
static GstFlowReturn
gst_npu_mel_push (GstNpuMel *self, guint content, guint tail)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  guint n_frames = content + tail;
  guint rows = self->out.normalized ? WHISPER_MEL_FRAMES : n_frames;
  GstAllocationParams params;
  GstAllocator *allocator;
  GstBuffer *buffer;

  if (content > 0)
    gst_npu_mel_release_events (self, self->frames_out);
  gst_base_transform_get_allocator (trans, &allocator, &params);
  buffer = gst_buffer_new_allocate (
      allocator, sizeof (gfloat) * rows * self->out.mels, &params);
  if (allocator != NULL)
    gst_object_unref (allocator);
  if (buffer == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        ("There is no memory for %u log-mel frames.", rows), (NULL));
    return GST_FLOW_ERROR;
  }
  if (!gst_npu_mel_fill (self, buffer, n_frames)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  gst_npu_mel_stamp (self, buffer, n_frames, content);
  self->frames_out += n_frames;

  GST_OBJECT_LOCK (self);
  self->content_frames += content;
  self->tail_frames += tail;
  self->audio_duration += GST_BUFFER_DURATION (buffer);
  GST_OBJECT_UNLOCK (self);
  GST_LOG_OBJECT (
      self, "pushing %u + %u frames: %" GST_PTR_FORMAT, content, tail, buffer);
  return gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
}

static GstFlowReturn
gst_npu_mel_push_full_buffers (GstNpuMel *self)
{
  GstFlowReturn ret = GST_FLOW_OK;

  while (ret == GST_FLOW_OK
         && whisper_mel_available (self->mel) >= (gsize)self->out.frames)
    ret = gst_npu_mel_push (self, self->out.frames, 0);
  return ret;
}

/* What is left after the end of the audio. */
static GstFlowReturn
gst_npu_mel_push_rest (GstNpuMel *self)
{
  guint limit = self->out.frames;
  guint content = whisper_mel_available (self->mel);
  guint tail = whisper_mel_available_tail (self->mel);
  GstFlowReturn ret = GST_FLOW_OK;

  if (self->out.normalized) {
    /* The tail fills an open window and never opens one. */
    if (content > 0)
      ret = gst_npu_mel_push (self, content, MIN (tail, limit - content));
    return ret;
  }
  if (content > 0)
    ret = gst_npu_mel_push (self, content, 0);
  for (; tail > 0 && ret == GST_FLOW_OK; tail -= MIN (tail, limit))
    ret = gst_npu_mel_push (self, 0, MIN (tail, limit));
  return ret;
}

/* ---- streaming thread: the course of a stream ---- */

/* The next sample will be the first of a stream. */
static void
gst_npu_mel_restart (GstNpuMel *self)
{
  if (self->convert != NULL) {
    gst_npu_convert_reset (self->convert);
    whisper_mel_reset (self->mel);
    gst_audio_stream_align_mark_discont (self->align);
  }
  self->base = GST_CLOCK_TIME_NONE;
  self->frames_out = 0;
  self->discont = TRUE;
  self->input_discont = FALSE;
}

static GstFlowReturn
gst_npu_mel_drain (GstNpuMel *self)
{
  GstFlowReturn ret = GST_FLOW_OK;

  if (self->convert != NULL && gst_npu_convert_get_frames (self->convert) > 0) {
    gsize n_samples;
    const gfloat *samples = gst_npu_convert_drain (self->convert, &n_samples);

    whisper_mel_push (self->mel, samples, n_samples);
    whisper_mel_drain (self->mel);
    ret = gst_npu_mel_push_full_buffers (self);
    if (ret == GST_FLOW_OK)
      ret = gst_npu_mel_push_rest (self);
  }
  gst_npu_mel_release_events (self, G_MAXUINT64);
  gst_npu_mel_restart (self);
  return ret;
}

/* @data NULL: silence. */
static GstFlowReturn
gst_npu_mel_feed (GstNpuMel *self, const guint8 *data, guint64 n_frames)
{
  GstFlowReturn ret = GST_FLOW_OK;

  while (n_frames > 0 && ret == GST_FLOW_OK) {
    GstClockTime started = gst_util_get_timestamp ();
    gsize n = MIN (n_frames, MAX_INPUT_FRAMES);
    gsize n_samples;
    const gfloat *samples =
        gst_npu_convert_push (self->convert, data, n, &n_samples);

    gst_npu_stats_add (
        self->stats, STAGE_CONVERT, gst_util_get_timestamp () - started);
    whisper_mel_push (self->mel, samples, n_samples);
    ret = gst_npu_mel_push_full_buffers (self);
    n_frames -= n;
    if (data != NULL)
      data += n * self->in.bpf;
  }
  return ret;
}

static guint64
frames_to_time (GstNpuMel *self, guint64 frames)
{
  return gst_util_uint64_scale_int (frames, GST_SECOND, self->in.rate);
}

/* Where the next input frame should be; NONE before the first. */
static GstClockTime
gst_npu_mel_expected_time (GstNpuMel *self)
{
  guint64 frames = gst_npu_convert_get_frames (self->convert);

  if (frames == 0)
    return GST_CLOCK_TIME_NONE;
  return self->base + frames_to_time (self, frames);
}

/* Decides whether @n_frames frames at @pts go on where the last ones ended; if
 * not, ends the stream and starts another there. */
static GstFlowReturn
gst_npu_mel_align (
    GstNpuMel *self, gboolean discont, GstClockTime pts, guint n_frames)
{
  GstClockTime expected = gst_npu_mel_expected_time (self);
  GstFlowReturn ret = GST_FLOW_OK;

  if (!GST_CLOCK_TIME_IS_VALID (pts))
    pts = GST_CLOCK_TIME_IS_VALID (expected)
              ? expected
              : GST_BASE_TRANSFORM (self)->segment.start;
  if (GST_CLOCK_TIME_IS_VALID (expected))
    discont |= ABS (GST_CLOCK_DIFF (expected, pts)) >= (gint64)DISCONT_WAIT;
  else
    discont = TRUE;
  if (!gst_audio_stream_align_process (
          self->align, discont, pts, n_frames, NULL, NULL, NULL))
    return GST_FLOW_OK;

  if (GST_CLOCK_TIME_IS_VALID (expected)) {
    GST_INFO_OBJECT (self,
        "audio goes on at %" GST_TIME_FORMAT " instead of %" GST_TIME_FORMAT
        ": a new stream",
        GST_TIME_ARGS (pts), GST_TIME_ARGS (expected));
    ret = gst_npu_mel_drain (self);
    gst_audio_stream_align_process (
        self->align, TRUE, pts, n_frames, NULL, NULL, NULL);
  }
  self->base = pts;
  return ret;
}

static GstFlowReturn
gst_npu_mel_take_buffer (GstNpuMel *self, GstBuffer *buffer)
{
  gboolean discont = self->input_discont || GST_BUFFER_IS_DISCONT (buffer);
  gsize n_frames = gst_buffer_get_size (buffer) / self->in.bpf;
  GstFlowReturn ret;
  GstMapInfo map;

  if (gst_buffer_get_size (buffer) % self->in.bpf != 0)
    GST_WARNING_OBJECT (
        self, "the end of a frame is missing: %" GST_PTR_FORMAT, buffer);
  if (n_frames == 0)
    return GST_FLOW_OK;
  self->input_discont = FALSE;
  ret = gst_npu_mel_align (self, discont, GST_BUFFER_PTS (buffer), n_frames);
  if (ret != GST_FLOW_OK)
    return ret;
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP))
    return gst_npu_mel_feed (self, NULL, n_frames);
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        ("The memory of an audio buffer cannot be read."), (NULL));
    return GST_FLOW_ERROR;
  }
  ret = gst_npu_mel_feed (self, map.data, n_frames);
  gst_buffer_unmap (buffer, &map);
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
  gboolean discont;

  if (ret != GST_FLOW_OK || buffer == NULL) {
    gst_clear_buffer (&buffer);
    return ret;
  }
  if (self->refused || self->convert == NULL) {
    gst_buffer_unref (buffer);
    return self->refused ? GST_FLOW_ERROR : GST_FLOW_NOT_NEGOTIATED;
  }
  /* The base class's is_discont stays TRUE until it has pushed a buffer, which
   * it never does here. */
  discont = GST_BUFFER_IS_DISCONT (buffer);
  buffer = gst_audio_buffer_clip (
      buffer, &trans->segment, self->in.rate, self->in.bpf);
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

/* ---- streaming thread: events ---- */

/* Silence up to the gap's end; what came late before it is made up for. */
static GstFlowReturn
gst_npu_mel_take_gap (GstNpuMel *self, GstEvent *event)
{
  GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  GstClockTime pts, duration;
  GstClockTime expected = gst_npu_mel_expected_time (self);
  guint64 start, stop, end_frame, frames;
  gboolean discont;

  gst_event_parse_gap (event, &pts, &duration);
  if (!gst_segment_clip (
          segment, GST_FORMAT_TIME, pts, pts + duration, &start, &stop))
    return GST_FLOW_OK;
  discont = !GST_CLOCK_TIME_IS_VALID (expected)
            || ABS (GST_CLOCK_DIFF (expected, start)) >= (gint64)DISCONT_WAIT;
  if (discont) {
    GstFlowReturn ret = gst_npu_mel_drain (self);

    if (ret != GST_FLOW_OK)
      return ret;
    self->base = start;
  }
  end_frame = stop > self->base ? gst_util_uint64_scale_round (
                  stop - self->base, self->in.rate, GST_SECOND)
                                : 0;
  frames = gst_npu_convert_get_frames (self->convert);
  if (end_frame <= frames)
    return GST_FLOW_OK;
  return gst_npu_mel_feed (self, NULL, end_frame - frames);
}

static gboolean
gst_npu_mel_gap_event (GstNpuMel *self, GstEvent *event)
{
  GstClockTime duration;
  GstFlowReturn ret;

  gst_event_parse_gap (event, NULL, &duration);
  if (self->convert == NULL || self->refused
      || !GST_CLOCK_TIME_IS_VALID (duration))
    return GST_BASE_TRANSFORM_CLASS (parent_class)
        ->sink_event (GST_BASE_TRANSFORM (self), event);
  ret = gst_npu_mel_take_gap (self, event);
  gst_event_unref (event);
  return ret == GST_FLOW_OK;
}

/* FALSE, with an error posted once, for what cannot be played forward in time. */
static gboolean
gst_npu_mel_check_segment (GstNpuMel *self, GstEvent *event)
{
  gboolean posted = self->refused;
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  self->refused = segment->format != GST_FORMAT_TIME || segment->rate != 1.0;
  if (!self->refused || posted)
    return !self->refused;
  if (segment->format != GST_FORMAT_TIME)
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The audio comes without time stamps.  Put a parser such as "
         "rawaudioparse or wavparse before npumel."),
        ("segment in %s format", gst_format_get_name (segment->format)));
  else
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Log-mel frames can be made at normal speed only; seek with rate 1."),
        ("segment with rate %g", segment->rate));
  return FALSE;
}

static gboolean
gst_npu_mel_hold_event (GstNpuMel *self, GstEvent *event)
{
  HeldEvent *held;
  guint64 frame = 0;

  if (self->convert != NULL)
    frame = (gst_npu_convert_get_samples (self->convert) + NPU_MEL_HOP - 1)
            / NPU_MEL_HOP;
  if (frame <= self->frames_out && g_queue_is_empty (&self->held))
    return GST_BASE_TRANSFORM_CLASS (parent_class)
        ->sink_event (GST_BASE_TRANSFORM (self), event);
  held = g_new (HeldEvent, 1);
  held->event = event;
  held->frame = frame;
  g_queue_push_tail (&self->held, held);
  return TRUE;
}

/* A flush throws away what was on its way, save what a pad would keep. */
static void
gst_npu_mel_flush (GstNpuMel *self)
{
  HeldEvent *held;

  while ((held = g_queue_pop_head (&self->held)) != NULL) {
    if (GST_EVENT_IS_STICKY (held->event))
      gst_pad_store_sticky_event (
          GST_BASE_TRANSFORM_SRC_PAD (self), held->event);
    held_event_drop (held);
  }
  self->refused = FALSE;
  gst_npu_mel_restart (self);
}

static GstStructure *gst_npu_mel_get_stats (GstNpuMel *self);

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
      gst_npu_mel_drain (self);
      if (!gst_npu_mel_check_segment (self, event)) {
        gst_event_unref (event);
        return FALSE;
      }
      break;
    case GST_EVENT_EOS:
      gst_npu_mel_drain (self);
      gst_element_post_message (
          GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self),
                                  gst_npu_mel_get_stats (self)));
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
gst_npu_mel_transform_caps (GstBaseTransform *trans, GstPadDirection direction,
    GstCaps *caps, GstCaps *filter)
{
  GstPad *other = direction == GST_PAD_SINK
                      ? GST_BASE_TRANSFORM_SRC_PAD (trans)
                      : GST_BASE_TRANSFORM_SINK_PAD (trans);
  GstCaps *result = gst_pad_get_pad_template_caps (other);

  if (filter != NULL) {
    GstCaps *limited =
        gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (result);
    result = limited;
  }
  return result;
}

static GstCaps *
gst_npu_mel_fixate_caps (GstBaseTransform *trans, GstPadDirection direction,
    GstCaps *caps, GstCaps *other)
{
  GstNpuMel *self = GST_NPU_MEL (trans);

  other = gst_caps_truncate (other);
  if (direction == GST_PAD_SINK && !gst_caps_is_empty (other)) {
    GstStructure *structure;
    guint frames;

    GST_OBJECT_LOCK (self);
    frames = self->frames_per_buffer;
    GST_OBJECT_UNLOCK (self);
    other = gst_caps_make_writable (other);
    structure = gst_caps_get_structure (other, 0);
    gst_structure_fixate_field_nearest_int (structure, "mels", DEFAULT_MELS);
    gst_structure_fixate_field_nearest_int (structure, "frames", frames);
  }
  return gst_caps_fixate (other);
}

/* More than two channels without a channel-mask are taken as unpositioned. */
static gboolean
parse_audio_caps (GstAudioInfo *info, GstCaps *caps)
{
  GstStructure *structure = gst_caps_get_structure (caps, 0);
  gint channels;
  gboolean ok;

  if (!gst_structure_get_int (structure, "channels", &channels) || channels < 3
      || gst_structure_has_field (structure, "channel-mask"))
    return gst_audio_info_from_caps (info, caps);
  caps = gst_caps_copy (caps);
  gst_caps_set_simple (
      caps, "channel-mask", GST_TYPE_BITMASK, (guint64)0, NULL);
  ok = gst_audio_info_from_caps (info, caps);
  gst_caps_unref (caps);
  return ok;
}

/* Drops what depends on the caps. */
static void
gst_npu_mel_clear_format (GstNpuMel *self)
{
  g_clear_pointer (&self->convert, gst_npu_convert_free);
  g_clear_pointer (&self->mel, whisper_mel_free);
  g_clear_pointer (&self->align, gst_audio_stream_align_free);
}

static gboolean
gst_npu_mel_set_format (
    GstNpuMel *self, const GstAudioInfo *in, const GstNpuLogmelInfo *out)
{
  NpuBackend *backend = gst_npu_context_get_backend (self->context);
  GstNpuConvert *convert = gst_npu_convert_new (in);

  if (convert == NULL)
    return FALSE;
  gst_npu_mel_clear_format (self);
  self->in = *in;
  self->out = *out;
  self->convert = convert;
  self->mel = whisper_mel_new (backend, out->mels);
  self->align =
      gst_audio_stream_align_new (in->rate, ALIGNMENT_THRESHOLD, DISCONT_WAIT);
  gst_npu_mel_restart (self);
  return TRUE;
}

static GstClockTime
buffering_latency (guint frames)
{
  return LOOKAHEAD_NS + frames * FRAME_NS;
}

static void
gst_npu_mel_update_latency (GstNpuMel *self)
{
  GstClockTime latency = buffering_latency (self->out.frames)
                         + gst_npu_convert_get_latency (self->convert);
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = latency != self->latency;
  self->latency = latency;
  self->input_rate = self->in.rate;
  GST_OBJECT_UNLOCK (self);
  if (changed)
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

static gboolean
gst_npu_mel_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstNpuMel *self = GST_NPU_MEL (trans);
  GstNpuLogmelInfo out;
  GstAudioInfo in;

  if (!gst_npu_logmel_info_from_caps (&out, outcaps)) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        ("These log-mel frames cannot be made."),
        ("caps %" GST_PTR_FORMAT, outcaps));
    return FALSE;
  }
  if (!parse_audio_caps (&in, incaps)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The description of the audio contradicts itself."),
        ("caps %" GST_PTR_FORMAT, incaps));
    return FALSE;
  }
  if (self->convert != NULL && gst_audio_info_is_equal (&in, &self->in)
      && out.mels == self->out.mels && out.normalized == self->out.normalized) {
    /* Only the cut or the layout of buffers to come. */
    self->out = out;
  } else {
    gst_npu_mel_drain (self);
    if (!gst_npu_mel_set_format (self, &in, &out)) {
      GST_ELEMENT_ERROR (self, STREAM, FORMAT,
          ("Audio of this kind cannot be converted to 16 kHz mono.  Put "
           "audioconvert before npumel."),
          ("caps %" GST_PTR_FORMAT, incaps));
      return FALSE;
    }
  }
  gst_npu_mel_update_latency (self);
  return TRUE;
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
    latency = buffering_latency (self->frames_per_buffer);
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
  self->content_frames = 0;
  self->tail_frames = 0;
  self->audio_duration = 0;
  self->input_rate = 0;
  GST_OBJECT_UNLOCK (self);
  self->refused = FALSE;
  gst_npu_mel_restart (self);
  return TRUE;
}

static gboolean
gst_npu_mel_stop (GstBaseTransform *trans)
{
  GstNpuMel *self = GST_NPU_MEL (trans);

  g_queue_clear_full (&self->held, (GDestroyNotify)held_event_drop);
  gst_npu_mel_clear_format (self);
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
  GError *error = NULL;
  gchar *device;
  gboolean ok;

  GST_OBJECT_LOCK (self);
  device = g_strdup (self->device);
  GST_OBJECT_UNLOCK (self);
  ok = gst_npu_ensure_element_context (
      GST_ELEMENT (self), device, &self->context, &error);
  if (ok) {
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ACTIVE_BACKEND]);
  } else {
    gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR,
        error->domain, error->code, g_strdup (error->message),
        g_strdup_printf ("device \"%s\"", device), __FILE__, GST_FUNCTION,
        __LINE__);
    g_error_free (error);
  }
  g_free (device);
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

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !gst_npu_mel_open (self))
    return GST_STATE_CHANGE_FAILURE;
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    gst_npu_mel_close (self);
  return ret;
}

/* ---- properties ---- */

static GstStructure *
gst_npu_mel_get_stats (GstNpuMel *self)
{
  GstStructure *structure;

  GST_OBJECT_LOCK (self);
  structure = gst_structure_new ("npu-stats", "frames", G_TYPE_UINT64,
      self->content_frames, "tail-frames", G_TYPE_UINT64, self->tail_frames,
      "duration", G_TYPE_UINT64, self->audio_duration, "input-rate", G_TYPE_INT,
      self->input_rate, "rate", G_TYPE_INT, NPU_MEL_RATE, NULL);
  GST_OBJECT_UNLOCK (self);
  gst_structure_set (structure, "convert-ns", G_TYPE_UINT64,
      gst_npu_stats_get_total (self->stats, STAGE_CONVERT), "mel-ns",
      G_TYPE_UINT64, gst_npu_stats_get_total (self->stats, STAGE_MEL), NULL);
  gst_npu_stats_to_structure (self->stats, structure);
  return structure;
}

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
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
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
      "Where to compute: auto, cpu, or an NPU's index or PCI address",
      DEFAULT_DEVICE,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  properties[PROP_FRAMES_PER_BUFFER] =
      g_param_spec_uint ("frames-per-buffer", "Frames per buffer",
          "Log-mel frames (10 ms each) in a buffer, unless the caps downstream "
          "fix their number",
          1, WHISPER_MEL_FRAMES, DEFAULT_FRAMES_PER_BUFFER,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  properties[PROP_ACTIVE_BACKEND] = g_param_spec_string ("active-backend",
      "Active backend", "What really computes; NULL while nothing is open",
      NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Frames made, and time spent in each stage (nanoseconds), since READY",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
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
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "NPU log-mel",
      "Filter/Analyzer/Audio",
      "Turns any audio into the log-mel frames of Whisper's encoder",
      "The gst-npu authors");

  trans_class->transform_caps = gst_npu_mel_transform_caps;
  trans_class->fixate_caps = gst_npu_mel_fixate_caps;
  trans_class->set_caps = gst_npu_mel_set_caps;
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
  self->stats = gst_npu_stats_new (stage_names);
  self->device = g_strdup (DEFAULT_DEVICE);
  self->frames_per_buffer = DEFAULT_FRAMES_PER_BUFFER;
  self->latency = GST_CLOCK_TIME_NONE;
  self->base = GST_CLOCK_TIME_NONE;
  self->discont = TRUE;
  g_queue_init (&self->held);
  /* Without transform() the base class would start in passthrough. */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
}
