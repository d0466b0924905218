/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npureportmel.c: log-mel frames that go by → a picture.
 *
 * A stream of any length fits in MAX_COLUMNS columns: when they are full,
 * neighbours are merged into their mean, and each column stands for twice as
 * many frames from then on.
 */
#include "npureport.h"

#include <math.h>
#include <string.h>

#define MAX_COLUMNS 2048 /* even */

struct _ReportMelCollector {
  GstPad *pad;
  gulong probe;

  GMutex lock;
  ReportMel mel;      /* under lock, as what follows */
  guint64 in_column;  /* frames in the column that is being filled */
  gboolean mel_major; /* caps that are not shown */
};

/* ---- collecting: the streaming thread ---------------------------------- */

static void
take_caps (ReportMelCollector *collector, GstCaps *caps)
{
  GstStructure *structure = gst_caps_get_structure (caps, 0);
  ReportMel *mel = &collector->mel;
  gint mels = 0;

  collector->mel_major =
      !gst_structure_has_name (structure, "audio/x-logmel")
      || g_strcmp0 (gst_structure_get_string (structure, "layout"), "mel-major")
             == 0;
  if (collector->mel_major || !gst_structure_get_int (structure, "mels", &mels)
      || mels <= 0 || (mel->n_bands != 0 && mel->n_bands != (guint) mels))
    return;
  if (mel->n_bands == 0) {
    mel->n_bands = (guint) mels;
    mel->values = g_new0 (gfloat, (gsize) MAX_COLUMNS * mel->n_bands);
    mel->frames_per_column = 1;
  }
}

static void
merge_columns (ReportMel *mel)
{
  for (guint column = 0; column < MAX_COLUMNS / 2; column++)
    for (guint band = 0; band < mel->n_bands; band++)
      mel->values[column * mel->n_bands + band] =
          (mel->values[2 * column * mel->n_bands + band]
              + mel->values[(2 * column + 1) * mel->n_bands + band])
          / 2;
  mel->n_columns = MAX_COLUMNS / 2;
  mel->frames_per_column *= 2;
}

static void
take_frame (ReportMelCollector *collector, const gfloat *frame)
{
  ReportMel *mel = &collector->mel;
  gfloat *column;

  if (mel->n_columns == MAX_COLUMNS && collector->in_column == 0)
    merge_columns (mel);
  column = mel->values + (gsize) mel->n_columns * mel->n_bands;
  if (collector->in_column == 0)
    memset (column, 0, mel->n_bands * sizeof (gfloat));
  for (guint band = 0; band < mel->n_bands; band++)
    column[band] += frame[band] / (gfloat) mel->frames_per_column;
  mel->n_frames++;
  if (++collector->in_column == mel->frames_per_column) {
    mel->n_columns++;
    collector->in_column = 0;
  }
}

static void
take_buffer (ReportMelCollector *collector, GstBuffer *buffer)
{
  ReportMel *mel = &collector->mel;
  gsize frame_size = mel->n_bands * sizeof (gfloat);
  GstMapInfo map;

  /* Frames behind the end of the audio are stamped with no duration. */
  if (mel->n_bands == 0 || collector->mel_major
      || GST_BUFFER_DURATION (buffer) == 0
      || !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  if (mel->n_frames == 0 && GST_BUFFER_PTS_IS_VALID (buffer))
    mel->start_s = (gdouble) GST_BUFFER_PTS (buffer) / 1e9;
  for (gsize at = 0; at + frame_size <= map.size; at += frame_size)
    take_frame (collector, (const gfloat *) (map.data + at));
  gst_buffer_unmap (buffer, &map);
}

static GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  ReportMelCollector *collector = user_data;
  GstCaps *caps;

  g_mutex_lock (&collector->lock);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    take_buffer (collector, GST_PAD_PROBE_INFO_BUFFER (info));
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info))
             == GST_EVENT_CAPS) {
    gst_event_parse_caps (GST_PAD_PROBE_INFO_EVENT (info), &caps);
    take_caps (collector, caps);
  }
  g_mutex_unlock (&collector->lock);
  return GST_PAD_PROBE_OK;
}

ReportMelCollector *
report_mel_collector_new (GstElement *element)
{
  ReportMelCollector *collector = g_new0 (ReportMelCollector, 1);

  g_mutex_init (&collector->lock);
  collector->pad = gst_element_get_static_pad (element, "src");
  collector->probe = gst_pad_add_probe (collector->pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_data,
      collector, NULL);
  return collector;
}

void
report_mel_collector_free (ReportMelCollector *collector)
{
  gst_pad_remove_probe (collector->pad, collector->probe);
  gst_object_unref (collector->pad);
  g_mutex_clear (&collector->lock);
  g_free (collector->mel.values);
  g_free (collector);
}

gboolean
report_mel_collector_get (ReportMelCollector *collector, ReportMel *mel)
{
  g_mutex_lock (&collector->lock);
  *mel = collector->mel;
  collector->mel.values = NULL;
  collector->mel.n_bands = 0;
  g_mutex_unlock (&collector->lock);
  return mel->n_columns > 0;
}

/* ---- the picture ------------------------------------------------------- */

/* Viridis: even steps of lightness, the same for all kinds of colour vision. */
static const guint8 viridis[][3] = { { 68, 1, 84 }, { 72, 40, 120 },
  { 62, 74, 137 }, { 49, 104, 142 }, { 38, 130, 142 }, { 31, 158, 137 },
  { 53, 183, 121 }, { 109, 205, 89 }, { 180, 222, 44 }, { 253, 231, 37 } };

static void
paint (guint8 *pixel, gfloat value)
{
  gfloat at = CLAMP (value, 0, 1) * (G_N_ELEMENTS (viridis) - 1);
  guint i = MIN ((guint) at, G_N_ELEMENTS (viridis) - 2);
  gfloat rest = at - (gfloat) i;

  for (guint c = 0; c < 3; c++)
    pixel[c] =
        (guint8) lrintf ((1 - rest) * viridis[i][c] + rest * viridis[i + 1][c]);
  pixel[3] = 255;
}

/* Silence is far below all else: like Whisper's own normalisation, 8 decades
 * below the maximum are shown. */
#define DECADES 8

static GstBuffer *
paint_all (const ReportMel *mel)
{
  gsize n = (gsize) mel->n_columns * mel->n_bands;
  guint8 *pixels = g_malloc (4 * n);
  gfloat max = mel->values[0], min = mel->values[0];

  for (gsize i = 1; i < n; i++) {
    max = MAX (max, mel->values[i]);
    min = MIN (min, mel->values[i]);
  }
  min = MAX (min, max - DECADES);
  for (guint row = 0; row < mel->n_bands; row++)
    for (guint column = 0; column < mel->n_columns; column++)
      paint (pixels + 4 * ((gsize) row * mel->n_columns + column),
          max > min ? (mel->values[(gsize) column * mel->n_bands
                                   + (mel->n_bands - 1 - row)]
                          - min)
                          / (max - min)
                    : 0);
  return gst_buffer_new_wrapped (pixels, 4 * n);
}

/* What @buffer, the only one, becomes on its way to the sink. */
static GstSample *
encode (GstElement *pipeline, GstCaps *caps, GstBuffer *buffer)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstSample *sample = NULL;
  GstFlowReturn flow;

  g_object_set (source, "caps", caps, "format", GST_FORMAT_TIME, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name (source, "push-buffer", buffer, &flow);
  g_signal_emit_by_name (source, "end-of-stream", &flow);
  gst_message_unref (gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  g_object_get (sink, "last-sample", &sample, NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (sink);
  gst_object_unref (source);
  return sample;
}

gchar *
report_mel_to_png (const ReportMel *mel)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "appsrc name=in ! pngenc snapshot=false ! fakesink name=out sync=false",
      NULL);
  GstBuffer *buffer;
  GstSample *sample;
  GstCaps *caps;
  GstMapInfo map;
  gchar *text = NULL;

  if (pipeline == NULL || !GST_IS_BIN (pipeline))
    return NULL;
  buffer = paint_all (mel);
  GST_BUFFER_PTS (buffer) = 0;
  caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, "RGBA",
      "width", G_TYPE_INT, (gint) mel->n_columns, "height", G_TYPE_INT,
      (gint) mel->n_bands, "framerate", GST_TYPE_FRACTION, 1, 1, NULL);
  sample = encode (pipeline, caps, buffer);
  if (sample != NULL
      && gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ)) {
    text = g_base64_encode (map.data, map.size);
    gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  }
  g_clear_pointer (&sample, gst_sample_unref);
  gst_caps_unref (caps);
  gst_buffer_unref (buffer);
  return text;
}
