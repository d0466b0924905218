/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpucaps.c: the media types, built and parsed in one place, so that the
 * two elements and third parties can never disagree about a field's name.
 */
#include "gstnpucaps.h"

#include "gstnputensorcaps.h"
#include "whispermel.h"

#define FRAME_MAJOR "frame-major"
#define MEL_MAJOR "mel-major"
#define NORM_NONE "none"
#define NORM_WHISPER "whisper"

static gboolean
has_int (const GstStructure *structure, const gchar *name, gint value)
{
  gint found;

  return gst_structure_get_int (structure, name, &found) && found == value;
}

/* TRUE if the string @name is one of the two: @value tells whether the second. */
static gboolean
get_choice (const GstStructure *structure, const gchar *name,
    const gchar *first, const gchar *second, gboolean *value)
{
  const gchar *found = gst_structure_get_string (structure, name);

  *value = g_strcmp0 (found, second) == 0;
  return *value || g_strcmp0 (found, first) == 0;
}

/* Nothing in a tensor's caps tells a window from something else of this size,
 * so only downstream's choice of the size does. */
static const GstNpuLogmelInfo tensor_infos[] = {
  { 80, WHISPER_MEL_FRAMES, FALSE, TRUE },
  { 80, WHISPER_MEL_FRAMES, TRUE, TRUE },
  { 128, WHISPER_MEL_FRAMES, FALSE, TRUE },
  { 128, WHISPER_MEL_FRAMES, TRUE, TRUE },
};

/* Innermost first. */
static void
get_tensor_dims (const GstNpuLogmelInfo *info, guint dims[2])
{
  dims[0] = info->mel_major ? info->frames : info->mels;
  dims[1] = info->mel_major ? info->mels : info->frames;
}

GstCaps *
gst_npu_logmel_tensor_caps_new (void)
{
  GstCaps *caps = gst_caps_new_empty ();
  guint dims[2];

  for (guint i = 0; i < G_N_ELEMENTS (tensor_infos); i++) {
    get_tensor_dims (&tensor_infos[i], dims);
    gst_caps_append (caps, gst_npu_tensor_caps_new (dims, 2));
  }
  return caps;
}

static gboolean
info_from_tensor_caps (GstNpuLogmelInfo *info, const GstCaps *caps)
{
  guint dims[2];

  for (guint i = 0; i < G_N_ELEMENTS (tensor_infos); i++) {
    *info = tensor_infos[i];
    get_tensor_dims (info, dims);
    if (gst_npu_tensor_caps_match (caps, dims, 2))
      return TRUE;
  }
  return FALSE;
}

gboolean
gst_npu_logmel_info_from_caps (GstNpuLogmelInfo *info, const GstCaps *caps)
{
  const GstStructure *structure;

  if (!gst_caps_is_fixed (caps))
    return FALSE;
  if (info_from_tensor_caps (info, caps))
    return TRUE;
  structure = gst_caps_get_structure (caps, 0);
  if (!gst_structure_has_name (structure, GST_NPU_LOGMEL_MEDIA_TYPE)
      || g_strcmp0 (gst_structure_get_string (structure, "format"), "F32LE")
      || !has_int (structure, "rate", NPU_MEL_RATE)
      || !has_int (structure, "n-fft", NPU_MEL_WINDOW)
      || !has_int (structure, "hop", NPU_MEL_HOP))
    return FALSE;
  if (!gst_structure_get_int (structure, "mels", &info->mels)
      || (info->mels != 80 && info->mels != 128))
    return FALSE;
  if (!gst_structure_get_int (structure, "frames", &info->frames)
      || info->frames < 1 || info->frames > WHISPER_MEL_FRAMES)
    return FALSE;
  if (!get_choice (
          structure, "layout", FRAME_MAJOR, MEL_MAJOR, &info->mel_major)
      || !get_choice (
          structure, "norm", NORM_NONE, NORM_WHISPER, &info->normalized))
    return FALSE;
  /* Normalisation is a statistic of a whole window, and only whole windows
   * have a fixed number of columns. */
  if (info->normalized)
    return info->frames == WHISPER_MEL_FRAMES;
  return !info->mel_major;
}

GstCaps *
gst_npu_logmel_info_to_caps (const GstNpuLogmelInfo *info)
{
  return gst_caps_new_simple (GST_NPU_LOGMEL_MEDIA_TYPE, "format",
      G_TYPE_STRING, "F32LE", "mels", G_TYPE_INT, info->mels, "rate",
      G_TYPE_INT, NPU_MEL_RATE, "n-fft", G_TYPE_INT, NPU_MEL_WINDOW, "hop",
      G_TYPE_INT, NPU_MEL_HOP, "layout", G_TYPE_STRING,
      info->mel_major ? MEL_MAJOR : FRAME_MAJOR, "norm", G_TYPE_STRING,
      info->normalized ? NORM_WHISPER : NORM_NONE, "frames", G_TYPE_INT,
      info->frames, NULL);
}

GstCaps *
gst_npu_logmel_caps_with_mels (GstCaps *template_caps, gint mels)
{
  GstCaps *filter = gst_caps_new_simple (
      GST_NPU_LOGMEL_MEDIA_TYPE, "mels", G_TYPE_INT, mels, NULL);
  GstCaps *caps =
      gst_caps_intersect_full (template_caps, filter, GST_CAPS_INTERSECT_FIRST);

  gst_caps_unref (filter);
  return caps;
}

GstCaps *
gst_npu_hidden_caps_new (
    const gchar *model, const NpuEncoderShape *shape, guint positions)
{
  GstCaps *caps = gst_caps_from_string (GST_NPU_HIDDEN_CAPS);

  gst_caps_set_simple (caps, "model", G_TYPE_STRING, model, "layers",
      G_TYPE_INT, (gint) shape->layers, "width", G_TYPE_INT,
      (gint) shape->width, "positions", G_TYPE_INT, (gint) positions, NULL);
  return caps;
}
