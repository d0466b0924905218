/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumanifestsequence.c: what a manifest says of its files and of a sequence:
 * sizes, and the buffers that the kernel takes.
 */
#include "npumanifest-private.h"

#include <string.h>

#include "npuinsts.h"

#define WORD 4 /* bytes: an NPU's DMA moves 32-bit words */
#define MAX_SIZE G_MAXINT32

/* By NpuArgumentKind. */
static const gchar *const kinds[] = { "data", "constant", "scratch", NULL };
static const gchar *const directions[] = { "in", "out", "inout", NULL };
/* By NpuElement. */
static const gchar *const elements[] = { "int8", "uint8", "int16", "int32",
  "bf16", "f32", NULL };
static const guint8 element_bytes[] = { 1, 1, 2, 4, 2, 4 };

void
npu_manifest_file_clear (NpuManifestFile *file)
{
  g_free (file->name);
  g_free (file->sha256);
}

gboolean
npu_manifest_file_read (
    const NpuFields *fields, NpuManifestFile *file, GError **error)
{
  return npu_fields_get_text (fields, "file", NPU_TEXT_FILE, &file->name, error)
         && npu_fields_get_integer (fields, "bytes", 1,
             NPU_MANIFEST_MAX_FILE_BYTES, &file->bytes, error)
         && npu_fields_get_text (
             fields, "sha256", NPU_TEXT_SHA256, &file->sha256, error);
}

gboolean
npu_manifest_file_read_object (const NpuFields *fields, const gchar *field,
    NpuManifestFile *file, GError **error)
{
  static const gchar *const names[] = { "file", "bytes", "sha256", NULL };
  NpuFields inner;
  gboolean sound;

  if (!npu_fields_get_object (fields, field, &inner, error))
    return FALSE;
  sound = npu_fields_check_names (&inner, names, error)
          && npu_manifest_file_read (&inner, file, error);
  npu_fields_clear (&inner);
  return sound;
}

static void
free_size (gpointer data)
{
  g_free (((NpuManifestSize *) data)->name);
  g_free (data);
}

static void
free_argument (gpointer data)
{
  g_free (((NpuManifestArgument *) data)->name);
  g_free (data);
}

void
npu_manifest_sequence_free (NpuManifestSequence *sequence)
{
  g_free (sequence->name);
  g_ptr_array_unref (sequence->sizes);
  npu_manifest_file_clear (&sequence->insts);
  g_ptr_array_unref (sequence->arguments);
  g_free (sequence);
}

static gboolean
read_sizes (
    const NpuFields *sizes, NpuManifestSequence *sequence, GError **error)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;

  json_object_iter_init (&iter, sizes->object);
  while (json_object_iter_next (&iter, &name, &node)) {
    NpuManifestSize *size = g_new0 (NpuManifestSize, 1);

    g_ptr_array_add (sequence->sizes, size);
    if (!npu_fields_check_name (sizes, name, error)
        || !npu_fields_get_integer (
            sizes, name, 1, MAX_SIZE, &size->value, error))
      return FALSE;
    size->name = g_strdup (name);
  }
  if (sequence->sizes->len < 1 || sequence->sizes->len > NPU_MANIFEST_MAX_SIZES)
    return npu_fields_refuse (sizes, NULL, error, "has %u sizes, not 1 to %d",
        sequence->sizes->len, NPU_MANIFEST_MAX_SIZES);
  return TRUE;
}

/* "shape", and that it makes "bytes". */
static gboolean
read_shape (
    const NpuFields *fields, NpuManifestArgument *argument, GError **error)
{
  guint64 bytes = element_bytes[argument->element];
  JsonArray *shape;
  guint i;

  if (!npu_fields_get_array (
          fields, "shape", NPU_MANIFEST_MAX_DIMS, &shape, error))
    return FALSE;
  argument->n_dims = json_array_get_length (shape);
  for (i = 0; i < argument->n_dims; i++) {
    JsonNode *node = json_array_get_element (shape, i);

    if (json_node_get_value_type (node) != G_TYPE_INT64
        || json_node_get_int (node) < 1 || json_node_get_int (node) > MAX_SIZE)
      return npu_fields_refuse (fields, "shape", error,
          "element %u is not an integer from 1 to %d", i, MAX_SIZE);
    argument->dims[i] = json_node_get_int (node);
    if (!g_uint64_checked_mul (&bytes, bytes, argument->dims[i])
        || bytes > NPU_MANIFEST_MAX_BUFFER_BYTES)
      return npu_fields_refuse (fields, "shape", error,
          "is larger than any buffer (at most %" G_GUINT64_FORMAT " bytes)",
          NPU_MANIFEST_MAX_BUFFER_BYTES);
  }
  if (bytes != argument->bytes)
    return npu_fields_refuse (fields, "bytes", error,
        "is %" G_GUINT64_FORMAT
        ", but \"shape\" and \"type\" make %" G_GUINT64_FORMAT,
        argument->bytes, bytes);
  return TRUE;
}

/* What a kind says of the direction. */
static gboolean
check_direction (const NpuFields *fields, const NpuManifestArgument *argument,
    GError **error)
{
  if (argument->kind == NPU_ARGUMENT_CONSTANT
      && argument->direction != NPU_ARGUMENT_IN)
    return npu_fields_refuse (
        fields, "direction", error, "is not in, although the kind is constant");
  if (argument->kind == NPU_ARGUMENT_SCRATCH
      && argument->direction != NPU_ARGUMENT_INOUT)
    return npu_fields_refuse (fields, "direction", error,
        "is not inout, although the kind is scratch");
  return TRUE;
}

static gboolean
read_argument (
    const NpuFields *fields, NpuManifestArgument *argument, GError **error)
{
  static const gchar *const names[] = { "name", "kind", "direction", "type",
    "shape", "bytes", NULL };
  guint kind, direction, element;

  if (!npu_fields_check_names (fields, names, error)
      || !npu_fields_get_text (
          fields, "name", NPU_TEXT_NAME, &argument->name, error)
      || !npu_fields_get_choice (fields, "kind", kinds, &kind, error)
      || !npu_fields_get_choice (
          fields, "direction", directions, &direction, error)
      || !npu_fields_get_choice (fields, "type", elements, &element, error)
      || !npu_fields_get_integer (fields, "bytes", 1,
          NPU_MANIFEST_MAX_BUFFER_BYTES, &argument->bytes, error))
    return FALSE;
  argument->kind = kind;
  argument->direction = direction + 1;
  argument->element = element;
  if (!check_direction (fields, argument, error)
      || !read_shape (fields, argument, error))
    return FALSE;
  if (argument->bytes % WORD != 0)
    return npu_fields_refuse (fields, "bytes", error,
        "is %" G_GUINT64_FORMAT ", not a multiple of %d", argument->bytes,
        WORD);
  return TRUE;
}

static gboolean
check_unique_argument (const NpuFields *fields,
    const NpuManifestSequence *sequence, GError **error)
{
  guint last = sequence->arguments->len - 1, i;
  NpuManifestArgument *added = g_ptr_array_index (sequence->arguments, last);

  for (i = 0; i < last; i++) {
    NpuManifestArgument *other = g_ptr_array_index (sequence->arguments, i);

    if (strcmp (other->name, added->name) == 0)
      return npu_fields_refuse (fields, "name", error,
          "\"%s\" is another argument's already", added->name);
  }
  return TRUE;
}

static gboolean
gives_result (const NpuManifestSequence *sequence)
{
  guint i;

  for (i = 0; i < sequence->arguments->len; i++) {
    NpuManifestArgument *argument = g_ptr_array_index (sequence->arguments, i);

    if (argument->kind == NPU_ARGUMENT_DATA
        && argument->direction & NPU_ARGUMENT_OUT)
      return TRUE;
  }
  return FALSE;
}

static gboolean
read_arguments (
    const NpuFields *fields, NpuManifestSequence *sequence, GError **error)
{
  JsonArray *array;
  guint i;

  if (!npu_fields_get_array (
          fields, "arguments", NPU_INSTS_MAX_BUFFERS, &array, error))
    return FALSE;
  for (i = 0; i < json_array_get_length (array); i++) {
    NpuManifestArgument *argument;
    NpuFields inner;
    gboolean sound;

    if (!npu_fields_get_element (fields, "arguments", array, i, &inner, error))
      return FALSE;
    argument = g_new0 (NpuManifestArgument, 1);
    g_ptr_array_add (sequence->arguments, argument);
    sound = read_argument (&inner, argument, error)
            && check_unique_argument (&inner, sequence, error);
    npu_fields_clear (&inner);
    if (!sound)
      return FALSE;
  }
  if (!gives_result (sequence))
    return npu_fields_refuse (
        fields, "arguments", error, "none is data with direction out or inout");
  return TRUE;
}

static gboolean
read_sequence (
    const NpuFields *fields, NpuManifestSequence *sequence, GError **error)
{
  static const gchar *const names[] = { "name", "sizes", "insts", "arguments",
    NULL };
  NpuFields sizes;
  gboolean sound;

  if (!npu_fields_check_names (fields, names, error)
      || !npu_fields_get_text (
          fields, "name", NPU_TEXT_NAME, &sequence->name, error)
      || !npu_fields_get_object (fields, "sizes", &sizes, error))
    return FALSE;
  sound = read_sizes (&sizes, sequence, error);
  npu_fields_clear (&sizes);
  return sound
         && npu_manifest_file_read_object (
             fields, "insts", &sequence->insts, error)
         && read_arguments (fields, sequence, error);
}

NpuManifestSequence *
npu_manifest_sequence_read (const NpuFields *fields, GError **error)
{
  NpuManifestSequence *sequence = g_new0 (NpuManifestSequence, 1);

  sequence->sizes = g_ptr_array_new_with_free_func (free_size);
  sequence->arguments = g_ptr_array_new_with_free_func (free_argument);
  if (!read_sequence (fields, sequence, error))
    g_clear_pointer (&sequence, npu_manifest_sequence_free);
  return sequence;
}

guint64
npu_manifest_sequence_get_size (
    const NpuManifestSequence *sequence, const gchar *name)
{
  guint i;

  for (i = 0; i < sequence->sizes->len; i++) {
    NpuManifestSize *size = g_ptr_array_index (sequence->sizes, i);

    if (strcmp (size->name, name) == 0)
      return size->value;
  }
  return 0;
}

guint64
npu_manifest_sequence_get_answer_bytes (const NpuManifestSequence *sequence)
{
  guint64 bytes = 0;
  guint i;

  for (i = 0; i < sequence->arguments->len; i++) {
    NpuManifestArgument *argument = g_ptr_array_index (sequence->arguments, i);

    if (argument->kind == NPU_ARGUMENT_SCRATCH)
      continue;
    if (argument->direction & NPU_ARGUMENT_IN)
      bytes += argument->bytes;
    if (argument->direction & NPU_ARGUMENT_OUT)
      bytes += argument->bytes;
  }
  return bytes;
}
