/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audiofixture.c: writes media files and runs pipelines on them.
 */
#include "audiofixture.h"

#include <glib/gstdio.h>
#include <gst/audio/audio.h>
#include <sndfile.h>
#include <string.h>

#define CHUNK 1024 /* frames that are encoded at a time */

gchar *
fixture_dir_new (const gchar *name)
{
  gchar *template = g_strconcat (name, "-XXXXXX", NULL);
  GError *error = NULL;
  gchar *dir = g_dir_make_tmp (template, &error);

  fail_unless (dir != NULL, "%s", error ? error->message : "");
  g_free (template);
  return dir;
}

void
fixture_dir_remove (gchar *dir)
{
  GDir *handle = g_dir_open (dir, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (handle)) != NULL) {
    gchar *path = g_build_filename (dir, name, NULL);

    fail_unless (g_unlink (path) == 0, "%s", path);
    g_free (path);
  }
  g_dir_close (handle);
  fail_unless (g_rmdir (dir) == 0, "%s", dir);
  g_free (dir);
}

gchar *
fixture_missing_element (const gchar *elements)
{
  gchar **names = g_strsplit (elements, " ", -1);
  gchar *missing = NULL;

  for (guint i = 0; names[i] != NULL && missing == NULL; i++) {
    GstElementFactory *factory = gst_element_factory_find (names[i]);

    if (factory == NULL)
      missing = g_strdup (names[i]);
    g_clear_pointer (&factory, gst_object_unref);
  }
  g_strfreev (names);
  return missing;
}

/* ---- writing ----------------------------------------------------------- */

static GstElement *
parse (const gchar *description)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);

  fail_unless (
      error == NULL, "%s: %s", description, error ? error->message : "");
  return pipeline;
}

static void
set_location (GstElement *pipeline, const gchar *name, const gchar *path)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);

  fail_unless (element != NULL, "%s", name);
  g_object_set (element, "location", path, NULL);
  gst_object_unref (element);
}

/* TRUE if @message is the last, with @error if it is one.  A link that
 * decodebin's pads should have made is waited for in vain, so its failure is an
 * error here, though GStreamer only warns. */
static gboolean
is_last (GstMessage *message, GError **error)
{
  GError *warning = NULL;
  gboolean last = FALSE;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_EOS:
      return TRUE;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, error, NULL);
      return TRUE;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &warning, NULL);
      last = g_error_matches (
          warning, GST_PARSE_ERROR, GST_PARSE_ERROR_DELAYED_LINK);
      if (last)
        g_propagate_error (error, g_steal_pointer (&warning));
      g_clear_error (&warning);
      return last;
    default:
      return FALSE;
  }
}

static gboolean
has_picture (GstMessage *message)
{
  GstTagList *tags;
  gboolean found;

  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_TAG)
    return FALSE;
  gst_message_parse_tag (message, &tags);
  found = gst_tag_list_get_tag_size (tags, GST_TAG_IMAGE) > 0;
  gst_tag_list_unref (tags);
  return found;
}

/* Plays @pipeline to its end; FALSE with @error if that is an error. */
static gboolean
run (GstElement *pipeline, gboolean *has_image, GError **error)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GError *reason = NULL;
  gboolean done = FALSE;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!done) {
    GstMessage *message = gst_bus_timed_pop (bus, GST_CLOCK_TIME_NONE);

    *has_image |= has_picture (message);
    done = is_last (message, &reason);
    gst_message_unref (message);
  }
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (bus);
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, reason);
  return FALSE;
}

/* A small picture, encoded. */
static GstSample *
cover_new (void)
{
  GstElement *pipeline = parse ("videotestsrc num-buffers=1 ! "
                                "video/x-raw, width=64, height=64 ! pngenc ! "
                                "fakesink name=out enable-last-sample=true");
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  GstSample *sample;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  g_object_get (sink, "last-sample", &sample, NULL);
  fail_unless (sample != NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_message_unref (message);
  gst_object_unref (bus);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  return sample;
}

static void
add_cover (GstElement *pipeline)
{
  GstSample *cover = cover_new ();
  GstIterator *setters = gst_bin_iterate_all_by_interface (
      GST_BIN (pipeline), GST_TYPE_TAG_SETTER);
  GValue item = G_VALUE_INIT;

  while (gst_iterator_next (setters, &item) == GST_ITERATOR_OK) {
    gst_tag_setter_add_tags (g_value_get_object (&item), GST_TAG_MERGE_APPEND,
        GST_TAG_IMAGE, cover, GST_TAG_TITLE, "signal", NULL);
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (setters);
  gst_sample_unref (cover);
}

static void
set_audio_caps (GstElement *source, const Recording *recording)
{
  GstCaps *caps = gst_caps_new_simple ("audio/x-raw", "format", G_TYPE_STRING,
      GST_AUDIO_NE (S16), "layout", G_TYPE_STRING, "interleaved", "rate",
      G_TYPE_INT, (gint) recording->rate, "channels", G_TYPE_INT,
      (gint) recording->channels, NULL);

  if (recording->channels > 1)
    gst_caps_set_simple (
        caps, "channel-mask", GST_TYPE_BITMASK, recording->mask, NULL);
  g_object_set (source, "caps", caps, "format", GST_FORMAT_TIME, NULL);
  gst_caps_unref (caps);
}

/* Queues the whole recording; appsrc's own API needs its library, signals do
 * not. */
static void
feed (GstElement *source, const Recording *recording)
{
  gsize frame_size = recording->channels * sizeof (gint16);
  gint16 *samples = fixture_signal (recording);
  GstFlowReturn flow;

  for (gsize i = 0; i < recording->n; i += CHUNK) {
    gsize n = MIN (CHUNK, recording->n - i);
    GstBuffer *buffer = gst_buffer_new_memdup (
        samples + i * recording->channels, n * frame_size);

    GST_BUFFER_PTS (buffer) =
        gst_util_uint64_scale_int (i, GST_SECOND, recording->rate);
    GST_BUFFER_DURATION (buffer) =
        gst_util_uint64_scale_int (i + n, GST_SECOND, recording->rate)
        - GST_BUFFER_PTS (buffer);
    g_signal_emit_by_name (source, "push-buffer", buffer, &flow);
    fail_unless_equals_int (flow, GST_FLOW_OK);
    gst_buffer_unref (buffer);
  }
  g_signal_emit_by_name (source, "end-of-stream", &flow);
  g_free (samples);
}

void
fixture_encode (
    const gchar *path, const gchar *description, const Recording *recording)
{
  GstElement *pipeline = parse (description);
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "audio");
  GError *error = NULL;
  gboolean has_image = FALSE;

  set_location (pipeline, "out", path);
  add_cover (pipeline);
  set_audio_caps (source, recording);
  gst_element_set_state (pipeline, GST_STATE_PAUSED); /* or appsrc refuses */
  feed (source, recording);
  fail_unless (run (pipeline, &has_image, &error),
      "%s at %u Hz, %u channels: %s", description, recording->rate,
      recording->channels, error ? error->message : "");
  gst_object_unref (source);
  gst_object_unref (pipeline);
}

void
fixture_write (const gchar *path, gint major_format, const Recording *recording)
{
  SF_INFO info = { .samplerate = recording->rate,
    .channels = recording->channels,
    .format = major_format | SF_FORMAT_PCM_16 };
  SNDFILE *file = sf_open (path, SFM_WRITE, &info);
  gint16 *samples = fixture_signal (recording);

  fail_unless (file != NULL, "%s: %s", path, sf_strerror (NULL));
  fail_unless_equals_int64 (
      sf_writef_short (file, samples, recording->n), recording->n);
  fail_unless_equals_int (sf_close (file), 0);
  g_free (samples);
}

/* ---- running ----------------------------------------------------------- */

static GstPadProbeReturn
note_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  Stamp stamp = { GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
    GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer),
    gst_buffer_get_size (buffer) };

  g_array_append_val ((GArray *) user_data, stamp);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
note_caps (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_parse_caps (event, &caps);
    gst_caps_replace (user_data, caps);
  }
  return GST_PAD_PROBE_OK;
}

static void
add_probe (GstElement *pipeline, const gchar *element, const gchar *pad,
    GstPadProbeType type, GstPadProbeCallback callback, gpointer data)
{
  GstElement *watched = gst_bin_get_by_name (GST_BIN (pipeline), element);
  GstPad *watched_pad = gst_element_get_static_pad (watched, pad);

  gst_pad_add_probe (watched_pad, type, callback, data, NULL);
  gst_object_unref (watched_pad);
  gst_object_unref (watched);
}

/* Video is decoded too and thrown away.  (Left unlinked it lets a file this
 * short hang at its end now and then, whatever comes behind decodebin: seen
 * with GStreamer 1.22.) */
static void
link_video (GstElement *decodebin, GstPad *pad, gpointer pipeline)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  GstStructure *structure = gst_caps_get_structure (caps, 0);

  if (g_str_has_prefix (gst_structure_get_name (structure), "video/")) {
    GstElement *sink = gst_element_factory_make ("fakesink", NULL);
    GstPad *sink_pad = gst_element_get_static_pad (sink, "sink");

    g_object_set (sink, "async", FALSE, NULL);
    gst_bin_add (GST_BIN (pipeline), sink);
    gst_element_sync_state_with_parent (sink);
    gst_pad_link (pad, sink_pad);
    gst_object_unref (sink_pad);
  }
  gst_caps_unref (caps);
}

static void
watch_video (GstElement *pipeline)
{
  GstElement *decodebin = gst_bin_get_by_name (GST_BIN (pipeline), "decode");

  g_signal_connect (decodebin, "pad-added", G_CALLBACK (link_video), pipeline);
  gst_object_unref (decodebin);
}

static gboolean
run_file (const gchar *path, const gchar *description, const gchar *last,
    Output *output, GError **error)
{
  GstElement *pipeline = parse (description);
  gchar *dir = fixture_dir_new ("npu-output");
  gchar *out = g_build_filename (dir, "out", NULL);
  gboolean ok;

  memset (output, 0, sizeof *output);
  output->stamps = g_array_new (FALSE, FALSE, sizeof (Stamp));
  watch_video (pipeline);
  set_location (pipeline, "in", path);
  set_location (pipeline, "out", out);
  add_probe (pipeline, last, "src", GST_PAD_PROBE_TYPE_BUFFER, note_buffer,
      output->stamps);
  add_probe (pipeline, "mel", "sink", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      note_caps, &output->audio);
  ok = run (pipeline, &output->has_image, error);
  gst_object_unref (pipeline);
  fail_unless (
      g_file_get_contents (out, &output->data, &output->size, NULL), "%s", out);
  fixture_dir_remove (dir);
  g_free (out);
  return ok;
}

gboolean
fixture_run_mel (const gchar *path, Output *output, GError **error)
{
  return run_file (path,
      "filesrc name=in ! decodebin name=decode ! npumel name=mel ! filesink "
      "name=out",
      "mel", output, error);
}

gboolean
fixture_run_states (const gchar *path, Output *output, GError **error)
{
  return run_file (path,
      "filesrc name=in ! decodebin name=decode ! npumel name=mel ! "
      "npuwhisperenc name=enc model=synthetic:test ! filesink name=out",
      "enc", output, error);
}

void
output_clear (Output *output)
{
  g_array_unref (output->stamps);
  g_free (output->data);
  gst_clear_caps (&output->audio);
}

/* ---- checking ---------------------------------------------------------- */

guint64
output_check_stamps (const Output *output)
{
  GstClockTime start = 0, end = 0;
  gsize size = 0;

  for (guint i = 0; i < output->stamps->len; i++) {
    const Stamp *stamp = &g_array_index (output->stamps, Stamp, i);

    if (i == 0)
      start = end = stamp->pts;
    fail_unless_equals_uint64 (stamp->pts, end);
    fail_unless (GST_CLOCK_TIME_IS_VALID (stamp->duration));
    end += stamp->duration;
    size += stamp->size;
  }
  fail_unless_equals_uint64 (size, output->size);
  fail_unless_equals_uint64 ((end - start) % SAMPLE_TIME, 0);
  return (end - start) / SAMPLE_TIME;
}

guint64
output_check_mel (const Output *output)
{
  guint64 samples = output_check_stamps (output);
  guint64 frames = samples == 0 ? 0 : (samples + 200 + MEL_HOP - 1) / MEL_HOP;
  guint64 next = 0;

  fail_unless_equals_uint64 (
      output->size, frames * MEL_BANDS * sizeof (gfloat));
  for (guint i = 0; i < output->stamps->len; i++) {
    const Stamp *stamp = &g_array_index (output->stamps, Stamp, i);
    gboolean is_tail = i + 1 == output->stamps->len;

    fail_unless_equals_uint64 (stamp->offset, next);
    next = stamp->offset_end;
    fail_unless_equals_uint64 (
        stamp->size, (next - stamp->offset) * MEL_BANDS * sizeof (gfloat));
    fail_unless_equals_int (stamp->duration == 0, is_tail);
  }
  return samples;
}

guint64
output_check_states (const Output *output)
{
  guint64 samples = output_check_stamps (output);
  guint64 window = WINDOW_FRAMES * MEL_HOP;
  guint64 windows = (samples + window - 1) / window;

  fail_unless_equals_uint64 (output->stamps->len, windows);
  fail_unless_equals_uint64 (output->size, windows * STATES_SIZE);
  for (guint i = 0; i < output->stamps->len; i++) {
    const Stamp *stamp = &g_array_index (output->stamps, Stamp, i);

    fail_unless_equals_uint64 (stamp->size, STATES_SIZE);
    if (i + 1 < output->stamps->len)
      fail_unless_equals_uint64 (stamp->duration, window * SAMPLE_TIME);
  }
  return samples;
}
