/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispertensors.c: a set of named tensors and the mappings they lie in.
 */
#include "whispertensors.h"

#include "whispererror.h"

void
whisper_tensor_free (WhisperTensor *tensor)
{
  g_free (tensor->name);
  g_free (tensor);
}

WhisperTensors *
whisper_tensors_new (void)
{
  WhisperTensors *tensors = g_new0 (WhisperTensors, 1);

  tensors->files =
      g_ptr_array_new_with_free_func ((GDestroyNotify) whisper_file_free);
  tensors->by_name = g_hash_table_new_full (
      g_str_hash, g_str_equal, NULL, (GDestroyNotify) whisper_tensor_free);
  return tensors;
}

void
whisper_tensors_free (WhisperTensors *tensors)
{
  guint i;

  if (!tensors)
    return;
  for (i = 0; i < WHISPER_N_SIZES; i++)
    g_free (tensors->claims[i].path);
  g_hash_table_unref (tensors->by_name);
  g_ptr_array_unref (tensors->files);
  g_free (tensors);
}

void
whisper_tensors_add_file (WhisperTensors *tensors, WhisperFile *file)
{
  g_ptr_array_add (tensors->files, file);
}

void
whisper_tensors_claim (WhisperTensors *tensors, WhisperSize size,
    const gchar *path, const gchar *field, guint64 value)
{
  WhisperClaim *claim = &tensors->claims[size];

  g_free (claim->path);
  claim->path = g_strdup (path);
  claim->field = field;
  claim->value = value;
}

gchar *
whisper_tensors_key (WhisperTensors *tensors)
{
  GString *key = g_string_new (NULL);
  guint i;

  for (i = 0; i < tensors->files->len; i++) {
    WhisperFile *file = g_ptr_array_index (tensors->files, i);

    g_string_append_printf (key, "%s%s", i ? "|" : "", file->key);
  }
  return g_string_free (key, FALSE);
}

gboolean
whisper_tensors_add (
    WhisperTensors *tensors, WhisperTensor *tensor, GError **error)
{
  if (g_hash_table_contains (tensors->by_name, tensor->name)) {
    whisper_error_corrupt (error, tensor->file->path,
        "tensor \"%s\" is there twice", tensor->name);
    whisper_tensor_free (tensor);
    return FALSE;
  }
  if (g_hash_table_size (tensors->by_name) == WHISPER_MAX_TENSORS) {
    whisper_error_corrupt (error, tensor->file->path,
        "tensor \"%s\" is one of more than %d", tensor->name,
        WHISPER_MAX_TENSORS);
    whisper_tensor_free (tensor);
    return FALSE;
  }
  g_hash_table_insert (tensors->by_name, tensor->name, tensor);
  return TRUE;
}

gchar *
whisper_dims_to_string (const guint64 *dims, guint n_dims)
{
  GString *text = g_string_new ("[");
  guint i;

  for (i = 0; i < n_dims; i++)
    g_string_append_printf (
        text, "%s%" G_GUINT64_FORMAT, i ? ", " : "", dims[i]);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}
