/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpuwhispersettings.c: the settings of npuwhisperenc as properties. */
#include "gstnpuwhispersettings.h"

#include "gstnpuwindow.h"
#include "pool.h"

#define DEFAULT_DEVICE "auto"
#define DEFAULT_PRECISION NPU_PRECISION_AUTO
#define DEFAULT_THREADS 0
#define DEFAULT_AUDIO_CTX 0
#define MAX_AUDIO_CTX 1500
#define DEFAULT_STRIDE GST_CLOCK_TIME_NONE

GType
gst_npu_precision_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { NPU_PRECISION_AUTO, "The fastest that is accurate enough", "auto" },
    { NPU_PRECISION_F32, "32-bit floating point throughout", "f32" },
    { NPU_PRECISION_BF16, "16-bit brain floating point", "bf16" },
    { NPU_PRECISION_INT8, "8-bit integers in the layers", "int8" },
    { 0, NULL, NULL }
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstNpuPrecision", values));
  return type;
}

void
gst_npu_whisper_settings_init (GstNpuWhisperSettings *settings)
{
  settings->device = g_strdup (DEFAULT_DEVICE);
  settings->precision = DEFAULT_PRECISION;
  settings->model = NULL;
  settings->threads = DEFAULT_THREADS;
  settings->audio_ctx = DEFAULT_AUDIO_CTX;
  settings->stride = DEFAULT_STRIDE;
}

void
gst_npu_whisper_settings_copy (
    GstNpuWhisperSettings *to, const GstNpuWhisperSettings *from)
{
  *to = *from;
  to->device = g_strdup (from->device);
  to->model = g_strdup (from->model);
}

void
gst_npu_whisper_settings_clear (GstNpuWhisperSettings *settings)
{
  g_clear_pointer (&settings->device, g_free);
  g_clear_pointer (&settings->model, g_free);
}

void
gst_npu_whisper_settings_install (GObjectClass *gobject_class)
{
  GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (gobject_class, GST_NPU_SETTING_DEVICE,
      g_param_spec_string ("device", "Device",
          "Where to run: auto (the best device) or cpu", DEFAULT_DEVICE,
          flags));
  g_object_class_install_property (gobject_class, GST_NPU_SETTING_PRECISION,
      g_param_spec_enum ("precision", "Precision", "Arithmetic of the encoder",
          GST_TYPE_NPU_PRECISION, DEFAULT_PRECISION, flags));
  g_object_class_install_property (gobject_class, GST_NPU_SETTING_MODEL,
      g_param_spec_string ("model", "Model",
          "Weights: a safetensors or ggml file, a folder with them, or "
          "synthetic[:size] for made-up ones; "
          "unset: NPU_WHISPER_MODEL, then the user's data folder, then "
          "Hugging Face's cache, else synthetic:base",
          NULL, flags));
  g_object_class_install_property (gobject_class, GST_NPU_SETTING_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Number of CPU threads that encode a window, the streaming thread "
          "included (0 = as many as the process may use)",
          0, NPU_POOL_MAX_THREADS, DEFAULT_THREADS, flags));
  g_object_class_install_property (gobject_class, GST_NPU_SETTING_AUDIO_CTX,
      g_param_spec_uint ("audio-ctx", "Audio context",
          "Positions of 20 ms in a window (0 = all that the model has, 30 s): "
          "fewer cost less time and some accuracy",
          0, MAX_AUDIO_CTX, DEFAULT_AUDIO_CTX, flags));
  g_object_class_install_property (gobject_class, GST_NPU_SETTING_STRIDE,
      g_param_spec_uint64 ("stride", "Stride",
          "New audio from window to window, in nanoseconds, rounded to 10 ms; "
          "less than a window lets windows overlap: each covers the last 30 s "
          "(18446744073709551615 = a whole window)",
          0, G_MAXUINT64, DEFAULT_STRIDE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));
  gst_type_mark_as_plugin_api (GST_TYPE_NPU_PRECISION, 0);
}

gboolean
gst_npu_whisper_settings_set (
    GstNpuWhisperSettings *settings, guint prop_id, const GValue *value)
{
  switch (prop_id) {
    case GST_NPU_SETTING_DEVICE:
      g_free (settings->device);
      settings->device = g_value_dup_string (value);
      if (settings->device == NULL)
        settings->device = g_strdup (DEFAULT_DEVICE);
      return TRUE;
    case GST_NPU_SETTING_PRECISION:
      settings->precision = (NpuPrecision) g_value_get_enum (value);
      return TRUE;
    case GST_NPU_SETTING_MODEL:
      g_free (settings->model);
      settings->model = g_value_dup_string (value);
      return TRUE;
    case GST_NPU_SETTING_THREADS:
      settings->threads = g_value_get_uint (value);
      return TRUE;
    case GST_NPU_SETTING_AUDIO_CTX:
      settings->audio_ctx = g_value_get_uint (value);
      return TRUE;
    case GST_NPU_SETTING_STRIDE:
      settings->stride = g_value_get_uint64 (value);
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
gst_npu_whisper_settings_get (
    const GstNpuWhisperSettings *settings, guint prop_id, GValue *value)
{
  switch (prop_id) {
    case GST_NPU_SETTING_DEVICE:
      g_value_set_string (value, settings->device);
      return TRUE;
    case GST_NPU_SETTING_PRECISION:
      g_value_set_enum (value, settings->precision);
      return TRUE;
    case GST_NPU_SETTING_MODEL:
      g_value_set_string (value, settings->model);
      return TRUE;
    case GST_NPU_SETTING_THREADS:
      g_value_set_uint (value, settings->threads);
      return TRUE;
    case GST_NPU_SETTING_AUDIO_CTX:
      g_value_set_uint (value, settings->audio_ctx);
      return TRUE;
    case GST_NPU_SETTING_STRIDE:
      g_value_set_uint64 (value, settings->stride);
      return TRUE;
    default:
      return FALSE;
  }
}

gsize
gst_npu_whisper_settings_get_stride (
    const GstNpuWhisperSettings *settings, gsize size)
{
  GstClockTime frames;

  if (!GST_CLOCK_TIME_IS_VALID (settings->stride))
    return size;
  frames = settings->stride / GST_NPU_FRAME_TIME;
  if (settings->stride % GST_NPU_FRAME_TIME >= GST_NPU_FRAME_TIME / 2)
    frames++;
  return frames <= size ? (gsize) frames : 0;
}
