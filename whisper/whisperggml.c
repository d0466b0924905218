/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperggml.c: a run of little-endian 32-bit integers, strings and tensors,
 * each with its size before it and none aligned:
 *
 *   magic "ggml", 11 hyper-parameters,
 *   mel filters: bands, bins, bands * bins floats,
 *   vocabulary: count, then a length and that many bytes for each word,
 *   tensors until the file ends: number of dimensions, length of the name,
 *   type, dimensions (innermost first), name, values.
 */
#include "whisperggml.h"

#include <string.h>

#include "whispererror.h"
#include "whisperfinite.h"

#define MAGIC 0x67676d6cu
#define MAX_DIMS 4
#define MAX_NAME 128
#define MAX_PARAMETER 1000000

/* The file's type is 1000 * the version of the quantised blocks + a number.
 * Version 2 is the only one that whisper.cpp still reads. */
#define BLOCK_VERSION_FACTOR 1000
#define BLOCK_VERSION 2

static const gchar *const parameter_names[] = { "n_vocab", "n_audio_ctx",
  "n_audio_state", "n_audio_head", "n_audio_layer", "n_text_ctx",
  "n_text_state", "n_text_head", "n_text_layer", "n_mels", "ftype" };

#define N_PARAMETERS G_N_ELEMENTS (parameter_names)
#define FTYPE (N_PARAMETERS - 1)

/* Which sizes of the encoder the parameters claim. */
static const struct {
  guint parameter;
  WhisperSize size;
} claims[] = { { 1, WHISPER_SIZE_POSITIONS }, { 2, WHISPER_SIZE_WIDTH },
  { 3, WHISPER_SIZE_HEADS }, { 4, WHISPER_SIZE_LAYERS },
  { 9, WHISPER_SIZE_MELS } };

static const struct {
  guint32 number;
  const gchar *name;
  gboolean usable;
  NpuDtype dtype;
} types[] = {
  { 0, "f32", TRUE, NPU_DTYPE_F32 },
  { 1, "f16", TRUE, NPU_DTYPE_F16 },
  { 2, "q4_0", TRUE, NPU_DTYPE_Q4_0 },
  { 3, "q4_1", TRUE, NPU_DTYPE_Q4_1 },
  { 6, "q5_0", TRUE, NPU_DTYPE_Q5_0 },
  { 7, "q5_1", TRUE, NPU_DTYPE_Q5_1 },
  { 8, "q8_0", TRUE, NPU_DTYPE_Q8_0 },
  { 10, "q2_k", FALSE, 0 },
  { 11, "q3_k", FALSE, 0 },
  { 12, "q4_k", FALSE, 0 },
  { 13, "q5_k", FALSE, 0 },
  { 14, "q6_k", FALSE, 0 },
};

typedef struct {
  const WhisperFile *file;
  gsize offset; /* of the next byte to read */
  guint32 block_version;
  GError **error;
} Reader;

static gsize
bytes_left (const Reader *reader)
{
  return reader->file->size - reader->offset;
}

/* Steps over @size bytes, which are @what; NULL if the file ends before. */
static gconstpointer
take (Reader *reader, gsize size, const gchar *what)
{
  gconstpointer data = reader->file->data + reader->offset;

  if (size > bytes_left (reader)) {
    whisper_error_corrupt (reader->error, reader->file->path,
        "%s (byte %" G_GSIZE_FORMAT ") needs %" G_GSIZE_FORMAT
        " bytes, but the file ends after %" G_GSIZE_FORMAT,
        what, reader->offset, size, bytes_left (reader));
    return NULL;
  }
  reader->offset += size;
  return data;
}

/* A number up to @high; negative ones are larger than any. */
static gboolean
take_u32 (Reader *reader, const gchar *what, guint32 high, guint32 *value)
{
  const gsize offset = reader->offset;
  gconstpointer data = take (reader, sizeof *value, what);

  if (!data)
    return FALSE;
  memcpy (value, data, sizeof *value);
  *value = GUINT32_FROM_LE (*value);
  if (*value > high)
    return whisper_error_corrupt (reader->error, reader->file->path,
        "%s (byte %" G_GSIZE_FORMAT ") is %d, not 0 … %u", what, offset,
        (gint32) *value, high);
  return TRUE;
}

static gboolean
read_parameters (Reader *reader, WhisperTensors *tensors)
{
  guint32 values[N_PARAMETERS];
  guint i;

  for (i = 0; i < N_PARAMETERS; i++) {
    if (!take_u32 (reader, parameter_names[i], MAX_PARAMETER, &values[i]))
      return FALSE;
  }
  reader->block_version = values[FTYPE] / BLOCK_VERSION_FACTOR;
  for (i = 0; i < G_N_ELEMENTS (claims); i++)
    whisper_tensors_claim (tensors, claims[i].size, reader->file->path,
        parameter_names[claims[i].parameter], values[claims[i].parameter]);
  return TRUE;
}

/* The filters are not used (they follow from the number of bands), but tell
 * whether the header is sound. */
static gboolean
read_filters (Reader *reader, const WhisperTensors *tensors)
{
  guint32 bands = 0, bins = 0;
  gconstpointer filters;

  if (!take_u32 (reader, "the mel filters' bands", NPU_MEL_MAX_BANDS, &bands)
      || !take_u32 (reader, "the mel filters' bins", MAX_PARAMETER, &bins))
    return FALSE;
  if (bands != tensors->claims[WHISPER_SIZE_MELS].value)
    return whisper_error_corrupt (reader->error, reader->file->path,
        "the mel filters have %u bands, but n_mels is %" G_GUINT64_FORMAT,
        bands, tensors->claims[WHISPER_SIZE_MELS].value);
  if (bins != NPU_MEL_BINS)
    return whisper_error_corrupt (reader->error, reader->file->path,
        "the mel filters have %u bins, not %d", bins, NPU_MEL_BINS);
  filters = take (reader, sizeof (gfloat) * bands * bins, "the mel filters");
  if (!filters)
    return FALSE;
  if (whisper_find_not_finite (NPU_DTYPE_F32, filters, bands * bins)
      != bands * bins)
    return whisper_error_corrupt (reader->error, reader->file->path,
        "the mel filters have a value that is NaN or infinite");
  return TRUE;
}

static gboolean
skip_vocabulary (Reader *reader)
{
  guint32 i, words = 0, length = 0;

  if (!take_u32 (reader, "the vocabulary's size", MAX_PARAMETER, &words))
    return FALSE;
  for (i = 0; i < words; i++) {
    if (!take_u32 (reader, "a word's length", MAX_PARAMETER, &length)
        || !take (reader, length, "a word"))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_type (Reader *reader, WhisperTensor *tensor, guint32 number)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    if (types[i].number != number)
      continue;
    if (!types[i].usable)
      return whisper_error_set (reader->error, WHISPER_MODEL_ERROR_NOT_WHISPER,
          reader->file->path,
          "tensor \"%s\": type %s cannot be used (f32, f16, "
          "q8_0, q5_0, q5_1, q4_0 and q4_1 can)",
          tensor->name, types[i].name);
    tensor->type_name = types[i].name;
    tensor->usable = TRUE;
    tensor->dtype = types[i].dtype;
    if (npu_dtype_block (tensor->dtype) > 1
        && reader->block_version != BLOCK_VERSION)
      return whisper_error_set (reader->error, WHISPER_MODEL_ERROR_NOT_WHISPER,
          reader->file->path,
          "tensor \"%s\": ftype tells of %s blocks of "
          "version %u, and only version %d can be used: quantise it again",
          tensor->name, tensor->type_name, reader->block_version,
          BLOCK_VERSION);
    return TRUE;
  }
  return whisper_error_corrupt (reader->error, reader->file->path,
      "tensor \"%s\": unknown type %u", tensor->name, number);
}

/* Names are plain text, or this is not the place of a name. */
static gboolean
read_name (Reader *reader, WhisperTensor *tensor, guint32 length)
{
  const gsize offset = reader->offset;
  const gchar *name = take (reader, length, "a tensor's name");
  guint32 i;

  if (!name)
    return FALSE;
  for (i = 0; i < length; i++) {
    if (!g_ascii_isgraph (name[i]))
      return whisper_error_corrupt (reader->error, reader->file->path,
          "a tensor's name (byte %" G_GSIZE_FORMAT ") is not text", offset);
  }
  tensor->name = g_strndup (name, length);
  return TRUE;
}

/* The dimensions, turned round so that the outermost comes first. */
static gboolean
read_dims (Reader *reader, WhisperTensor *tensor, guint32 n_dims)
{
  guint32 i, dim = 0;

  tensor->n_dims = n_dims;
  for (i = 0; i < n_dims; i++) {
    if (!take_u32 (reader, "a tensor's dimension", G_MAXINT32, &dim))
      return FALSE;
    tensor->dims[n_dims - 1 - i] = dim;
  }
  return TRUE;
}

/* Sets the size in bytes; rows hold whole blocks. */
static gboolean
compute_size (Reader *reader, WhisperTensor *tensor)
{
  const guint64 block = npu_dtype_block (tensor->dtype);
  const guint64 cols = tensor->dims[tensor->n_dims - 1];
  guint64 values = 1, bytes = 0;
  guint i;

  if (cols % block != 0)
    return whisper_error_corrupt (reader->error, reader->file->path,
        "tensor \"%s\": rows of %" G_GUINT64_FORMAT " values are not made of "
        "whole %s blocks",
        tensor->name, cols, tensor->type_name);
  for (i = 0; i < tensor->n_dims; i++) {
    if (!g_uint64_checked_mul (&values, values, tensor->dims[i]))
      return whisper_error_corrupt (reader->error, reader->file->path,
          "tensor \"%s\": its dimensions are larger than any memory",
          tensor->name);
  }
  if (!g_uint64_checked_mul (
          &bytes, values / block, npu_dtype_bytes (tensor->dtype, block)))
    return whisper_error_corrupt (reader->error, reader->file->path,
        "tensor \"%s\": its dimensions are larger than any memory",
        tensor->name);
  tensor->size = bytes;
  return TRUE;
}

static gboolean
read_values (Reader *reader, WhisperTensor *tensor)
{
  gchar *what;

  if (!compute_size (reader, tensor))
    return FALSE;
  what = g_strdup_printf ("tensor \"%s\"", tensor->name);
  tensor->data = take (reader, tensor->size, what);
  g_free (what);
  return tensor->data != NULL;
}

/* What stands before a tensor's values. */
static gboolean
read_tensor_header (Reader *reader, WhisperTensor *tensor)
{
  const gsize offset = reader->offset;
  guint32 n_dims = 0, length = 0, type = 0;

  if (!take_u32 (reader, "a tensor's number of dimensions", MAX_DIMS, &n_dims)
      || !take_u32 (reader, "the length of a tensor's name", MAX_NAME, &length)
      || !take_u32 (reader, "a tensor's type", G_MAXUINT32, &type))
    return FALSE;
  if (n_dims == 0 || length == 0)
    return whisper_error_corrupt (reader->error, reader->file->path,
        "a tensor (byte %" G_GSIZE_FORMAT ") has %s", offset,
        n_dims == 0 ? "no dimensions" : "no name");
  return read_dims (reader, tensor, n_dims)
         && read_name (reader, tensor, length)
         && read_type (reader, tensor, type);
}

static gboolean
read_tensor (Reader *reader, WhisperTensors *tensors)
{
  WhisperTensor *tensor = g_new0 (WhisperTensor, 1);

  tensor->file = reader->file;
  if (!read_tensor_header (reader, tensor) || !read_values (reader, tensor)) {
    whisper_tensor_free (tensor);
    return FALSE;
  }
  return whisper_tensors_add (tensors, tensor, reader->error);
}

gboolean
whisper_ggml_detect (const WhisperFile *file)
{
  guint32 magic;

  if (file->size < sizeof magic)
    return FALSE;
  memcpy (&magic, file->data, sizeof magic);
  return GUINT32_FROM_LE (magic) == MAGIC;
}

gboolean
whisper_ggml_read (
    const WhisperFile *file, WhisperTensors *tensors, GError **error)
{
  Reader reader = { .file = file, .offset = sizeof (guint32), .error = error };

  if (!read_parameters (&reader, tensors) || !read_filters (&reader, tensors)
      || !skip_vocabulary (&reader))
    return FALSE;
  while (bytes_left (&reader) > 0) {
    if (!read_tensor (&reader, tensors))
      return FALSE;
  }
  return TRUE;
}
