/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpuwhisperengine.c: opening weights and encoder for npuwhisperenc, and
 * what to tell the user when that fails.
 */
#include "gstnpuwhisperengine.h"

#include "gstnpuelement.h"

GST_DEBUG_CATEGORY_EXTERN (gst_npu_whisper_enc_debug);
#define GST_CAT_DEFAULT gst_npu_whisper_enc_debug

/* The model's messages name the file, the cause and the way out. */
static void
post_model_error (GstElement *element, const GError *error)
{
  GQuark domain = GST_RESOURCE_ERROR;
  gint code = GST_RESOURCE_ERROR_OPEN_READ;

  if (error->domain == WHISPER_MODEL_ERROR) {
    switch ((WhisperModelError) error->code) {
      case WHISPER_MODEL_ERROR_NOT_FOUND:
        code = GST_RESOURCE_ERROR_NOT_FOUND;
        break;
      case WHISPER_MODEL_ERROR_UNREADABLE:
        break;
      case WHISPER_MODEL_ERROR_CORRUPT:
      case WHISPER_MODEL_ERROR_NOT_WHISPER:
        domain = GST_STREAM_ERROR;
        code = GST_STREAM_ERROR_WRONG_TYPE;
        break;
      case WHISPER_MODEL_ERROR_SHAPE:
        domain = GST_STREAM_ERROR;
        code = GST_STREAM_ERROR_FORMAT;
        break;
    }
  }
  gst_npu_element_post_error (element, error, domain, code, error->message);
}

static WhisperModel *
open_model (GstElement *element, const GstNpuWhisperSettings *settings)
{
  GError *error = NULL;
  gboolean found = TRUE;
  WhisperModel *model = settings->model != NULL
                            ? whisper_model_open (settings->model, &error)
                            : whisper_model_open_default (&found, &error);

  if (model == NULL) {
    post_model_error (element, error);
    g_error_free (error);
  } else if (!found) {
    GST_ELEMENT_WARNING (element, RESOURCE, NOT_FOUND,
        ("No Whisper weights were found, so made-up ones are used: timing is "
         "real, the hidden states mean nothing. To get weights run "
         "scripts/get-model.sh, or set model=<file>."),
        ("running on %s", whisper_model_get_location (model)));
  }
  return model;
}

typedef struct {
  NpuBackend *backend;
  WhisperModel *model;
  NpuPrecision precision;
} ProgramSource;

static gpointer
create_program (gpointer user_data, GError **error)
{
  ProgramSource *source = user_data;

  return whisper_program_new (
      source->backend, source->model, source->precision, error);
}

/* One packed copy for all elements of the context that use the same file in
 * the same precision. */
static gboolean
open_program (GstNpuEngine *engine, GstElement *element, WhisperModel *model,
    NpuPrecision precision)
{
  GError *error = NULL;
  ProgramSource source;

  /* Resolved before the key is made, or "auto" would be packed once more. */
  source.backend = gst_npu_context_get_backend (engine->context);
  precision = npu_backend_resolve_precision (source.backend, precision);
  source.model = model;
  source.precision = precision;

  engine->program_key = g_strdup_printf ("whisper-program %s %s",
      npu_precision_name (precision), whisper_model_get_key (model));
  engine->program = gst_npu_context_cache_lookup (engine->context,
      engine->program_key, create_program, &source,
      (GDestroyNotify) whisper_program_free, &error);
  if (engine->program != NULL)
    return TRUE;

  gst_npu_element_post_error (element, error, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_FAILED,
      "The weights could not be prepared for the device: choose another "
      "\"precision\" or \"device\", or a smaller model.");
  g_error_free (error);
  return FALSE;
}

static gboolean
check_window (
    GstElement *element, const GstNpuWhisperSettings *settings, guint positions)
{
  guint window = settings->audio_ctx != 0 ? settings->audio_ctx : positions;

  if (settings->audio_ctx > positions) {
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS,
        ("audio-ctx=%u is more than the %u positions of this model: set it to "
         "at most that, or to 0 for all.",
            settings->audio_ctx, positions),
        (NULL));
    return FALSE;
  }
  if (gst_npu_whisper_settings_get_stride (settings, 2 * window) == 0) {
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS,
        ("stride=%" G_GUINT64_FORMAT " does not fit: set it to a time from 10 "
         "ms to the %u ms of a window, in nanoseconds, or leave it unset.",
            settings->stride, 20 * window),
        (NULL));
    return FALSE;
  }
  return TRUE;
}

static gboolean
open_encoder (GstNpuEngine *engine, GstElement *element,
    const GstNpuWhisperSettings *settings)
{
  GError *error = NULL;

  if (!check_window (
          element, settings, gst_npu_engine_get_shape (engine)->positions))
    return FALSE;

  engine->encoder = whisper_encoder_new (
      engine->program, settings->audio_ctx, settings->threads, &error);
  if (engine->encoder != NULL)
    return TRUE;

  gst_npu_element_post_error (element, error, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_FAILED,
      "There is no room for the encoder's activations: use a smaller model or "
      "a smaller \"audio-ctx\".");
  g_error_free (error);
  return FALSE;
}

/* The file is needed for packing only, and is not held open afterwards. */
gboolean
gst_npu_engine_open (GstNpuEngine *engine, GstElement *element,
    GstNpuContext *context, const GstNpuWhisperSettings *settings)
{
  WhisperModel *model = open_model (element, settings);

  if (model == NULL)
    return FALSE;
  engine->context = gst_object_ref (context);
  engine->model_name = g_strdup (whisper_model_get_name (model));
  if (!open_program (engine, element, model, settings->precision)
      || !open_encoder (engine, element, settings))
    gst_npu_engine_close (engine);
  else
    GST_INFO_OBJECT (element,
        "%s from %s, %s on %s, %u positions, %" G_GSIZE_FORMAT " bytes packed",
        engine->model_name, whisper_model_get_location (model),
        gst_npu_engine_get_precision (engine),
        gst_npu_engine_get_backend (engine),
        gst_npu_engine_get_positions (engine),
        whisper_program_get_packed_bytes (engine->program));

  whisper_model_unref (model);
  return engine->encoder != NULL;
}

void
gst_npu_engine_close (GstNpuEngine *engine)
{
  g_clear_pointer (&engine->encoder, whisper_encoder_free);
  if (engine->program != NULL)
    gst_npu_context_cache_release (engine->context, engine->program_key);
  engine->program = NULL;
  g_clear_pointer (&engine->program_key, g_free);
  g_clear_pointer (&engine->model_name, g_free);
  gst_clear_object (&engine->context);
}

const NpuEncoderShape *
gst_npu_engine_get_shape (const GstNpuEngine *engine)
{
  return whisper_program_get_shape (engine->program);
}

guint
gst_npu_engine_get_positions (const GstNpuEngine *engine)
{
  return whisper_encoder_get_positions (engine->encoder);
}

const gchar *
gst_npu_engine_get_backend (const GstNpuEngine *engine)
{
  return gst_npu_context_get_backend (engine->context)->ops->name;
}

const gchar *
gst_npu_engine_get_precision (const GstNpuEngine *engine)
{
  return npu_precision_name (whisper_program_get_precision (engine->program));
}

guint
gst_npu_engine_get_waiting (const GstNpuEngine *engine)
{
  NpuBackend *backend = gst_npu_context_get_backend (engine->context);

  return backend->ops->get_use (backend).waiting;
}

gsize
gst_npu_engine_get_states_size (const GstNpuEngine *engine)
{
  return (gsize) gst_npu_engine_get_positions (engine)
         * gst_npu_engine_get_shape (engine)->width * sizeof (gfloat);
}
