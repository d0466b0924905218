/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispermodel.c: a model, wherever its weights come from.
 */
#include "whispermodel.h"

#include "whisperfile.h"
#include "whisperfolder.h"
#include "whisperformat.h"
#include "whisperlayout.h"
#include "whispermodel-private.h"
#include "whispersearch.h"
#include "whispersynthetic.h"

WhisperModel *
whisper_model_new (const NpuEncoderShape *shape)
{
  WhisperModel *model = g_new0 (WhisperModel, 1);

  g_atomic_ref_count_init (&model->ref_count);
  model->shape = *shape;
  return model;
}

/* Takes @tensors if it succeeds. */
static WhisperModel *
model_from_tensors (const gchar *path, WhisperTensors *tensors, GError **error)
{
  NpuEncoderShape shape;
  NpuWeightView *views = whisper_layout_find (tensors, path, &shape, error);
  WhisperModel *model;

  if (!views)
    return NULL;
  model = whisper_model_new (&shape);
  model->name = whisper_size_name (&shape);
  model->location = g_strdup (path);
  model->key = whisper_tensors_key (tensors);
  model->views = views;
  model->source = tensors;
  model->free_source = (GDestroyNotify) whisper_tensors_free;
  return model;
}

static WhisperModel *
open_path (const gchar *path, GError **error)
{
  WhisperTensors *tensors = whisper_tensors_new ();
  gboolean sound = g_file_test (path, G_FILE_TEST_IS_DIR)
                       ? whisper_folder_read (path, tensors, error)
                       : whisper_format_read (path, tensors, error);
  WhisperModel *model =
      sound ? model_from_tensors (path, tensors, error) : NULL;

  if (!model)
    whisper_tensors_free (tensors);
  return model;
}

WhisperModel *
whisper_model_open (const gchar *name, GError **error)
{
  const gchar *size;

  g_return_val_if_fail (name != NULL, NULL);
  size = whisper_synthetic_size (name);
  if (size)
    return whisper_synthetic_new (size, error);
  return open_path (name, error);
}

WhisperModel *
whisper_model_open_default (gboolean *found, GError **error)
{
  GPtrArray *candidates = whisper_search_list ();
  GError *problem = NULL;
  WhisperModel *model = whisper_search_open (candidates, &problem);

  g_ptr_array_unref (candidates);
  *found = model != NULL;
  if (problem)
    g_propagate_error (error, problem);
  else if (!model)
    model = whisper_synthetic_new ("base", error);
  return model;
}

WhisperModel *
whisper_model_ref (WhisperModel *model)
{
  g_atomic_ref_count_inc (&model->ref_count);
  return model;
}

void
whisper_model_unref (WhisperModel *model)
{
  if (!g_atomic_ref_count_dec (&model->ref_count))
    return;
  model->free_source (model->source);
  g_free (model->views);
  g_free (model->key);
  g_free (model->location);
  g_free (model->name);
  g_free (model);
}

const gchar *
whisper_model_get_name (WhisperModel *model)
{
  return model->name;
}

const gchar *
whisper_model_get_location (WhisperModel *model)
{
  return model->location;
}

const gchar *
whisper_model_get_key (WhisperModel *model)
{
  return model->key;
}

gboolean
whisper_model_is_synthetic (WhisperModel *model)
{
  return model->synthetic;
}

const NpuEncoderShape *
whisper_model_get_shape (WhisperModel *model)
{
  return &model->shape;
}

/* Packing reads a model layer by layer.  What it has read needs no memory any
 * more: else a model would take the room of its file and that of its packed
 * weights together. */
static void
forget_layer (WhisperModel *model, guint layer)
{
  guint id;

  for (id = NPU_WEIGHT_FIRST_OF_LAYER; id < NPU_N_WEIGHTS; id++) {
    const NpuWeightView *view = &model->views[whisper_layout_index (id, layer)];

    whisper_file_forget (
        view->data, npu_dtype_bytes (view->dtype, view->rows * view->cols));
  }
}

static NpuWeightView
get_weight (gpointer data, NpuWeightId id, guint layer)
{
  WhisperModel *model = data;

  if (id == NPU_WEIGHT_FIRST_OF_LAYER && layer > 0 && !model->synthetic)
    forget_layer (model, layer - 1);
  return model->views[whisper_layout_index (id, layer)];
}

void
whisper_model_get_weights (WhisperModel *model, NpuWeights *weights)
{
  weights->shape = model->shape;
  weights->get = get_weight;
  weights->model = model;
}
