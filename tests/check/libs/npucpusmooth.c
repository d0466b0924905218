/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucpusmooth.c: a model whose channels are uneven must be as exact in int8 as
 * the same model with even ones.
 *
 * Channel j of what LayerNorm gives is made 2^e(j) times as large and the
 * weights that it meets as much smaller, which changes nothing in exact
 * arithmetic, and no bit of float32's.  Int8, a scale to 128 channels, would
 * lose the small channels; what is balanced from the weights must get them back.
 */
#include <gst/check/gstcheck.h>
#include <math.h>

#include "npubackend.h"
#include "whispermodel.h"

#define MODEL "synthetic:test"
#define POSITIONS 49

/* 2^-4 … 2^4, and other channels for attention than for the FFN. */
#define MAX_EXPONENT 4

typedef struct {
  NpuWeights even;
  GPtrArray *tensors; /* what get() made */
} Uneven;

static gint
exponent (NpuWeightId first_norm, gsize channel)
{
  gsize step = first_norm == NPU_WEIGHT_FFN_NORM_GAMMA ? 5 : 7;

  return (gint) (channel * step % (2 * MAX_EXPONENT + 1)) - MAX_EXPONENT;
}

/* How the channels of @id's columns, or its values, are scaled: 1, -1 or 0. */
static gint
direction (NpuWeightId id, NpuWeightId *norm)
{
  *norm = NPU_WEIGHT_ATTENTION_NORM_GAMMA;
  switch (id) {
    case NPU_WEIGHT_ATTENTION_NORM_GAMMA:
    case NPU_WEIGHT_ATTENTION_NORM_BETA:
      return 1;
    case NPU_WEIGHT_Q:
    case NPU_WEIGHT_K:
    case NPU_WEIGHT_V:
      return -1;
    default:
      break;
  }
  *norm = NPU_WEIGHT_FFN_NORM_GAMMA;
  if (id == NPU_WEIGHT_FFN_NORM_GAMMA || id == NPU_WEIGHT_FFN_NORM_BETA)
    return 1;
  return id == NPU_WEIGHT_FC1 ? -1 : 0;
}

static NpuWeightView
get_uneven (gpointer model, NpuWeightId id, guint layer)
{
  Uneven *uneven = model;
  NpuWeightView view = uneven->even.get (uneven->even.model, id, layer);
  NpuWeightId norm;
  gint sign = direction (id, &norm);
  gfloat *values;
  NpuKernels c;

  if (sign == 0)
    return view;
  npu_kernels_init (&c, 0, "c");
  values = g_new (gfloat, view.rows * view.cols);
  c.to_f32 (view.dtype, view.data, view.rows * view.cols, values);
  /* LayerNorm's vectors may be a row or a column. */
  for (gsize i = 0; i < view.rows * view.cols; i++)
    values[i] = ldexpf (values[i],
        sign
            * exponent (
                norm, view.rows == 1 || view.cols == 1 ? i : i % view.cols));
  g_ptr_array_add (uneven->tensors, values);
  view.dtype = NPU_DTYPE_F32;
  view.data = values;
  return view;
}

static gfloat *
encode (NpuBackend *backend, const NpuWeights *weights, NpuPrecision precision)
{
  const NpuBackendOps *ops = backend->ops;
  NpuProgram *program = ops->program_new (backend, weights, precision, NULL);
  NpuWindow *window = ops->window_new (program, POSITIONS, 1, NULL);
  gfloat *states = g_new (gfloat, POSITIONS * weights->shape.width);
  gfloat *input = ops->begin_window (window);

  for (gsize i = 0; i < 2 * POSITIONS * weights->shape.n_mels; i++)
    input[i] = sinf ((gfloat) i * 0.37f) + cosf ((gfloat) i * 0.0113f);
  ops->conv_stem (window);
  for (guint layer = 0; layer < weights->shape.layers; layer++) {
    ops->ln_qkv (window, layer);
    ops->attention (window, layer);
    ops->out_residual (window, layer);
    ops->ln_fc1_gelu (window, layer);
    ops->fc2_residual (window, layer);
  }
  ops->final_norm (window, states);
  ops->submit (window);
  fail_unless (ops->wait (window, NULL));
  ops->window_free (window);
  ops->program_free (program);
  return states;
}

static gdouble
relative_rms (const gfloat *x, const gfloat *reference, gsize n)
{
  gdouble error = 0, square = 0;

  for (gsize i = 0; i < n; i++) {
    gdouble difference = (gdouble) x[i] - reference[i];

    error += difference * difference;
    square += (gdouble) reference[i] * reference[i];
  }
  return sqrt (error / square);
}

/* Compares both models' int8 with the even one's float32. */
static void
check_backend (NpuBackend *backend, const gchar *isa, Uneven *uneven)
{
  NpuWeights weights = { uneven->even.shape, get_uneven, uneven };
  gsize n = POSITIONS * weights.shape.width;
  gfloat *f32 = encode (backend, &uneven->even, NPU_PRECISION_F32);
  gfloat *same = encode (backend, &weights, NPU_PRECISION_F32);
  gfloat *even = encode (backend, &uneven->even, NPU_PRECISION_INT8);
  gfloat *int8 = encode (backend, &weights, NPU_PRECISION_INT8);
  gdouble best = relative_rms (even, f32, n),
          error = relative_rms (int8, f32, n);

  fail_unless (memcmp (f32, same, n * sizeof (gfloat)) == 0, "%s", isa);
  g_print ("%s: relative RMS %.4f, of even channels %.4f\n", isa, error, best);
  fail_unless (
      error <= 1.2 * best, "%s: relative RMS %g, not %g", isa, error, best);
  g_free (f32);
  g_free (same);
  g_free (even);
  g_free (int8);
}

GST_START_TEST (test_uneven_channels)
{
  WhisperModel *model = whisper_model_open (MODEL, NULL);
  Uneven uneven = { .tensors = g_ptr_array_new_with_free_func (g_free) };

  whisper_model_get_weights (model, &uneven.even);
  for (const gchar *const *isa = npu_kernels_isas (); *isa != NULL; isa++) {
    NpuBackend *backend = npu_cpu_backend_new (*isa, NULL);

    if (backend == NULL)
      continue;
    check_backend (backend, *isa, &uneven);
    backend->ops->free (backend);
  }
  g_ptr_array_unref (uneven.tensors);
  whisper_model_unref (model);
}
GST_END_TEST;

static Suite *
npucpusmooth_suite (void)
{
  Suite *s = suite_create ("npucpusmooth");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_uneven_channels);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (npucpusmooth);
