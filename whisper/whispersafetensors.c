/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispersafetensors.c: 8 bytes of header length, little-endian; a JSON object
 * { name: { dtype, shape, data_offsets: [begin, end] }, … }, perhaps with
 * "__metadata__"; then the tensors, which fill the rest of the file with
 * neither gap nor overlap.  Offsets count from the header's end, so that a
 * tensor may lie at any alignment.
 */
#include "whispersafetensors.h"

#include <string.h>

#include "whispererror.h"
#include "whisperjson.h"

#define PREFIX_BYTES 8 /* the header's length */

typedef struct {
  const WhisperFile *file;
  const guint8 *payload;
  gsize payload_size;
  GPtrArray *tensors; /* WhisperTensor, by position in the file */
} Reader;

static const struct {
  const gchar *name;
  guint bits;
  gboolean usable;
  NpuDtype dtype;
} types[] = {
  { "F32", 32, TRUE, NPU_DTYPE_F32 },
  { "F16", 16, TRUE, NPU_DTYPE_F16 },
  { "BF16", 16, TRUE, NPU_DTYPE_BF16 },
  { "BOOL", 8, FALSE, 0 },
  { "U8", 8, FALSE, 0 },
  { "I8", 8, FALSE, 0 },
  { "F8_E5M2", 8, FALSE, 0 },
  { "F8_E4M3", 8, FALSE, 0 },
  { "F8_E8M0", 8, FALSE, 0 },
  { "I16", 16, FALSE, 0 },
  { "U16", 16, FALSE, 0 },
  { "I32", 32, FALSE, 0 },
  { "U32", 32, FALSE, 0 },
  { "F64", 64, FALSE, 0 },
  { "I64", 64, FALSE, 0 },
  { "U64", 64, FALSE, 0 },
  { "C64", 64, FALSE, 0 },
};

/* The value of @field, which must be of @type ("array", …). */
static JsonNode *
get_field (Reader *reader, const gchar *name, JsonObject *entry,
    const gchar *field, JsonNodeType type, GError **error)
{
  JsonNode *node = json_object_get_member (entry, field);

  if (!node) {
    whisper_error_corrupt (
        error, reader->file->path, "tensor \"%s\" has no \"%s\"", name, field);
    return NULL;
  }
  if (json_node_get_node_type (node) != type) {
    whisper_error_corrupt (error, reader->file->path,
        "tensor \"%s\": \"%s\" is not %s", name, field,
        type == JSON_NODE_ARRAY ? "an array" : "a string");
    return NULL;
  }
  return node;
}

/* Element @i of an array as a size. */
static gboolean
get_size (Reader *reader, const gchar *name, const gchar *field,
    JsonArray *array, guint i, guint64 *size, GError **error)
{
  JsonNode *node = json_array_get_element (array, i);

  if (json_node_get_value_type (node) != G_TYPE_INT64
      || json_node_get_int (node) < 0)
    return whisper_error_corrupt (error, reader->file->path,
        "tensor \"%s\": \"%s\"[%u] is not a non-negative integer", name, field,
        i);
  *size = json_node_get_int (node);
  return TRUE;
}

/* Sets the type, and *@bits of one element. */
static gboolean
read_dtype (Reader *reader, JsonObject *entry, WhisperTensor *tensor,
    guint *bits, GError **error)
{
  JsonNode *node =
      get_field (reader, tensor->name, entry, "dtype", JSON_NODE_VALUE, error);
  const gchar *name;
  guint i;

  if (!node)
    return FALSE;
  name = json_node_get_string (node);
  if (!name)
    return whisper_error_corrupt (error, reader->file->path,
        "tensor \"%s\": \"dtype\" is not a string", tensor->name);
  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    if (strcmp (types[i].name, name) == 0) {
      tensor->type_name = types[i].name;
      tensor->usable = types[i].usable;
      tensor->dtype = types[i].dtype;
      *bits = types[i].bits;
      return TRUE;
    }
  }
  return whisper_error_corrupt (error, reader->file->path,
      "tensor \"%s\": unknown \"dtype\" \"%.32s\"", tensor->name, name);
}

/* Sets the dimensions, and *@bytes of the whole tensor. */
static gboolean
read_shape (Reader *reader, JsonObject *entry, WhisperTensor *tensor,
    guint bits, guint64 *bytes, GError **error)
{
  JsonNode *node =
      get_field (reader, tensor->name, entry, "shape", JSON_NODE_ARRAY, error);
  JsonArray *shape;
  guint i;

  if (!node)
    return FALSE;
  shape = json_node_get_array (node);
  if (json_array_get_length (shape) > WHISPER_TENSOR_MAX_DIMS)
    return whisper_error_corrupt (error, reader->file->path,
        "tensor \"%s\": \"shape\" has %u dimensions", tensor->name,
        json_array_get_length (shape));
  tensor->n_dims = json_array_get_length (shape);
  *bytes = bits / 8;
  for (i = 0; i < tensor->n_dims; i++) {
    if (!get_size (
            reader, tensor->name, "shape", shape, i, &tensor->dims[i], error))
      return FALSE;
    if (!g_uint64_checked_mul (bytes, *bytes, tensor->dims[i]))
      return whisper_error_corrupt (error, reader->file->path,
          "tensor \"%s\": \"shape\" is larger than any memory", tensor->name);
  }
  return TRUE;
}

static gboolean
read_offsets (Reader *reader, JsonObject *entry, WhisperTensor *tensor,
    guint64 bytes, GError **error)
{
  JsonNode *node = get_field (
      reader, tensor->name, entry, "data_offsets", JSON_NODE_ARRAY, error);
  JsonArray *offsets;
  guint64 begin = 0, end = 0;

  if (!node)
    return FALSE;
  offsets = json_node_get_array (node);
  if (json_array_get_length (offsets) != 2)
    return whisper_error_corrupt (error, reader->file->path,
        "tensor \"%s\": \"data_offsets\" has %u values, "
        "not 2",
        tensor->name, json_array_get_length (offsets));
  if (!get_size (
          reader, tensor->name, "data_offsets", offsets, 0, &begin, error)
      || !get_size (
          reader, tensor->name, "data_offsets", offsets, 1, &end, error))
    return FALSE;
  if (begin > end)
    return whisper_error_corrupt (error, reader->file->path,
        "tensor \"%s\": \"data_offsets\" end before they "
        "begin",
        tensor->name);
  if (end > reader->payload_size)
    return whisper_error_corrupt (error, reader->file->path,
        "tensor \"%s\": \"data_offsets\" end %" G_GUINT64_FORMAT
        " bytes after the end of the file",
        tensor->name, end - reader->payload_size);
  if (end - begin != bytes)
    return whisper_error_corrupt (error, reader->file->path,
        "tensor \"%s\": \"data_offsets\" span %" G_GUINT64_FORMAT
        " bytes, but \"shape\" and \"dtype\" need %" G_GUINT64_FORMAT,
        tensor->name, end - begin, bytes);
  tensor->data = reader->payload + begin;
  tensor->size = bytes;
  return TRUE;
}

static gboolean
read_entry (Reader *reader, const gchar *name, JsonNode *node, GError **error)
{
  WhisperTensor *tensor;
  JsonObject *entry;
  guint64 bytes = 0;
  guint bits = 0;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return whisper_error_corrupt (
        error, reader->file->path, "tensor \"%s\" is not a JSON object", name);
  entry = json_node_get_object (node);
  tensor = g_new0 (WhisperTensor, 1);
  tensor->name = g_strdup (name);
  tensor->file = reader->file;
  g_ptr_array_add (reader->tensors, tensor);
  return read_dtype (reader, entry, tensor, &bits, error)
         && read_shape (reader, entry, tensor, bits, &bytes, error)
         && read_offsets (reader, entry, tensor, bytes, error);
}

/* Text → text, or the file was made by something that we do not know. */
static gboolean
check_metadata (Reader *reader, JsonNode *node, GError **error)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return whisper_error_corrupt (
        error, reader->file->path, "\"__metadata__\" is not a JSON object");
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &name, &value)) {
    if (json_node_get_value_type (value) != G_TYPE_STRING)
      return whisper_error_corrupt (error, reader->file->path,
          "\"__metadata__\": \"%s\" is not a string", name);
  }
  return TRUE;
}

static gboolean
read_entries (Reader *reader, JsonObject *header, GError **error)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;

  json_object_iter_init (&iter, header);
  while (json_object_iter_next (&iter, &name, &node)) {
    gboolean sound = strcmp (name, "__metadata__") == 0
                         ? check_metadata (reader, node, error)
                         : read_entry (reader, name, node, error);

    if (!sound)
      return FALSE;
  }
  return TRUE;
}

static gint
compare_positions (gconstpointer a, gconstpointer b)
{
  const WhisperTensor *x = *(const WhisperTensor **) a;
  const WhisperTensor *y = *(const WhisperTensor **) b;

  if (x->data != y->data)
    return x->data < y->data ? -1 : 1;
  if (x->size != y->size) /* empty tensors come first */
    return x->size < y->size ? -1 : 1;
  return strcmp (x->name, y->name);
}

/* The tensors must cover the payload exactly, as the format demands: what is
 * left over would be a hiding place, and a sign of a broken writer. */
static gboolean
check_coverage (Reader *reader, GError **error)
{
  const guint8 *end = reader->payload;
  const gchar *previous = "the header";
  guint i;

  g_ptr_array_sort (reader->tensors, compare_positions);
  for (i = 0; i < reader->tensors->len; i++) {
    WhisperTensor *tensor = g_ptr_array_index (reader->tensors, i);
    const guint8 *begin = tensor->data;

    if (begin < end)
      return whisper_error_corrupt (error, reader->file->path,
          "tensor \"%s\": \"data_offsets\" overlap those of "
          "\"%s\"",
          tensor->name, previous);
    if (begin > end)
      return whisper_error_corrupt (error, reader->file->path,
          "tensor \"%s\": \"data_offsets\" leave a gap of %" G_GSIZE_FORMAT
          " bytes after %s",
          tensor->name, (gsize) (begin - end), previous);
    end = begin + tensor->size;
    previous = tensor->name;
  }
  if (end != reader->payload + reader->payload_size)
    return whisper_error_corrupt (error, reader->file->path,
        "%" G_GSIZE_FORMAT " bytes after the last tensor "
        "belong to none",
        (gsize) (reader->payload + reader->payload_size - end));
  return TRUE;
}

static gboolean
hand_over (Reader *reader, WhisperTensors *tensors, GError **error)
{
  while (reader->tensors->len > 0) {
    WhisperTensor *tensor = g_ptr_array_steal_index_fast (reader->tensors, 0);

    if (!whisper_tensors_add (tensors, tensor, error))
      return FALSE;
  }
  return TRUE;
}

/* The length of the header, or 0 with @error set. */
static gsize
header_length (const WhisperFile *file, GError **error)
{
  guint64 length;

  if (file->size < PREFIX_BYTES) {
    whisper_error_corrupt (error, file->path,
        "%" G_GSIZE_FORMAT " bytes are too few for the header length",
        file->size);
    return 0;
  }
  memcpy (&length, file->data, PREFIX_BYTES);
  length = GUINT64_FROM_LE (length);
  if (length == 0 || length > WHISPER_JSON_MAX_BYTES) {
    whisper_error_corrupt (error, file->path,
        "a header length of %" G_GUINT64_FORMAT " bytes is impossible (1 … %d)",
        length, WHISPER_JSON_MAX_BYTES);
    return 0;
  }
  if (length > file->size - PREFIX_BYTES) {
    whisper_error_corrupt (error, file->path,
        "the header length of %" G_GUINT64_FORMAT " bytes leads past the end "
        "of the file",
        length);
    return 0;
  }
  return length;
}

gboolean
whisper_safetensors_read (
    const WhisperFile *file, WhisperTensors *tensors, GError **error)
{
  Reader reader = { .file = file };
  gsize length = header_length (file, error);
  JsonNode *root;
  gboolean sound;

  if (length == 0)
    return FALSE;
  root = whisper_json_parse ((const gchar *) file->data + PREFIX_BYTES, length,
      file->path, "header", error);
  if (!root)
    return FALSE;
  reader.payload = file->data + PREFIX_BYTES + length;
  reader.payload_size = file->size - PREFIX_BYTES - length;
  reader.tensors =
      g_ptr_array_new_with_free_func ((GDestroyNotify) whisper_tensor_free);
  sound = read_entries (&reader, json_node_get_object (root), error)
          && check_coverage (&reader, error)
          && hand_over (&reader, tensors, error);
  g_ptr_array_unref (reader.tensors);
  json_node_unref (root);
  return sound;
}
