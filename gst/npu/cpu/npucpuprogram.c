/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucpuprogram.c: a model's weights, packed into the kernels' layout. */
#include "npucpusmooth.h"

#include <string.h>

/* 1 / sqrt (64), folded into Q: a power of two, so nothing is rounded. */
#define QUERY_SCALE 0.125f

/* Where packing is: the weights, and room for one panel's rows of a matrix. */
typedef struct {
  NpuCpuProgram *program;
  const NpuKernels *kernels;
  const NpuWeights *weights;
  guint layer;
  NpuFormat format; /* of the matrices being packed */
  float *rows;      /* [panel][max columns] */
  float *raw;       /* a row before a convolution's reordering */
  /* Smoothing (npucpusmooth.h): what each column of the matrices being packed
   * is multiplied by, or NULL, and room for it. */
  const float *column_scale;
  float *scale, *weight_size, *activation_size; /* [max columns] */
} Packer;

static void
take_packed (NpuArena *arena, NpuPacked *packed, gsize n, gsize k,
    const NpuProduct *product)
{
  gsize n_panels = (n + product->panel - 1) / product->panel;

  packed->n = n;
  packed->k = k;
  packed->panels = npu_arena_take_floats (
      arena, n_panels * product->panel_bytes (k) / sizeof (float));
  packed->bias = npu_arena_take_floats (arena, n_panels * product->panel);
}

static void
take_norm (NpuArena *arena, NpuCpuNorm *norm, gsize d)
{
  norm->gamma = npu_arena_take_floats (arena, d);
  norm->beta = npu_arena_take_floats (arena, d);
}

static void
lay_out (NpuCpuProgram *program, const NpuKernels *kernels)
{
  const NpuEncoderShape *shape = &program->parent.shape;
  const NpuProduct *linear = &kernels->product[program->linear];
  const NpuProduct *conv = &kernels->product[program->conv];
  NpuArena *arena = &program->arena;
  gsize d = shape->width;

  take_packed (arena, &program->conv1, d, 3 * shape->n_mels, conv);
  take_packed (arena, &program->conv2, d, 3 * d, conv);
  program->positions = npu_arena_take_floats (arena, shape->positions * d);
  take_norm (arena, &program->final_norm, d);
  for (guint i = 0; i < shape->layers; i++) {
    NpuCpuLayer *layer = &program->layers[i];

    take_norm (arena, &layer->attention_norm, d);
    take_packed (arena, &layer->qkv, 3 * d, d, linear);
    take_packed (arena, &layer->o, d, d, linear);
    take_norm (arena, &layer->ffn_norm, d);
    take_packed (arena, &layer->fc1, shape->ffn, d, linear);
    take_packed (arena, &layer->fc2, d, shape->ffn, linear);
  }
}

static NpuWeightView
get_view (Packer *packer, NpuWeightId id)
{
  return packer->weights->get (packer->weights->model, id, packer->layer);
}

static void
read_row (Packer *packer, const NpuWeightView *view, gsize row, float *out)
{
  gsize bytes = npu_dtype_bytes (view->dtype, view->cols);

  packer->kernels->to_f32 (
      view->dtype, (const guint8 *) view->data + row * bytes, view->cols, out);
}

/* Vectors: @out was taken from the arena, which is ours to write. */
static void
read_vector (Packer *packer, NpuWeightId id, const float *out)
{
  NpuWeightView view = get_view (packer, id);

  for (gsize row = 0; row < view.rows; row++)
    read_row (packer, &view, row, (float *) out + row * view.cols);
}

static void
read_norm (
    Packer *packer, NpuCpuNorm *norm, NpuWeightId gamma, NpuWeightId beta)
{
  read_vector (packer, gamma, norm->gamma);
  read_vector (packer, beta, norm->beta);
}

/* [in][3 taps], as models store it, → [3 taps][in], the order of three rows of
 * frames that lie one behind the other. */
static void
reorder_taps (const float *in, gsize n_in, float *out)
{
  for (gsize i = 0; i < n_in; i++)
    for (gsize tap = 0; tap < 3; tap++)
      out[tap * n_in + i] = in[i * 3 + tap];
}

static void
read_matrix_row (Packer *packer, const NpuWeightView *view, NpuWeightId id,
    gsize row, float *out)
{
  if (id == NPU_WEIGHT_CONV1 || id == NPU_WEIGHT_CONV2) {
    read_row (packer, view, row, packer->raw);
    reorder_taps (packer->raw, view->cols / 3, out);
    return;
  }
  read_row (packer, view, row, out);
  if (id == NPU_WEIGHT_Q)
    for (gsize i = 0; i < view->cols; i++)
      out[i] *= QUERY_SCALE;
  if (packer->column_scale != NULL)
    for (gsize i = 0; i < view->cols; i++)
      out[i] *= packer->column_scale[i];
}

/* Packs the matrix @id as columns @first… of @packed. */
static void
pack_matrix (
    Packer *packer, const NpuPacked *packed, gsize first, NpuWeightId id)
{
  NpuWeightView view = get_view (packer, id);
  const NpuProduct *product = &packer->kernels->product[packer->format];

  for (gsize row = 0; row < view.rows; row += product->panel) {
    gsize n_rows = MIN (product->panel, view.rows - row);

    for (gsize i = 0; i < n_rows; i++)
      read_matrix_row (
          packer, &view, id, row + i, packer->rows + i * view.cols);
    product->pack (packer->rows, view.cols, view.cols, first + row, n_rows,
        (void *) packed->panels);
  }
}

static void
pack_linear (Packer *packer, const NpuPacked *packed, NpuWeightId weight,
    NpuWeightId bias)
{
  pack_matrix (packer, packed, 0, weight);
  read_vector (packer, bias, packed->bias);
}

static void
pack_qkv (Packer *packer, const NpuPacked *qkv)
{
  gsize d = qkv->k;
  float *bias = (float *) qkv->bias;

  pack_matrix (packer, qkv, 0, NPU_WEIGHT_Q);
  pack_matrix (packer, qkv, d, NPU_WEIGHT_K);
  pack_matrix (packer, qkv, 2 * d, NPU_WEIGHT_V);

  read_vector (packer, NPU_WEIGHT_Q_BIAS, bias);
  for (gsize i = 0; i < d; i++)
    bias[i] *= QUERY_SCALE;
  read_vector (packer, NPU_WEIGHT_V_BIAS, bias + 2 * d);
}

/* Adds the matrix @id to the sizes of its columns' weights. */
static void
measure_columns (Packer *packer, NpuWeightId id)
{
  NpuWeightView view = get_view (packer, id);

  for (gsize row = 0; row < view.rows; row++) {
    read_matrix_row (packer, &view, id, row, packer->rows);
    npu_cpu_smooth_add_row (packer->rows, view.cols, packer->weight_size);
  }
}

/* From now on columns are packed multiplied by what their left side is divided
 * by, until column_scale is NULL again. */
static void
balance (Packer *packer, gsize n)
{
  npu_cpu_smooth_balance (
      packer->activation_size, packer->weight_size, n, packer->scale);
  packer->column_scale = packer->scale;
  memset (packer->weight_size, 0, n * sizeof (float));
}

/* LayerNorm and the matrices behind it, @first … @last by number. */
static void
smooth_norm (
    Packer *packer, const NpuCpuNorm *norm, const NpuWeightId *ids, guint n_ids)
{
  gsize d = packer->weights->shape.width;

  for (guint i = 0; i < n_ids; i++)
    measure_columns (packer, ids[i]);
  npu_cpu_smooth_norm_size (norm, d, packer->activation_size);
  balance (packer, d);
  for (gsize j = 0; j < d; j++) {
    ((float *) norm->gamma)[j] /= packer->scale[j];
    ((float *) norm->beta)[j] /= packer->scale[j];
  }
}

static void
pack_attention (Packer *packer, NpuCpuLayer *layer)
{
  static const NpuWeightId qkv[] = { NPU_WEIGHT_Q, NPU_WEIGHT_K, NPU_WEIGHT_V };

  read_norm (packer, &layer->attention_norm, NPU_WEIGHT_ATTENTION_NORM_GAMMA,
      NPU_WEIGHT_ATTENTION_NORM_BETA);
  if (packer->format == NPU_FORMAT_INT8)
    smooth_norm (packer, &layer->attention_norm, qkv, G_N_ELEMENTS (qkv));
  pack_qkv (packer, &layer->qkv);
  packer->column_scale = NULL;
  pack_linear (packer, &layer->o, NPU_WEIGHT_O, NPU_WEIGHT_O_BIAS);
}

static void
pack_ffn (Packer *packer, NpuCpuLayer *layer)
{
  static const NpuWeightId fc1[] = { NPU_WEIGHT_FC1 };

  read_norm (packer, &layer->ffn_norm, NPU_WEIGHT_FFN_NORM_GAMMA,
      NPU_WEIGHT_FFN_NORM_BETA);
  if (packer->format == NPU_FORMAT_INT8)
    smooth_norm (packer, &layer->ffn_norm, fc1, G_N_ELEMENTS (fc1));
  pack_linear (packer, &layer->fc1, NPU_WEIGHT_FC1, NPU_WEIGHT_FC1_BIAS);
  packer->column_scale = NULL;
  pack_linear (packer, &layer->fc2, NPU_WEIGHT_FC2, NPU_WEIGHT_FC2_BIAS);
}

static void
pack_model (Packer *packer)
{
  NpuCpuProgram *program = packer->program;
  const NpuEncoderShape *shape = &program->parent.shape;
  gsize max_cols = MAX (MAX (3 * shape->n_mels, 3 * shape->width), shape->ffn);
  const NpuProduct *products = packer->kernels->product;
  guint panel =
      MAX (products[program->conv].panel, products[program->linear].panel);

  packer->rows = g_new (float, panel *max_cols);
  packer->raw = g_new (float, max_cols);
  packer->scale = g_new (float, max_cols);
  packer->weight_size = g_new0 (float, max_cols);
  packer->activation_size = g_new (float, max_cols);

  packer->format = program->conv;
  pack_linear (
      packer, &program->conv1, NPU_WEIGHT_CONV1, NPU_WEIGHT_CONV1_BIAS);
  pack_linear (
      packer, &program->conv2, NPU_WEIGHT_CONV2, NPU_WEIGHT_CONV2_BIAS);
  read_vector (packer, NPU_WEIGHT_POSITIONS, program->positions);
  read_norm (packer, &program->final_norm, NPU_WEIGHT_FINAL_NORM_GAMMA,
      NPU_WEIGHT_FINAL_NORM_BETA);
  packer->format = program->linear;
  for (guint i = 0; i < shape->layers; i++) {
    packer->layer = i;
    pack_attention (packer, &program->layers[i]);
    pack_ffn (packer, &program->layers[i]);
  }

  g_free (packer->rows);
  g_free (packer->raw);
  g_free (packer->scale);
  g_free (packer->weight_size);
  g_free (packer->activation_size);
}

/* The convolutions stay in bf16 where the layers are int8: they are a small part
 * of the work, and their input has no scale of its own per row. */
static void
choose_formats (NpuCpuProgram *program, NpuPrecision precision)
{
  static const NpuFormat formats[] = { [NPU_PRECISION_F32] = NPU_FORMAT_F32,
    [NPU_PRECISION_BF16] = NPU_FORMAT_BF16,
    [NPU_PRECISION_INT8] = NPU_FORMAT_INT8 };

  program->parent.precision = precision;
  program->linear = formats[precision];
  program->conv =
      precision == NPU_PRECISION_F32 ? NPU_FORMAT_F32 : NPU_FORMAT_BF16;
}

NpuProgram *
npu_cpu_program_new (NpuBackend *backend, const NpuWeights *weights,
    NpuPrecision precision, GError **error)
{
  const NpuKernels *kernels = &((NpuCpuBackend *) backend)->kernels;
  NpuCpuProgram *program = g_new0 (NpuCpuProgram, 1);
  Packer packer = {
    .program = program, .kernels = kernels, .weights = weights
  };
  uint32_t mode;

  program->parent.backend = backend;
  program->parent.shape = weights->shape;
  choose_formats (program, npu_backend_resolve_precision (backend, precision));
  program->layers = g_new0 (NpuCpuLayer, weights->shape.layers);
  g_mutex_init (&program->lock);
  program->rooms = g_ptr_array_new ();

  lay_out (program, kernels);
  if (!npu_arena_allocate (&program->arena, error)) {
    npu_cpu_program_free (&program->parent);
    return NULL;
  }
  lay_out (program, kernels);
  program->parent.packed_bytes = program->arena.size;
  /* Whoever packs first packs for all that share the program. */
  mode = npu_cpu_enter_float_mode ();
  pack_model (&packer);
  npu_cpu_leave_float_mode (mode);
  return &program->parent;
}

void
npu_cpu_program_free (NpuProgram *base)
{
  NpuCpuProgram *program = (NpuCpuProgram *) base;

  npu_arena_clear (&program->arena);
  g_ptr_array_unref (program->rooms);
  g_mutex_clear (&program->lock);
  g_free (program->layers);
  g_free (program);
}
