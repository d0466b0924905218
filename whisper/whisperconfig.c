/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperconfig.c: config.json tells what the tensors cannot: that the model
 * is Whisper, its activation function, and how many heads share the width.
 * The rest is only held against the tensors.
 */
#include "whisperconfig.h"

#include <string.h>

#include "whispererror.h"
#include "whisperjson.h"

static const struct {
  const gchar *field;
  WhisperSize size;
} sizes[] = {
  { "num_mel_bins", WHISPER_SIZE_MELS },
  { "d_model", WHISPER_SIZE_WIDTH },
  { "encoder_ffn_dim", WHISPER_SIZE_FFN },
  { "encoder_attention_heads", WHISPER_SIZE_HEADS },
  { "encoder_layers", WHISPER_SIZE_LAYERS },
  { "max_source_positions", WHISPER_SIZE_POSITIONS },
};

/* @field, if it is there, must be the text @wanted. */
static gboolean
check_text (const gchar *path, JsonObject *root, const gchar *field,
    const gchar *wanted, GError **error)
{
  JsonNode *node = json_object_get_member (root, field);
  const gchar *text;

  if (!node)
    return TRUE;
  text = json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
  if (!text)
    return whisper_error_corrupt (error, path, "\"%s\" is not a string", field);
  if (strcmp (text, wanted) != 0)
    return whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER, path,
        "\"%s\" is \"%.64s\", not \"%s\"", field, text, wanted);
  return TRUE;
}

static gboolean
read_size (const gchar *path, JsonObject *root, guint i,
    WhisperTensors *tensors, GError **error)
{
  JsonNode *node = json_object_get_member (root, sizes[i].field);

  if (!node)
    return TRUE;
  if (json_node_get_value_type (node) != G_TYPE_INT64
      || json_node_get_int (node) < 1)
    return whisper_error_corrupt (
        error, path, "\"%s\" is not a positive integer", sizes[i].field);
  whisper_tensors_claim (
      tensors, sizes[i].size, path, sizes[i].field, json_node_get_int (node));
  return TRUE;
}

static gboolean
read_config (const gchar *path, JsonObject *root, WhisperTensors *tensors,
    GError **error)
{
  guint i;

  if (!json_object_has_member (root, "model_type"))
    return whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER, path,
        "\"model_type\" is missing");
  if (!check_text (path, root, "model_type", "whisper", error)
      || !check_text (path, root, "activation_function", "gelu", error))
    return FALSE;
  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    if (!read_size (path, root, i, tensors, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
whisper_config_read (const gchar *path, WhisperTensors *tensors, GError **error)
{
  WhisperFile *file = whisper_file_open (path, error);
  JsonNode *root;
  gboolean sound = FALSE;

  if (!file)
    return FALSE;
  root = whisper_json_parse (
      (const gchar *) file->data, file->size, path, "config", error);
  if (root) {
    sound = read_config (path, json_node_get_object (root), tensors, error);
    json_node_unref (root);
  }
  whisper_file_free (file);
  return sound;
}
