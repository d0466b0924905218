/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispersynthetic.c: weights for running and timing an encoder anywhere.
 *
 * They keep the activations as tame as trained weights do: matrices have a
 * standard deviation of 1 / sqrt (fan-in), what ends a residual branch another
 * 1 / sqrt (2 layers), norms are close to the identity, and the positions are
 * Whisper's sinusoids.
 *
 * They are F16 and take little memory and time: a kind of weight (all layers'
 * Q, say) is one pool of random values, into which each layer's view is
 * shifted by an odd number of values, so that no two layers have a row in
 * common.  Only integers and correctly rounded operations make them, so they
 * are the same on every machine.
 */
#include "whispersynthetic.h"

#include <math.h>
#include <string.h>

#include "whisperlayout.h"
#include "whispermodel-private.h"

#define LAYER_SHIFT 4099 /* values */

/* A value is the sum of four random bytes, nearly normal. */
#define SUM_MAX (4 * 255)
#define SUM_DEVIATION 147.79884 /* sqrt (4 * (256^2 - 1) / 12) */

#define BIAS_DEVIATION 0.02
#define NORM_DEVIATION 0.05

const gchar *
whisper_synthetic_size (const gchar *name)
{
  if (strcmp (name, "synthetic") == 0)
    return "base";
  if (g_str_has_prefix (name, "synthetic:")
      || g_str_has_prefix (name, "synthetic-"))
    return name + strlen ("synthetic:");
  return NULL;
}

/* Rounds to the nearest F16, ties to even; |value| < 65504. */
static guint16
to_half (gdouble value)
{
  gdouble magnitude = value < 0 ? -value : value;
  gdouble unit = 0x1p-24; /* of the last place, here of a subnormal */
  guint exponent = 0, places;
  gdouble rest;

  while (magnitude >= unit * 2048) {
    unit *= 2;
    exponent++;
  }
  places = (guint) (magnitude / unit);
  rest = magnitude / unit - places;
  if (rest > 0.5 || (rest == 0.5 && places % 2 == 1))
    places++;
  /* The leading one of a normal number's places adds to the exponent. */
  return (value < 0 ? 0x8000 : 0) | (places + (exponent << 10));
}

/* The splitmix64 generator's output function. */
static guint64
mix (guint64 x)
{
  x *= G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static guint
sum_of_bytes (guint32 x)
{
  x = (x & 0xff00ff) + ((x >> 8) & 0xff00ff);
  return (x & 0xffff) + (x >> 16);
}

/* Values of mean @mean and standard deviation @deviation; @n is even. */
static void
fill_random (
    guint16 *out, gsize n, guint64 seed, gdouble mean, gdouble deviation)
{
  guint16 table[SUM_MAX + 1];
  guint sum;
  gsize i;

  for (sum = 0; sum <= SUM_MAX; sum++)
    table[sum] = to_half (
        mean + ((gint) sum - SUM_MAX / 2) * (deviation / SUM_DEVIATION));
  for (i = 0; i < n; i += 2) {
    guint64 bits = mix ((seed << 40) + i + 1);

    out[i] = table[sum_of_bytes ((guint32) bits)];
    out[i + 1] = table[sum_of_bytes ((guint32) (bits >> 32))];
  }
}

/* exp (-x) for 0 <= x < 16 to about 1e-14: the series of x / 16, and its
 * 16th power.  (libm's last bit is not the same everywhere.) */
static gdouble
exp_minus (gdouble x)
{
  gdouble term = 1, sum = 1;
  guint i;

  for (i = 1; i < 20; i++) {
    term *= -x / 16 / i;
    sum += term;
  }
  for (i = 0; i < 4; i++)
    sum *= sum;
  return sum;
}

/* sin and cos for 0 <= x <= 1 by their series. */
static void
sine_cosine (gdouble x, gdouble *sine, gdouble *cosine)
{
  gdouble term = 1;
  guint i;

  *sine = 0;
  *cosine = 1;
  for (i = 1; i < 20; i += 2) {
    term *= x / i;
    *sine += term;
    term *= -x / (i + 1);
    *cosine += term;
  }
}

/* Whisper's table: position p has sin (p w[c]) in column c of the left half
 * and cos (p w[c]) in that of the right half, w[c] from 1 down to 1e-4. */
static void
fill_positions (guint16 *out, guint positions, guint width)
{
  const guint half = width / 2;
  guint c, p;

  for (c = 0; c < half; c++) {
    gdouble sine, cosine, s = 0, k = 1;

    sine_cosine (exp_minus (9.210340371976184 /* ln 10000 */ * c / (half - 1)),
        &sine, &cosine);
    for (p = 0; p < positions; p++) {
      gdouble next = s * cosine + k * sine;

      out[(gsize) p * width + c] = to_half (s);
      out[(gsize) p * width + half + c] = to_half (k);
      k = k * cosine - s * sine;
      s = next;
    }
  }
}

static void
distribution (const NpuEncoderShape *shape, NpuWeightId id, gdouble *mean,
    gdouble *deviation)
{
  gsize rows, cols;

  whisper_layout_expected (shape, id, &rows, &cols);
  *mean = 0;
  switch (id) {
    case NPU_WEIGHT_CONV1:
    case NPU_WEIGHT_CONV2:
      *deviation = sqrt (2.0 / cols); /* GELU halves what it lets through */
      break;
    case NPU_WEIGHT_Q:
    case NPU_WEIGHT_K:
    case NPU_WEIGHT_V:
    case NPU_WEIGHT_FC1:
      *deviation = sqrt (1.0 / cols);
      break;
    case NPU_WEIGHT_O:
    case NPU_WEIGHT_FC2:
      *deviation = sqrt (1.0 / (2.0 * shape->layers * cols));
      break;
    case NPU_WEIGHT_ATTENTION_NORM_GAMMA:
    case NPU_WEIGHT_FFN_NORM_GAMMA:
    case NPU_WEIGHT_FINAL_NORM_GAMMA:
      *mean = 1;
      *deviation = NORM_DEVIATION;
      break;
    default:
      *deviation = BIAS_DEVIATION;
  }
}

static void
fill_pool (guint16 *pool, gsize n, const NpuEncoderShape *shape, NpuWeightId id)
{
  gdouble mean, deviation;

  if (id == NPU_WEIGHT_POSITIONS) {
    fill_positions (pool, shape->positions, shape->width);
    return;
  }
  distribution (shape, id, &mean, &deviation);
  fill_random (pool, n, id, mean, deviation);
}

/* Values in the pool of @id, an even number. */
static gsize
pool_length (const NpuEncoderShape *shape, NpuWeightId id)
{
  gsize rows, cols, n;

  whisper_layout_expected (shape, id, &rows, &cols);
  n = rows * cols;
  if (id >= NPU_WEIGHT_FIRST_OF_LAYER)
    n += (shape->layers - 1) * LAYER_SHIFT;
  return n + n % 2;
}

/* Views of every layer's part of the pool. */
static void
set_views (WhisperModel *model, NpuWeightId id, const guint16 *pool)
{
  guint layers = id < NPU_WEIGHT_FIRST_OF_LAYER ? 1 : model->shape.layers;
  guint layer;

  for (layer = 0; layer < layers; layer++) {
    NpuWeightView *view = &model->views[whisper_layout_index (id, layer)];

    whisper_layout_expected (&model->shape, id, &view->rows, &view->cols);
    view->dtype = NPU_DTYPE_F16;
    view->data = pool + (gsize) layer * LAYER_SHIFT;
  }
}

static void
make_weights (WhisperModel *model)
{
  gsize total = 0, offset = 0;
  guint16 *pools;
  guint id;

  for (id = 0; id < NPU_N_WEIGHTS; id++)
    total += pool_length (&model->shape, id);
  pools = g_new (guint16, total);
  model->views =
      g_new0 (NpuWeightView, whisper_layout_length (model->shape.layers));
  for (id = 0; id < NPU_N_WEIGHTS; id++) {
    gsize n = pool_length (&model->shape, id);

    fill_pool (pools + offset, n, &model->shape, id);
    set_views (model, id, pools + offset);
    offset += n;
  }
  model->source = pools;
  model->free_source = g_free;
}

WhisperModel *
whisper_synthetic_new (const gchar *size, GError **error)
{
  NpuEncoderShape shape;
  WhisperModel *model;

  if (!whisper_size_shape (size, &shape)) {
    gchar *sizes = g_strjoinv (", ", (gchar **) whisper_model_size_names ());

    g_set_error (error, WHISPER_MODEL_ERROR, WHISPER_MODEL_ERROR_NOT_FOUND,
        "synthetic weights: there is no size \"%s\"; use synthetic:SIZE with "
        "one of %s (or ./NAME for a file)",
        size, sizes);
    g_free (sizes);
    return NULL;
  }
  model = whisper_model_new (&shape);
  model->name = g_strconcat ("synthetic-", size, NULL);
  model->location = g_strconcat ("synthetic:", size, NULL);
  model->key = g_strdup (model->location);
  model->synthetic = TRUE;
  make_weights (model);
  return model;
}
