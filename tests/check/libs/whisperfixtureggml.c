/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfixtureggml.c: whisper.cpp's ggml files of small encoders.
 */
#include "whisperfixtureggml.h"

#include <gst/check/gstcheck.h>
#include <math.h>
#include <string.h>

#define BLOCK 32
#define BLOCK_VERSION 2

/* The nearest F16, ties to even; |value| < 65504. */
static guint16
round_to_half (gdouble value)
{
  gint exponent;
  gdouble magnitude = fabs (value);
  guint places;

  if (magnitude == 0)
    return signbit (value) ? 0x8000 : 0;
  frexp (magnitude, &exponent);
  exponent = MAX (exponent, -13); /* below, numbers are subnormal */
  places = (guint) rint (ldexp (magnitude, 11 - exponent));
  return (signbit (value) ? 0x8000 : 0) + ((exponent + 13) << 10) + places;
}

static gfloat
half_value (guint16 half)
{
  NpuWeightView view = { 1, 1, NPU_DTYPE_F16, &half };

  return fixture_view_value (&view, 0);
}

static gfloat
append_half (GByteArray *bytes, gfloat value)
{
  guint16 half = round_to_half (value);
  guint16 stored = GUINT16_TO_LE (half);

  g_byte_array_append (bytes, (guint8 *) &stored, 2);
  return half_value (half);
}

/* 16 bytes: the lower four bits of q[j] and of q[j + 16]. */
static void
append_nibbles (GByteArray *bytes, const guint8 *q)
{
  guint8 pairs[BLOCK / 2];
  gint j;

  for (j = 0; j < BLOCK / 2; j++)
    pairs[j] = (q[j] & 15) | (q[j + BLOCK / 2] & 15) << 4;
  g_byte_array_append (bytes, pairs, sizeof pairs);
}

/* 32 bits: bit j is the fifth of q[j]. */
static void
append_fifth_bits (GByteArray *bytes, const guint8 *q)
{
  guint32 bits = 0;
  gint j;

  for (j = 0; j < BLOCK; j++)
    bits |= (guint32) (q[j] >> 4) << j;
  bits = GUINT32_TO_LE (bits);
  g_byte_array_append (bytes, (guint8 *) &bits, 4);
}

/* Symmetric around @half_range: the value furthest from zero becomes q = 0. */
static void
append_symmetric (GByteArray *bytes, const gfloat *x, gint bits, gfloat *stored)
{
  const gint half_range = 1 << (bits - 1);
  gfloat extreme = 0, scale, d;
  guint8 q[BLOCK];
  gint j;

  for (j = 0; j < BLOCK; j++)
    if (fabsf (x[j]) > fabsf (extreme))
      extreme = x[j];
  scale = extreme / -half_range;
  d = append_half (bytes, scale);
  for (j = 0; j < BLOCK; j++) {
    gfloat level = scale == 0 ? 0 : x[j] / scale;

    q[j] = MIN (2 * half_range - 1, (gint) (level + half_range + 0.5f));
    stored[j] = d * (q[j] - half_range);
  }
  if (bits == 5)
    append_fifth_bits (bytes, q);
  append_nibbles (bytes, q);
}

/* From the block's minimum up. */
static void
append_with_minimum (
    GByteArray *bytes, const gfloat *x, gint bits, gfloat *stored)
{
  const gint levels = (1 << bits) - 1;
  gfloat low = x[0], high = x[0], scale, d, m;
  guint8 q[BLOCK];
  gint j;

  for (j = 0; j < BLOCK; j++) {
    low = MIN (low, x[j]);
    high = MAX (high, x[j]);
  }
  scale = (high - low) / levels;
  d = append_half (bytes, scale);
  m = append_half (bytes, low);
  for (j = 0; j < BLOCK; j++) {
    gfloat level = scale == 0 ? 0 : (x[j] - low) / scale;

    q[j] = MIN (levels, (gint) (level + 0.5f));
    stored[j] = d * q[j] + m;
  }
  if (bits == 5)
    append_fifth_bits (bytes, q);
  append_nibbles (bytes, q);
}

static void
append_bytes (GByteArray *bytes, const gfloat *x, gfloat *stored)
{
  gfloat extreme = 0, scale, d;
  gint8 q[BLOCK];
  gint j;

  for (j = 0; j < BLOCK; j++)
    extreme = MAX (extreme, fabsf (x[j]));
  scale = extreme / 127;
  d = append_half (bytes, scale);
  for (j = 0; j < BLOCK; j++) {
    q[j] = scale == 0 ? 0 : (gint8) roundf (x[j] / scale);
    stored[j] = d * q[j];
  }
  g_byte_array_append (bytes, (guint8 *) q, sizeof q);
}

static void
append_block (GByteArray *bytes, GgmlType type, const gfloat *x, gfloat *stored)
{
  switch (type) {
    case GGML_Q4_0:
      append_symmetric (bytes, x, 4, stored);
      break;
    case GGML_Q4_1:
      append_with_minimum (bytes, x, 4, stored);
      break;
    case GGML_Q5_0:
      append_symmetric (bytes, x, 5, stored);
      break;
    case GGML_Q5_1:
      append_with_minimum (bytes, x, 5, stored);
      break;
    default:
      append_bytes (bytes, x, stored);
  }
}

void
ggml_append_values (GByteArray *bytes, GgmlType type, const gfloat *values,
    gsize n, gfloat *stored)
{
  gfloat unwanted[BLOCK];
  gsize i;

  if (type == GGML_F32) {
    fixture_append_values (bytes, "F32", values, n);
    if (stored)
      memcpy (stored, values, n * sizeof *values);
    return;
  }
  if (type == GGML_F16) {
    for (i = 0; i < n; i++) {
      gfloat value = append_half (bytes, values[i]);

      if (stored)
        stored[i] = value;
    }
    return;
  }
  g_assert (n % BLOCK == 0);
  for (i = 0; i < n; i += BLOCK)
    append_block (bytes, type, values + i, stored ? stored + i : unwanted);
}

gboolean
ggml_is_quantised (const FixtureTensor *tensor)
{
  return tensor->n_dims == 2 && tensor->id != NPU_WEIGHT_POSITIONS;
}

static GgmlType
stored_type (const FixtureTensor *tensor, GgmlType type)
{
  if (ggml_is_quantised (tensor))
    return type;
  return tensor->n_dims == 3 && type != GGML_F32 ? GGML_F16 : GGML_F32;
}

static void
mark (GgmlFile *file, const gchar *what, gsize size)
{
  GgmlMark field = { what, file->bytes->len, size };

  g_array_append_val (file->marks, field);
}

static void
put_u32 (GgmlFile *file, const gchar *what, guint32 value)
{
  mark (file, what, 4);
  value = GUINT32_TO_LE (value);
  g_byte_array_append (file->bytes, (guint8 *) &value, 4);
}

static void
put_bytes (GgmlFile *file, const gchar *what, gconstpointer data, gsize size)
{
  mark (file, what, size);
  g_byte_array_append (file->bytes, data, size);
}

static void
put_header (GgmlFile *file, const FixtureSizes *sizes, GgmlType type)
{
  /* The numbers of file types are not those of tensor types. */
  static const guint file_types[] = { [GGML_F32] = 0,
    [GGML_F16] = 1,
    [GGML_Q4_0] = 2,
    [GGML_Q4_1] = 3,
    [GGML_Q8_0] = 7,
    [GGML_Q5_0] = 8,
    [GGML_Q5_1] = 9 };
  static const gchar *const words[] = { "!", "caf\303\251", "\377\000x", "" };
  gfloat *filters = g_new0 (gfloat, sizes->n_mels * 201);
  guint i;

  put_u32 (file, "magic", 0x67676d6c);
  put_u32 (file, "n_vocab", 51865);
  put_u32 (file, "n_audio_ctx", sizes->positions);
  put_u32 (file, "n_audio_state", sizes->width);
  put_u32 (file, "n_audio_head", sizes->width / 64);
  put_u32 (file, "n_audio_layer", sizes->layers);
  put_u32 (file, "n_text_ctx", 448);
  put_u32 (file, "n_text_state", sizes->width);
  put_u32 (file, "n_text_head", sizes->width / 64);
  put_u32 (file, "n_text_layer", sizes->layers);
  put_u32 (file, "n_mels", sizes->n_mels);
  put_u32 (file, "ftype",
      file_types[type] + (type > GGML_F16 ? 1000 * BLOCK_VERSION : 0));
  put_u32 (file, "mel filters' bands", sizes->n_mels);
  put_u32 (file, "mel filters' bins", 201);
  put_bytes (file, "filters", filters, 4 * 201 * sizes->n_mels);
  put_u32 (file, "vocabulary's size", G_N_ELEMENTS (words));
  for (i = 0; i < G_N_ELEMENTS (words); i++) {
    gsize length = i == 2 ? 3 : strlen (words[i]);

    put_u32 (file, "word's length", length);
    put_bytes (file, "word", words[i], length);
  }
  g_free (filters);
}

static void
put_tensor (GgmlFile *file, const gchar *name, guint n_dims,
    const guint64 *dims, GgmlType type, const gfloat *values, gsize n)
{
  GByteArray *data = g_byte_array_new ();
  guint i;

  put_u32 (file, "number of dimensions", n_dims);
  put_u32 (file, "length of a tensor's name", strlen (name));
  put_u32 (file, "type", type);
  for (i = 0; i < n_dims; i++)
    put_u32 (file, "dimension", dims[n_dims - 1 - i]);
  put_bytes (file, "name", name, strlen (name));
  ggml_append_values (data, type, values, n, NULL);
  put_bytes (file, "data", data->data, data->len);
  g_byte_array_unref (data);
}

static void
put_weight (GgmlFile *file, const FixtureTensor *tensor, GgmlType type)
{
  guint64 dims[3] = { tensor->dims[0], tensor->dims[1], tensor->dims[2] };
  guint n_dims = tensor->n_dims;
  gchar *name = tensor->id < NPU_WEIGHT_FIRST_OF_LAYER
                    ? g_strdup_printf ("encoder.%s", tensor->openai_name)
                    : g_strdup_printf ("encoder.blocks.%u.%s", tensor->layer,
                        tensor->openai_name);

  if (tensor->id == NPU_WEIGHT_CONV1_BIAS
      || tensor->id == NPU_WEIGHT_CONV2_BIAS) {
    dims[1] = 1;
    n_dims = 2;
  }
  put_tensor (file, name, n_dims, dims, stored_type (tensor, type),
      tensor->values, tensor->n);
  g_free (name);
}

GgmlFile *
ggml_file_new (GPtrArray *model, const FixtureSizes *sizes, GgmlType type)
{
  static const guint64 dims[] = { 2, 32 };
  static const gfloat zeros[64];
  GgmlFile *file = g_new0 (GgmlFile, 1);
  guint i;

  file->bytes = g_byte_array_new ();
  file->marks = g_array_new (FALSE, FALSE, sizeof (GgmlMark));
  put_header (file, sizes, type);
  for (i = 0; i < model->len; i++)
    put_weight (file, g_ptr_array_index (model, i), type);
  put_tensor (file, "decoder.token_embedding.weight", 2, dims, type, zeros, 64);
  return file;
}

void
ggml_file_free (GgmlFile *file)
{
  g_byte_array_unref (file->bytes);
  g_array_unref (file->marks);
  g_free (file);
}

GgmlMark *
ggml_file_find (GgmlFile *file, const gchar *what, guint nth)
{
  guint i;

  for (i = 0; i < file->marks->len; i++) {
    GgmlMark *field = &g_array_index (file->marks, GgmlMark, i);

    if (strcmp (field->what, what) == 0 && nth-- == 0)
      return field;
  }
  g_error ("no field %s", what);
}

void
ggml_file_set (GgmlFile *file, const gchar *what, guint nth, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (
      file->bytes->data + ggml_file_find (file, what, nth)->offset, &value, 4);
}
