/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperlayout.c: from named tensors to an encoder's weights.
 *
 * The sizes of the encoder are read from four tensors (conv1, the positions,
 * the first layer's fc1, the highest layer's number); every tensor is then held
 * against them.
 */
#include "whisperlayout.h"

#include <string.h>

#include "whispererror.h"
#include "whisperfinite.h"
#include "whispernames.h"

#define CONV_TAPS 3

/* How many rows and columns a weight has. */
typedef enum { NONE, MELS, WIDTH, FFN, POSITIONS } Extent;

typedef struct {
  Extent rows; /* NONE: a vector of cols */
  Extent cols;
  guint taps; /* of a convolution, innermost; else 1 */
} Weight;

static const Weight weights[NPU_N_WEIGHTS] = {
  [NPU_WEIGHT_CONV1] = { WIDTH, MELS, CONV_TAPS },
  [NPU_WEIGHT_CONV1_BIAS] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_CONV2] = { WIDTH, WIDTH, CONV_TAPS },
  [NPU_WEIGHT_CONV2_BIAS] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_POSITIONS] = { POSITIONS, WIDTH, 1 },
  [NPU_WEIGHT_FINAL_NORM_GAMMA] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_FINAL_NORM_BETA] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_ATTENTION_NORM_GAMMA] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_ATTENTION_NORM_BETA] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_Q] = { WIDTH, WIDTH, 1 },
  [NPU_WEIGHT_Q_BIAS] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_K] = { WIDTH, WIDTH, 1 },
  [NPU_WEIGHT_V] = { WIDTH, WIDTH, 1 },
  [NPU_WEIGHT_V_BIAS] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_O] = { WIDTH, WIDTH, 1 },
  [NPU_WEIGHT_O_BIAS] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_FFN_NORM_GAMMA] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_FFN_NORM_BETA] = { NONE, WIDTH, 1 },
  [NPU_WEIGHT_FC1] = { FFN, WIDTH, 1 },
  [NPU_WEIGHT_FC1_BIAS] = { NONE, FFN, 1 },
  [NPU_WEIGHT_FC2] = { WIDTH, FFN, 1 },
  [NPU_WEIGHT_FC2_BIAS] = { NONE, WIDTH, 1 },
};

/* The tensors of one scheme. */
typedef struct {
  WhisperTensors *tensors;
  const gchar *path;
  guint scheme;
  GPtrArray *found; /* WhisperTensor or NULL, by layout index */
  NpuEncoderShape shape;
} Finder;

gsize
whisper_layout_index (NpuWeightId id, guint layer)
{
  const gsize per_layer = NPU_N_WEIGHTS - NPU_WEIGHT_FIRST_OF_LAYER;

  return id < NPU_WEIGHT_FIRST_OF_LAYER ? (gsize) id : id + layer * per_layer;
}

gsize
whisper_layout_length (guint layers)
{
  return whisper_layout_index (NPU_WEIGHT_FIRST_OF_LAYER, layers);
}

static gsize
extent (const NpuEncoderShape *shape, Extent which)
{
  switch (which) {
    case NONE:
      return 1;
    case MELS:
      return shape->n_mels;
    case WIDTH:
      return shape->width;
    case FFN:
      return shape->ffn;
    case POSITIONS:
      return shape->positions;
  }
  return 0;
}

void
whisper_layout_expected (
    const NpuEncoderShape *shape, NpuWeightId id, gsize *rows, gsize *cols)
{
  *rows = extent (shape, weights[id].rows);
  *cols = extent (shape, weights[id].cols) * weights[id].taps;
}

static guint
count_weights (WhisperTensors *tensors, guint scheme)
{
  GHashTableIter iter;
  gpointer name;
  NpuWeightId id;
  guint layer, n = 0;

  g_hash_table_iter_init (&iter, tensors->by_name);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    n += whisper_name_read (scheme, name, &id, &layer) == WHISPER_NAME_WEIGHT;
  return n;
}

/* The name that comes first, so that messages do not depend on a hash. */
static const gchar *
first_name (WhisperTensors *tensors, const gchar *part)
{
  GHashTableIter iter;
  gpointer name;
  const gchar *first = NULL;

  g_hash_table_iter_init (&iter, tensors->by_name);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    if (strstr (name, part) && (!first || strcmp (name, first) < 0))
      first = name;
  }
  return first;
}

/* No scheme fits: says what the file holds instead. */
static gboolean
refuse_other (Finder *finder, GError **error)
{
  guint n = g_hash_table_size (finder->tensors->by_name);
  const gchar *decoder = first_name (finder->tensors, "decoder.");

  if (n == 0)
    return whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER,
        finder->path, "it holds no tensors");
  if (decoder)
    return whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER,
        finder->path, "it holds a decoder (\"%s\") and no Whisper encoder",
        decoder);
  return whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER,
      finder->path,
      "its %u tensors, such as \"%s\", are not a Whisper "
      "encoder's",
      n, first_name (finder->tensors, ""));
}

/* Two encoders in one file would leave open which of them is meant. */
static gboolean
check_only_one (Finder *finder, GError **error)
{
  gchar *chosen = whisper_name_of (finder->scheme, NPU_WEIGHT_CONV1, 0);
  gboolean sound = TRUE;
  guint i;

  for (i = 0; i < WHISPER_N_SCHEMES; i++) {
    gchar *other;

    if (i == finder->scheme)
      continue;
    other = whisper_name_of (i, NPU_WEIGHT_CONV1, 0);
    if (sound && strcmp (other, chosen) != 0
        && g_hash_table_contains (finder->tensors->by_name, other))
      sound = whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER,
          finder->path, "it holds two encoders, \"%s\" and \"%s\"", chosen,
          other);
    g_free (other);
  }
  g_free (chosen);
  return sound;
}

static gboolean
choose_scheme (Finder *finder, GError **error)
{
  guint i, best = 0;

  for (i = 0; i < WHISPER_N_SCHEMES; i++) {
    guint n = count_weights (finder->tensors, i);

    if (n > best) {
      best = n;
      finder->scheme = i;
    }
  }
  if (best == 0)
    return refuse_other (finder, error);
  return check_only_one (finder, error);
}

/* Files every tensor under its layout index and counts the layers. */
static gboolean
collect (Finder *finder, GError **error)
{
  GHashTableIter iter;
  gpointer name, value;
  NpuWeightId id;
  guint layer;

  g_hash_table_iter_init (&iter, finder->tensors->by_name);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    WhisperNameMeaning meaning =
        whisper_name_read (finder->scheme, name, &id, &layer);
    WhisperTensor *tensor = value;
    gsize index;

    if (meaning == WHISPER_NAME_UNKNOWN)
      return whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER,
          tensor->file->path, "no Whisper encoder has a tensor \"%s\"",
          tensor->name);
    if (meaning != WHISPER_NAME_WEIGHT)
      continue;
    if (layer >= WHISPER_MAX_LAYERS)
      return whisper_error_set (error, WHISPER_MODEL_ERROR_SHAPE,
          tensor->file->path, "tensor \"%s\": more than %d layers",
          tensor->name, WHISPER_MAX_LAYERS);
    index = whisper_layout_index (id, layer);
    if (index >= finder->found->len)
      g_ptr_array_set_size (finder->found, index + 1);
    finder->found->pdata[index] = tensor;
    if (id >= NPU_WEIGHT_FIRST_OF_LAYER)
      finder->shape.layers = MAX (finder->shape.layers, layer + 1);
  }
  /* Without any layer, the first is what is missing. */
  finder->shape.layers = MAX (finder->shape.layers, 1);
  g_ptr_array_set_size (
      finder->found, whisper_layout_length (finder->shape.layers));
  return TRUE;
}

static gboolean
check_complete_one (Finder *finder, NpuWeightId id, guint layer, GError **error)
{
  gchar *name;

  if (finder->found->pdata[whisper_layout_index (id, layer)])
    return TRUE;
  name = whisper_name_of (finder->scheme, id, layer);
  whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER, finder->path,
      "the tensor \"%s\" is missing", name);
  g_free (name);
  return FALSE;
}

static gboolean
check_complete (Finder *finder, GError **error)
{
  guint id, layer;

  for (id = 0; id < NPU_WEIGHT_FIRST_OF_LAYER; id++) {
    if (!check_complete_one (finder, id, 0, error))
      return FALSE;
  }
  for (layer = 0; layer < finder->shape.layers; layer++) {
    for (id = NPU_WEIGHT_FIRST_OF_LAYER; id < NPU_N_WEIGHTS; id++) {
      if (!check_complete_one (finder, id, layer, error))
        return FALSE;
    }
  }
  return TRUE;
}

/* Dimension @i of the weight, a size of the model: a multiple of @step up to
 * @high. */
static gboolean
read_size (Finder *finder, NpuWeightId id, guint i, guint step, guint high,
    guint *size, GError **error)
{
  WhisperTensor *tensor = finder->found->pdata[whisper_layout_index (id, 0)];

  if (i >= tensor->n_dims)
    return whisper_error_set (error, WHISPER_MODEL_ERROR_SHAPE,
        tensor->file->path,
        "tensor \"%s\": a shape of %u dimensions is too "
        "short",
        tensor->name, tensor->n_dims);
  if (tensor->dims[i] == 0 || tensor->dims[i] > high
      || tensor->dims[i] % step != 0)
    return whisper_error_set (error, WHISPER_MODEL_ERROR_SHAPE,
        tensor->file->path,
        "tensor \"%s\": shape[%u] is %" G_GUINT64_FORMAT
        " and must be a multiple of %u, at most %u",
        tensor->name, i, tensor->dims[i], step, high);
  *size = tensor->dims[i];
  return TRUE;
}

static gboolean
read_shape (Finder *finder, GError **error)
{
  NpuEncoderShape *shape = &finder->shape;
  WhisperTensor *conv1 = finder->found->pdata[NPU_WEIGHT_CONV1];

  if (!read_size (finder, NPU_WEIGHT_CONV1, 0, NPU_HEAD_SIZE, WHISPER_MAX_WIDTH,
          &shape->width, error)
      || !read_size (finder, NPU_WEIGHT_CONV1, 1, 1, NPU_MEL_MAX_BANDS,
          &shape->n_mels, error)
      || !read_size (finder, NPU_WEIGHT_POSITIONS, 0, 1, WHISPER_MAX_POSITIONS,
          &shape->positions, error)
      || !read_size (finder, NPU_WEIGHT_FC1, 0, NPU_HEAD_SIZE, WHISPER_MAX_FFN,
          &shape->ffn, error))
    return FALSE;
  if (shape->n_mels != 80 && shape->n_mels != 128)
    return whisper_error_set (error, WHISPER_MODEL_ERROR_SHAPE,
        conv1->file->path,
        "tensor \"%s\": shape[1] is %u, but Whisper has 80 "
        "or 128 mel bands",
        conv1->name, shape->n_mels);
  shape->heads = shape->width / NPU_HEAD_SIZE;
  return TRUE;
}

/* What headers say about the sizes. */
static gboolean
check_claims (Finder *finder, GError **error)
{
  const NpuEncoderShape *shape = &finder->shape;
  const guint sizes[WHISPER_N_SIZES] = { [WHISPER_SIZE_MELS] = shape->n_mels,
    [WHISPER_SIZE_WIDTH] = shape->width,
    [WHISPER_SIZE_FFN] = shape->ffn,
    [WHISPER_SIZE_HEADS] = shape->heads,
    [WHISPER_SIZE_LAYERS] = shape->layers,
    [WHISPER_SIZE_POSITIONS] = shape->positions };
  guint i;

  for (i = 0; i < WHISPER_N_SIZES; i++) {
    const WhisperClaim *claim = &finder->tensors->claims[i];

    if (claim->path && claim->value != sizes[i])
      return whisper_error_set (error, WHISPER_MODEL_ERROR_SHAPE, claim->path,
          "\"%s\" is %" G_GUINT64_FORMAT ", but the tensors imply %u",
          claim->field, claim->value, sizes[i]);
  }
  return TRUE;
}

/* The dimensions that @id must have; returns how many. */
static guint
expected_dims (const NpuEncoderShape *shape, NpuWeightId id, guint64 dims[3])
{
  const Weight *weight = &weights[id];
  guint n = 0;

  if (weight->rows != NONE)
    dims[n++] = extent (shape, weight->rows);
  dims[n++] = extent (shape, weight->cols);
  if (weight->taps > 1)
    dims[n++] = weight->taps;
  return n;
}

static gboolean
check_dims (
    Finder *finder, NpuWeightId id, const WhisperTensor *tensor, GError **error)
{
  guint64 dims[3];
  guint n = expected_dims (&finder->shape, id, dims);
  gchar *got, *wanted;

  /* ggml files store the convolutions' biases as [n, 1]. */
  if (n == 1 && tensor->n_dims == 2 && tensor->dims[1] == 1
      && tensor->dims[0] == dims[0])
    return TRUE;
  if (tensor->n_dims == n && memcmp (tensor->dims, dims, n * sizeof *dims) == 0)
    return TRUE;
  got = whisper_dims_to_string (tensor->dims, tensor->n_dims);
  wanted = whisper_dims_to_string (dims, n);
  whisper_error_set (error, WHISPER_MODEL_ERROR_SHAPE, tensor->file->path,
      "tensor \"%s\": shape %s does not go with the others, which imply %s",
      tensor->name, got, wanted);
  g_free (wanted);
  g_free (got);
  return FALSE;
}

static gboolean
check_values (
    const WhisperTensor *tensor, const NpuWeightView *view, GError **error)
{
  gsize n = view->rows * view->cols;
  gsize bad = whisper_find_not_finite (view->dtype, view->data, n);

  whisper_file_forget (tensor->data, tensor->size);
  if (bad == n)
    return TRUE;
  return whisper_error_corrupt (error, tensor->file->path,
      "tensor \"%s\": value %" G_GSIZE_FORMAT " is NaN or infinite",
      tensor->name, bad);
}

static gboolean
make_view (Finder *finder, NpuWeightId id, guint layer, NpuWeightView *view,
    GError **error)
{
  const WhisperTensor *tensor =
      finder->found->pdata[whisper_layout_index (id, layer)];

  if (!check_dims (finder, id, tensor, error))
    return FALSE;
  if (!tensor->usable)
    return whisper_error_set (error, WHISPER_MODEL_ERROR_NOT_WHISPER,
        tensor->file->path, "tensor \"%s\": values of type %s cannot be used",
        tensor->name, tensor->type_name);
  whisper_layout_expected (&finder->shape, id, &view->rows, &view->cols);
  view->dtype = tensor->dtype;
  view->data = tensor->data;
  return check_values (tensor, view, error);
}

static NpuWeightView *
make_views (Finder *finder, GError **error)
{
  NpuWeightView *views = g_new0 (NpuWeightView, finder->found->len);
  gsize i;

  for (i = 0; i < finder->found->len; i++) {
    const gsize per_layer = NPU_N_WEIGHTS - NPU_WEIGHT_FIRST_OF_LAYER;
    guint layer = i < NPU_WEIGHT_FIRST_OF_LAYER
                      ? 0
                      : (i - NPU_WEIGHT_FIRST_OF_LAYER) / per_layer;

    if (!make_view (finder, i - layer * per_layer, layer, &views[i], error)) {
      g_free (views);
      return NULL;
    }
  }
  return views;
}

NpuWeightView *
whisper_layout_find (WhisperTensors *tensors, const gchar *path,
    NpuEncoderShape *shape, GError **error)
{
  Finder finder = { .tensors = tensors, .path = path };
  NpuWeightView *views = NULL;

  finder.found = g_ptr_array_new ();
  if (choose_scheme (&finder, error) && collect (&finder, error)
      && check_complete (&finder, error) && read_shape (&finder, error)
      && check_claims (&finder, error))
    views = make_views (&finder, error);
  g_ptr_array_unref (finder.found);
  *shape = finder.shape;
  return views;
}
