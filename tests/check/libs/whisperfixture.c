/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfixture.c: small Whisper encoders and safetensors files of them.
 */
#include "whisperfixture.h"

#include <gst/check/gstcheck.h>
#include <string.h>

const FixtureSizes fixture_tiny = { 80, 64, 128, 2, 4 };

/* Dimensions by letter: m mels, d width, f ffn, p positions, 3 taps. */
static const struct {
  const gchar *hf, *openai, *dims;
} rows[NPU_N_WEIGHTS] = {
  { "conv1.weight", "conv1.weight", "dm3" },
  { "conv1.bias", "conv1.bias", "d" },
  { "conv2.weight", "conv2.weight", "dd3" },
  { "conv2.bias", "conv2.bias", "d" },
  { "embed_positions.weight", "positional_embedding", "pd" },
  { "layer_norm.weight", "ln_post.weight", "d" },
  { "layer_norm.bias", "ln_post.bias", "d" },
  { "self_attn_layer_norm.weight", "attn_ln.weight", "d" },
  { "self_attn_layer_norm.bias", "attn_ln.bias", "d" },
  { "self_attn.q_proj.weight", "attn.query.weight", "dd" },
  { "self_attn.q_proj.bias", "attn.query.bias", "d" },
  { "self_attn.k_proj.weight", "attn.key.weight", "dd" },
  { "self_attn.v_proj.weight", "attn.value.weight", "dd" },
  { "self_attn.v_proj.bias", "attn.value.bias", "d" },
  { "self_attn.out_proj.weight", "attn.out.weight", "dd" },
  { "self_attn.out_proj.bias", "attn.out.bias", "d" },
  { "final_layer_norm.weight", "mlp_ln.weight", "d" },
  { "final_layer_norm.bias", "mlp_ln.bias", "d" },
  { "fc1.weight", "mlp.0.weight", "fd" },
  { "fc1.bias", "mlp.0.bias", "f" },
  { "fc2.weight", "mlp.2.weight", "df" },
  { "fc2.bias", "mlp.2.bias", "d" },
};

static guint64
dimension (const FixtureSizes *sizes, gchar letter)
{
  switch (letter) {
    case 'm':
      return sizes->n_mels;
    case 'd':
      return sizes->width;
    case 'f':
      return sizes->ffn;
    case 'p':
      return sizes->positions;
    default:
      return letter - '0';
  }
}

static void
fixture_tensor_free (gpointer data)
{
  FixtureTensor *tensor = data;

  g_free (tensor->values);
  g_free (tensor);
}

static FixtureTensor *
fixture_tensor_new (const FixtureSizes *sizes, guint id, guint layer)
{
  FixtureTensor *tensor = g_new0 (FixtureTensor, 1);
  guint32 seed = 1000 * id + layer;
  const gchar *letter;
  gsize i;

  tensor->id = id;
  tensor->layer = layer;
  tensor->hf_name = rows[id].hf;
  tensor->openai_name = rows[id].openai;
  tensor->n = 1;
  for (letter = rows[id].dims; *letter; letter++) {
    tensor->dims[tensor->n_dims] = dimension (sizes, *letter);
    tensor->n *= tensor->dims[tensor->n_dims++];
  }
  tensor->values = g_new (gfloat, tensor->n);
  for (i = 0; i < tensor->n; i++) {
    seed = seed * 1664525 + 1013904223;
    tensor->values[i] = ((gint) (seed >> 24) - 128) / 512.0f;
  }
  return tensor;
}

GPtrArray *
fixture_model_new (const FixtureSizes *sizes)
{
  GPtrArray *model = g_ptr_array_new_with_free_func (fixture_tensor_free);
  guint id, layer;

  for (id = 0; id < NPU_WEIGHT_FIRST_OF_LAYER; id++)
    g_ptr_array_add (model, fixture_tensor_new (sizes, id, 0));
  for (layer = 0; layer < sizes->layers; layer++) {
    for (id = NPU_WEIGHT_FIRST_OF_LAYER; id < NPU_N_WEIGHTS; id++)
      g_ptr_array_add (model, fixture_tensor_new (sizes, id, layer));
  }
  return model;
}

FixtureTensor *
fixture_model_find (GPtrArray *model, NpuWeightId id, guint layer)
{
  guint i;

  for (i = 0; i < model->len; i++) {
    FixtureTensor *tensor = g_ptr_array_index (model, i);

    if (tensor->id == id && tensor->layer == layer)
      return tensor;
  }
  return NULL;
}

static gfloat
from_half (guint16 bits)
{
  gint exponent = (bits >> 10) & 31, fraction = bits & 1023;
  gfloat value = exponent == 0 ? ldexpf (fraction, -24)
                               : ldexpf (fraction + 1024, exponent - 25);

  return bits & 0x8000 ? -value : value;
}

/* Of a value that F16 holds exactly. */
static guint16
to_half (gfloat value)
{
  gint exponent;
  gfloat fraction = frexpf (fabsf (value), &exponent);

  if (value == 0)
    return 0;
  return (value < 0 ? 0x8000 : 0) | (exponent + 14) << 10
         | ((guint) (fraction * 2048) & 1023);
}

gfloat
fixture_view_value (const NpuWeightView *view, gsize i)
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
    return from_half (half);
  fail_unless_equals_int (view->dtype, NPU_DTYPE_BF16);
  bits = (guint32) half << 16;
  memcpy (&value, &bits, 4);
  return value;
}

void
fixture_append_values (
    GByteArray *data, const gchar *dtype, const gfloat *values, gsize n)
{
  const gboolean is_f32 = strcmp (dtype, "F32") == 0;
  const gboolean is_f16 = strcmp (dtype, "F16") == 0;
  const gsize size = is_f32 ? 4 : 2;
  const gsize first = data->len;
  gsize i;

  g_byte_array_set_size (data, first + n * size);
  for (i = 0; i < n; i++) {
    guint32 bits;
    guint16 half;

    memcpy (&bits, &values[i], 4);
    half = GUINT16_TO_LE (is_f16 ? to_half (values[i]) : bits >> 16);
    bits = GUINT32_TO_LE (bits);
    memcpy (data->data + first + i * size,
        is_f32 ? (void *) &bits : (void *) &half, size);
  }
}

void
fixture_assert_equal (WhisperModel *model, GPtrArray *fixture)
{
  NpuWeights weights;
  guint i;

  whisper_model_get_weights (model, &weights);
  for (i = 0; i < fixture->len; i++) {
    FixtureTensor *tensor = g_ptr_array_index (fixture, i);
    NpuWeightView view = weights.get (weights.model, tensor->id, tensor->layer);
    gsize j;

    fail_unless_equals_int64 (view.rows * view.cols, tensor->n);
    fail_unless_equals_int64 (
        view.rows, tensor->n_dims == 1 ? 1 : tensor->dims[0]);
    for (j = 0; j < tensor->n; j++) {
      gfloat got = fixture_view_value (&view, j);

      if (got != tensor->values[j])
        g_error ("%s[%u] value %" G_GSIZE_FORMAT ": %g, not %g",
            tensor->hf_name, tensor->layer, j, got, tensor->values[j]);
    }
  }
}

/* ---- safetensors ---- */

void
fixture_replace (gchar **text, const gchar *format, ...)
{
  va_list args;

  g_free (*text);
  va_start (args, format);
  *text = g_strdup_vprintf (format, args);
  va_end (args);
}

static void
fixture_entry_free (gpointer data)
{
  FixtureEntry *entry = data;

  g_free (entry->name);
  g_free (entry->dtype);
  g_free (entry->shape);
  g_free (entry->offsets);
  g_free (entry->extra);
  g_free (entry->instead);
  g_byte_array_unref (entry->data);
  g_free (entry);
}

static FixtureEntry *
entry_of_tensor (
    const FixtureTensor *tensor, const gchar *dtype, const gchar *prefix)
{
  FixtureEntry *entry = g_new0 (FixtureEntry, 1);
  GString *shape = g_string_new ("[");
  guint i;

  if (tensor->id < NPU_WEIGHT_FIRST_OF_LAYER)
    entry->name = g_strconcat (prefix, tensor->hf_name, NULL);
  else
    entry->name = g_strdup_printf (
        "%slayers.%u.%s", prefix, tensor->layer, tensor->hf_name);
  entry->dtype = g_strdup_printf ("\"%s\"", dtype);
  for (i = 0; i < tensor->n_dims; i++)
    g_string_append_printf (
        shape, "%s%d", i ? "," : "", (gint) tensor->dims[i]);
  g_string_append_c (shape, ']');
  entry->shape = g_string_free (shape, FALSE);
  entry->data = g_byte_array_new ();
  fixture_append_values (entry->data, dtype, tensor->values, tensor->n);
  return entry;
}

void
fixture_entry_place (FixtureEntry *entry, gsize begin, gsize size)
{
  fixture_replace (&entry->offsets, "[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]",
      begin, begin + size);
}

void
fixture_file_place (FixtureFile *file)
{
  gsize begin = 0;
  guint i;

  for (i = 0; i < file->entries->len; i++) {
    FixtureEntry *entry = g_ptr_array_index (file->entries, i);

    entry->begin = begin;
    fixture_entry_place (entry, begin, entry->data->len);
    begin += entry->data->len;
  }
}

FixtureFile *
fixture_file_new (GPtrArray *model, const gchar *dtype, const gchar *prefix)
{
  FixtureFile *file = g_new0 (FixtureFile, 1);
  guint i;

  file->entries = g_ptr_array_new_with_free_func (fixture_entry_free);
  file->tail = g_byte_array_new ();
  for (i = 0; i < model->len; i++)
    g_ptr_array_add (file->entries,
        entry_of_tensor (g_ptr_array_index (model, i), dtype, prefix));
  fixture_file_place (file);
  return file;
}

void
fixture_file_free (FixtureFile *file)
{
  g_ptr_array_unref (file->entries);
  g_byte_array_unref (file->tail);
  g_free (file->metadata);
  g_free (file->header);
  g_free (file->padding);
  g_free (file);
}

FixtureEntry *
fixture_file_find (FixtureFile *file, const gchar *name)
{
  guint i;

  for (i = 0; i < file->entries->len; i++) {
    FixtureEntry *entry = g_ptr_array_index (file->entries, i);

    if (g_str_has_suffix (entry->name, name))
      return entry;
  }
  g_error ("no entry %s", name);
}

FixtureEntry *
fixture_file_append (FixtureFile *file, const gchar *name, const gchar *dtype,
    const gchar *shape, gsize size)
{
  FixtureEntry *entry = g_new0 (FixtureEntry, 1);

  entry->name = g_strdup (name);
  entry->dtype = g_strdup_printf ("\"%s\"", dtype);
  entry->shape = g_strdup (shape);
  entry->data = g_byte_array_new ();
  g_byte_array_set_size (entry->data, size);
  if (size > 0)
    memset (entry->data->data, 0, size);
  g_ptr_array_add (file->entries, entry);
  fixture_file_place (file);
  return entry;
}

void
fixture_file_remove (FixtureFile *file, const gchar *name)
{
  g_ptr_array_remove (file->entries, fixture_file_find (file, name));
  fixture_file_place (file);
}

static void
append_entry (GString *text, const FixtureEntry *entry)
{
  const struct {
    const gchar *name, *value;
  } fields[] = { { "dtype", entry->dtype }, { "shape", entry->shape },
    { "data_offsets", entry->offsets } };
  const gchar *comma = "";
  guint i;

  g_string_append_printf (text, "\"%s\":", entry->name);
  if (entry->instead) {
    g_string_append (text, entry->instead);
    return;
  }
  g_string_append_c (text, '{');
  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    if (!fields[i].value)
      continue;
    g_string_append_printf (
        text, "%s\"%s\":%s", comma, fields[i].name, fields[i].value);
    comma = ",";
  }
  g_string_append_printf (text, "%s}", entry->extra ? entry->extra : "");
}

gchar *
fixture_file_header (FixtureFile *file)
{
  GString *text = g_string_new ("{");
  const gchar *comma = "";
  guint i;

  if (file->metadata) {
    g_string_append_printf (text, "\"__metadata__\":%s", file->metadata);
    comma = ",";
  }
  for (i = 0; i < file->entries->len; i++) {
    g_string_append (text, comma);
    append_entry (text, g_ptr_array_index (file->entries, i));
    comma = ",";
  }
  g_string_append_printf (text, "}%s", file->padding ? file->padding : "");
  return g_string_free (text, FALSE);
}

GByteArray *
fixture_file_bytes (FixtureFile *file)
{
  GByteArray *bytes = g_byte_array_new ();
  gchar *header =
      file->header ? g_strdup (file->header) : fixture_file_header (file);
  guint64 length =
      GUINT64_TO_LE (file->length_is_forged ? file->length : strlen (header));
  guint i;

  g_byte_array_append (bytes, (guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (guint8 *) header, strlen (header));
  for (i = 0; i < file->entries->len; i++) {
    FixtureEntry *entry = g_ptr_array_index (file->entries, i);

    g_byte_array_append (bytes, entry->data->data, entry->data->len);
  }
  g_byte_array_append (bytes, file->tail->data, file->tail->len);
  g_free (header);
  return bytes;
}
