/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refencoder.c: Whisper's encoder from its formulas, in double precision. */
#include "refencoder.h"

#include <math.h>
#include <string.h>

#define HEAD 64

typedef struct {
  gsize rows, cols;
  double *v; /* [rows][cols] */
} Matrix;

static Matrix
matrix_new (gsize rows, gsize cols)
{
  Matrix m = { rows, cols, g_new0 (double, rows *cols) };

  return m;
}

static double
half_to_double (guint16 h)
{
  double sign = h & 0x8000 ? -1.0 : 1.0;
  int exponent = (h >> 10) & 31, fraction = h & 1023;

  if (exponent == 0)
    return sign * ldexp (fraction, -24);
  return sign * ldexp (1024 + fraction, exponent - 25);
}

static double
stored_value (const NpuWeightView *view, gsize i)
{
  const guint8 *data = view->data;
  guint16 half;
  guint32 bits;
  gfloat value;

  if (view->dtype == NPU_DTYPE_F32) {
    memcpy (&value, data + 4 * i, 4);
    return value;
  }
  memcpy (&half, data + 2 * i, 2);
  if (view->dtype == NPU_DTYPE_F16)
    return half_to_double (half);
  bits = (guint32) half << 16;
  memcpy (&value, &bits, 4);
  return value;
}

static Matrix
weight (const NpuWeights *weights, NpuWeightId id, guint layer)
{
  NpuWeightView view = weights->get (weights->model, id, layer);
  Matrix m = matrix_new (view.rows, view.cols);

  for (gsize i = 0; i < view.rows * view.cols; i++)
    m.v[i] = stored_value (&view, i);
  return m;
}

static double
gelu (double x)
{
  return 0.5 * x * (1.0 + erf (x / sqrt (2.0)));
}

/* out[t][o] = gelu (b[o] + sum_i sum_k w[o][i][k] x[stride t + k - 1][i]) */
static Matrix
convolve (const NpuWeights *weights, NpuWeightId id, Matrix x, gsize stride)
{
  Matrix w = weight (weights, id, 0), b = weight (weights, id + 1, 0);
  Matrix out = matrix_new (x.rows / stride, w.rows);

  for (gsize t = 0; t < out.rows; t++) {
    for (gsize o = 0; o < w.rows; o++) {
      double sum = b.v[o];

      for (gsize k = 0; k < 3; k++) {
        gsize row = stride * t + k;

        if (row < 1 || row > x.rows)
          continue;
        for (gsize i = 0; i < x.cols; i++)
          sum += w.v[o * w.cols + 3 * i + k] * x.v[(row - 1) * x.cols + i];
      }
      out.v[t * out.cols + o] = gelu (sum);
    }
  }
  g_free (w.v);
  g_free (b.v);
  return out;
}

static Matrix
layer_norm (const NpuWeights *weights, NpuWeightId id, guint layer, Matrix x)
{
  Matrix gamma = weight (weights, id, layer);
  Matrix beta = weight (weights, id + 1, layer);
  Matrix out = matrix_new (x.rows, x.cols);

  for (gsize t = 0; t < x.rows; t++) {
    const double *row = x.v + t * x.cols;
    double mean = 0.0, variance = 0.0;

    for (gsize i = 0; i < x.cols; i++)
      mean += row[i] / x.cols;
    for (gsize i = 0; i < x.cols; i++)
      variance += (row[i] - mean) * (row[i] - mean) / x.cols;
    for (gsize i = 0; i < x.cols; i++)
      out.v[t * x.cols + i] =
          (row[i] - mean) / sqrt (variance + 1e-5) * gamma.v[i] + beta.v[i];
  }
  g_free (gamma.v);
  g_free (beta.v);
  return out;
}

/* x W^T + b; @bias is NPU_N_WEIGHTS where there is none. */
static Matrix
linear (const NpuWeights *weights, NpuWeightId id, NpuWeightId bias,
    guint layer, Matrix x)
{
  Matrix w = weight (weights, id, layer);
  Matrix b = bias == NPU_N_WEIGHTS ? matrix_new (1, w.rows)
                                   : weight (weights, bias, layer);
  Matrix out = matrix_new (x.rows, w.rows);

  for (gsize t = 0; t < x.rows; t++) {
    for (gsize o = 0; o < w.rows; o++) {
      double sum = b.v[o];

      for (gsize i = 0; i < x.cols; i++)
        sum += w.v[o * w.cols + i] * x.v[t * x.cols + i];
      out.v[t * out.cols + o] = sum;
    }
  }
  g_free (w.v);
  g_free (b.v);
  return out;
}

static double
dot (const double *a, const double *b)
{
  double sum = 0.0;

  for (gsize i = 0; i < HEAD; i++)
    sum += a[i] * b[i];
  return sum;
}

/* One query's softmax (q K^T / 8) V, of the head that starts at column @h. */
static void
attend (
    Matrix q, Matrix k, Matrix v, gsize t, gsize h, double *scores, double *out)
{
  double highest = -INFINITY, total = 0.0;

  for (gsize s = 0; s < k.rows; s++) {
    scores[s] = dot (q.v + t * q.cols + h, k.v + s * k.cols + h) / 8.0;
    highest = MAX (highest, scores[s]);
  }
  for (gsize s = 0; s < k.rows; s++) {
    scores[s] = exp (scores[s] - highest);
    total += scores[s];
  }
  for (gsize s = 0; s < k.rows; s++)
    for (gsize i = 0; i < HEAD; i++)
      out[i] += scores[s] / total * v.v[s * v.cols + h + i];
}

static Matrix
attention (const NpuWeights *weights, guint layer, Matrix x)
{
  Matrix q = linear (weights, NPU_WEIGHT_Q, NPU_WEIGHT_Q_BIAS, layer, x);
  Matrix k = linear (weights, NPU_WEIGHT_K, NPU_N_WEIGHTS, layer, x);
  Matrix v = linear (weights, NPU_WEIGHT_V, NPU_WEIGHT_V_BIAS, layer, x);
  Matrix mixed = matrix_new (x.rows, x.cols), out;
  double *scores = g_new (double, x.rows);

  for (gsize h = 0; h < x.cols; h += HEAD)
    for (gsize t = 0; t < x.rows; t++)
      attend (q, k, v, t, h, scores, mixed.v + t * x.cols + h);
  out = linear (weights, NPU_WEIGHT_O, NPU_WEIGHT_O_BIAS, layer, mixed);

  g_free (q.v);
  g_free (k.v);
  g_free (v.v);
  g_free (mixed.v);
  g_free (scores);
  return out;
}

/* Takes @b. */
static void
add_to (Matrix a, Matrix b)
{
  for (gsize i = 0; i < a.rows * a.cols; i++)
    a.v[i] += b.v[i];
  g_free (b.v);
}

static void
run_layer (const NpuWeights *weights, guint layer, Matrix x)
{
  Matrix norm = layer_norm (weights, NPU_WEIGHT_ATTENTION_NORM_GAMMA, layer, x);
  Matrix hidden;

  add_to (x, attention (weights, layer, norm));
  g_free (norm.v);

  norm = layer_norm (weights, NPU_WEIGHT_FFN_NORM_GAMMA, layer, x);
  hidden = linear (weights, NPU_WEIGHT_FC1, NPU_WEIGHT_FC1_BIAS, layer, norm);
  for (gsize i = 0; i < hidden.rows * hidden.cols; i++)
    hidden.v[i] = gelu (hidden.v[i]);
  add_to (
      x, linear (weights, NPU_WEIGHT_FC2, NPU_WEIGHT_FC2_BIAS, layer, hidden));
  g_free (norm.v);
  g_free (hidden.v);
}

/* The window with its padding, normalised. */
static Matrix
window (const gfloat *mel, gsize n_frames, gsize size, guint n_mels)
{
  Matrix m = matrix_new (size, n_mels);
  double highest = -10.0;

  for (gsize i = 0; i < m.rows * m.cols; i++) {
    m.v[i] = i < n_frames * n_mels ? mel[i] : -10.0;
    highest = i == 0 ? m.v[i] : MAX (highest, m.v[i]);
  }
  for (gsize i = 0; i < m.rows * m.cols; i++)
    m.v[i] = (MAX (m.v[i], highest - 8.0) + 4.0) / 4.0;
  return m;
}

double *
ref_encoder_run (const NpuWeights *weights, const gfloat *mel, gsize n_frames,
    guint positions)
{
  Matrix in = window (mel, n_frames, 2 * positions, weights->shape.n_mels);
  Matrix first = convolve (weights, NPU_WEIGHT_CONV1, in, 1);
  Matrix x = convolve (weights, NPU_WEIGHT_CONV2, first, 2);
  Matrix table = weight (weights, NPU_WEIGHT_POSITIONS, 0), states;

  for (gsize i = 0; i < x.rows * x.cols; i++)
    x.v[i] += table.v[i];
  for (guint layer = 0; layer < weights->shape.layers; layer++)
    run_layer (weights, layer, x);
  states = layer_norm (weights, NPU_WEIGHT_FINAL_NORM_GAMMA, 0, x);

  g_free (in.v);
  g_free (first.v);
  g_free (x.v);
  g_free (table.v);
  return states.v;
}

double
ref_relative_rms (const gfloat *a, const double *b, gsize n)
{
  double error = 0.0, size = 0.0;

  for (gsize i = 0; i < n; i++) {
    error += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return sqrt (error / size);
}
