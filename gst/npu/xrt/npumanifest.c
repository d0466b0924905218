/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumanifest.c: reads a manifest, field by field in the order of
 * docs/npu-designs.md, and holds its claims against each other.
 */
#include "npumanifest-private.h"

#include <string.h>

#include "npuinsts.h"
#include "npujson.h"
#include "npuxclbin.h"

#define MAX_TOOLS 16

static void
free_tool (gpointer data)
{
  NpuManifestTool *tool = data;

  g_free (tool->name);
  g_free (tool->version);
  g_free (tool);
}

static gboolean
read_tools (const NpuFields *tools, NpuManifest *manifest, GError **error)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;

  json_object_iter_init (&iter, tools->object);
  while (json_object_iter_next (&iter, &name, &node)) {
    NpuManifestTool *tool = g_new0 (NpuManifestTool, 1);

    g_ptr_array_add (manifest->toolchain, tool);
    if (!npu_fields_check_name (tools, name, error)
        || !npu_fields_get_text (
            tools, name, NPU_TEXT_PRINTABLE, &tool->version, error))
      return FALSE;
    tool->name = g_strdup (name);
  }
  if (manifest->toolchain->len < 1 || manifest->toolchain->len > MAX_TOOLS)
    return npu_fields_refuse (tools, NULL, error, "names %u tools, not 1 to %d",
        manifest->toolchain->len, MAX_TOOLS);
  return TRUE;
}

/* Adds sequence @i of @array. */
static gboolean
add_sequence (const NpuFields *root, JsonArray *array, guint i,
    NpuManifest *manifest, GError **error)
{
  NpuManifestSequence *sequence;
  NpuFields fields;

  if (!npu_fields_get_element (root, "sequences", array, i, &fields, error))
    return FALSE;
  sequence = npu_manifest_sequence_read (&fields, error);
  if (sequence && npu_manifest_find_sequence (manifest, sequence->name)) {
    npu_fields_refuse (&fields, "name", error,
        "\"%s\" is another sequence's already", sequence->name);
    g_clear_pointer (&sequence, npu_manifest_sequence_free);
  }
  npu_fields_clear (&fields);
  if (sequence)
    g_ptr_array_add (manifest->sequences, sequence);
  return sequence != NULL;
}

static gboolean
read_sequences (const NpuFields *root, NpuManifest *manifest, GError **error)
{
  JsonArray *array;
  guint i;

  if (!npu_fields_get_array (
          root, "sequences", NPU_MANIFEST_MAX_SEQUENCES, &array, error))
    return FALSE;
  for (i = 0; i < json_array_get_length (array); i++) {
    if (!add_sequence (root, array, i, manifest, error))
      return FALSE;
  }
  return TRUE;
}

/* The answer's length follows from the sequence that it is of. */
static gboolean
check_answer (const NpuFields *fields, NpuManifest *manifest, const gchar *name,
    GError **error)
{
  const NpuManifestSequence *sequence =
      npu_manifest_find_sequence (manifest, name);
  guint64 bytes;

  if (!sequence)
    return npu_fields_refuse (
        fields, "sequence", error, "there is no sequence \"%s\"", name);
  g_ptr_array_find (manifest->sequences, sequence, &manifest->known_sequence);
  bytes = npu_manifest_sequence_get_answer_bytes (sequence);
  if (manifest->known_answer.bytes != bytes)
    return npu_fields_refuse (fields, "bytes", error,
        "is %" G_GUINT64_FORMAT
        ", but the inputs and outputs of \"%s\" have %" G_GUINT64_FORMAT,
        manifest->known_answer.bytes, name, bytes);
  return TRUE;
}

static gboolean
read_answer (const NpuFields *root, NpuManifest *manifest, GError **error)
{
  static const gchar *const names[] = { "sequence", "file", "bytes", "sha256",
    "tolerance", NULL };
  NpuFields fields;
  gchar *sequence = NULL;
  gboolean sound;

  if (!npu_fields_get_object (root, "known_answer", &fields, error))
    return FALSE;
  sound = npu_fields_check_names (&fields, names, error)
          && npu_fields_get_text (
              &fields, "sequence", NPU_TEXT_NAME, &sequence, error)
          && npu_manifest_file_read (&fields, &manifest->known_answer, error)
          && npu_fields_get_number (
              &fields, "tolerance", 0.0, 1.0, &manifest->tolerance, error)
          && check_answer (&fields, manifest, sequence, error);
  g_free (sequence);
  npu_fields_clear (&fields);
  return sound;
}

/* First, since of another version nothing else is known. */
static gboolean
check_version (const NpuFields *root, GError **error)
{
  static const gchar *const formats[] = { NPU_MANIFEST_FORMAT, NULL };
  guint64 version;
  guint format;

  if (!npu_fields_get_choice (root, "format", formats, &format, error)
      || !npu_fields_get_integer (
          root, "version", 1, G_MAXINT32, &version, error))
    return FALSE;
  if (version != NPU_MANIFEST_VERSION)
    return npu_design_error_set (error, NPU_DESIGN_ERROR_UNSUPPORTED,
        root->path,
        "version: is %" G_GUINT64_FORMAT ", but this gst-npu reads %d", version,
        NPU_MANIFEST_VERSION);
  return TRUE;
}

static gboolean
read_device (const NpuFields *root, NpuManifest *manifest, GError **error)
{
  guint64 generation, columns;

  if (!npu_fields_get_integer (root, "generation", NPU_GENERATION_PHOENIX,
          NPU_GENERATION_STRIX, &generation, error)
      || !npu_fields_get_integer (
          root, "columns", 1, NPU_XCLBIN_MAX_COLUMNS, &columns, error))
    return FALSE;
  manifest->generation = generation;
  manifest->columns = columns;
  return TRUE;
}

static gboolean
read_manifest (const NpuFields *root, NpuManifest *manifest, GError **error)
{
  static const gchar *const names[] = { "format", "version", "name",
    "generation", "columns", "kernel", "toolchain", "xclbin", "sequences",
    "known_answer", NULL };
  NpuFields tools;
  gboolean sound;

  if (!check_version (root, error)
      || !npu_fields_check_names (root, names, error)
      || !npu_fields_get_text (
          root, "name", NPU_TEXT_NAME, &manifest->name, error)
      || !read_device (root, manifest, error)
      || !npu_fields_get_text (
          root, "kernel", NPU_TEXT_IDENTIFIER, &manifest->kernel, error)
      || !npu_fields_get_object (root, "toolchain", &tools, error))
    return FALSE;
  sound = read_tools (&tools, manifest, error);
  npu_fields_clear (&tools);
  return sound
         && npu_manifest_file_read_object (
             root, "xclbin", &manifest->xclbin, error)
         && read_sequences (root, manifest, error)
         && read_answer (root, manifest, error);
}

NpuManifest *
npu_manifest_parse (
    const gchar *text, gsize length, const gchar *path, GError **error)
{
  NpuFields root = { .path = path, .where = "" };
  NpuManifest *manifest;
  gchar *fault = NULL;
  JsonNode *node;

  if (length > NPU_MANIFEST_MAX_BYTES)
    fault =
        g_strdup_printf ("%" G_GSIZE_FORMAT " bytes are too many (at most %d)",
            length, NPU_MANIFEST_MAX_BYTES);
  node = fault ? NULL : npu_json_parse (text, length, &fault);
  if (!node) {
    npu_design_error_set (error, NPU_DESIGN_ERROR_MANIFEST, path, "%s", fault);
    g_free (fault);
    return NULL;
  }
  root.object = json_node_get_object (node);
  manifest = g_new0 (NpuManifest, 1);
  manifest->toolchain = g_ptr_array_new_with_free_func (free_tool);
  manifest->sequences = g_ptr_array_new_with_free_func (
      (GDestroyNotify) npu_manifest_sequence_free);
  if (!read_manifest (&root, manifest, error))
    g_clear_pointer (&manifest, npu_manifest_free);
  json_node_unref (node);
  return manifest;
}

void
npu_manifest_free (NpuManifest *manifest)
{
  g_free (manifest->name);
  g_free (manifest->kernel);
  g_ptr_array_unref (manifest->toolchain);
  npu_manifest_file_clear (&manifest->xclbin);
  g_ptr_array_unref (manifest->sequences);
  npu_manifest_file_clear (&manifest->known_answer);
  g_free (manifest);
}

const NpuManifestSequence *
npu_manifest_find_sequence (const NpuManifest *manifest, const gchar *name)
{
  guint i;

  for (i = 0; i < manifest->sequences->len; i++) {
    NpuManifestSequence *sequence = g_ptr_array_index (manifest->sequences, i);

    if (strcmp (sequence->name, name) == 0)
      return sequence;
  }
  return NULL;
}
