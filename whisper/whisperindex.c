/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperindex.c: model.safetensors.index.json is
 * { "metadata": …, "weight_map": { tensor: name of the shard, … } }.
 * The shards are safetensors files.  What they hold and what the map says must
 * agree: every tensor is where the map has it, and none is anywhere else.
 */
#include "whisperindex.h"

#include <string.h>

#include "whispererror.h"
#include "whisperjson.h"
#include "whispersafetensors.h"

/* A shard lies beside its index: its name leads nowhere else. */
static gboolean
check_shard_name (const WhisperFile *index, const gchar *tensor, JsonNode *node,
    GError **error)
{
  const gchar *name = json_node_get_value_type (node) == G_TYPE_STRING
                          ? json_node_get_string (node)
                          : NULL;

  if (!name)
    return whisper_error_corrupt (
        error, index->path, "\"weight_map\": \"%s\" is not a string", tensor);
  if (strchr (name, '/') || name[0] == '.'
      || !g_str_has_suffix (name, ".safetensors"))
    return whisper_error_corrupt (error, index->path,
        "\"weight_map\": \"%s\" is in \"%.64s\", which is no safetensors file "
        "of this folder",
        tensor, name);
  return TRUE;
}

static gboolean
read_shard (const WhisperFile *index, const gchar *name,
    WhisperTensors *tensors, GError **error)
{
  gchar *folder = g_path_get_dirname (index->path);
  gchar *path = g_build_filename (folder, name, NULL);
  WhisperFile *file = whisper_file_open (path, error);

  g_free (path);
  g_free (folder);
  if (!file)
    return FALSE;
  whisper_tensors_add_file (tensors, file);
  return whisper_safetensors_read (file, tensors, error);
}

/* Reads each shard when the map first names it; @shards holds their names. */
static gboolean
read_shards (const WhisperFile *index, JsonObject *map, GHashTable *shards,
    WhisperTensors *tensors, GError **error)
{
  JsonObjectIter iter;
  const gchar *tensor;
  JsonNode *node;

  json_object_iter_init (&iter, map);
  while (json_object_iter_next (&iter, &tensor, &node)) {
    const gchar *name;

    if (!check_shard_name (index, tensor, node, error))
      return FALSE;
    name = json_node_get_string (node);
    if (!g_hash_table_add (shards, g_strdup (name)))
      continue;
    if (g_hash_table_size (shards) > WHISPER_MAX_SHARDS)
      return whisper_error_corrupt (error, index->path,
          "\"weight_map\" names more than %d files", WHISPER_MAX_SHARDS);
    if (!read_shard (index, name, tensors, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_in_shard (const WhisperTensor *tensor, const gchar *shard)
{
  gchar *name = g_path_get_basename (tensor->file->path);
  gboolean is = strcmp (name, shard) == 0;

  g_free (name);
  return is;
}

static gboolean
check_map (const WhisperFile *index, JsonObject *map, WhisperTensors *tensors,
    GError **error)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;

  json_object_iter_init (&iter, map);
  while (json_object_iter_next (&iter, &name, &node)) {
    WhisperTensor *tensor = g_hash_table_lookup (tensors->by_name, name);
    const gchar *shard = json_node_get_string (node);

    if (!tensor || !is_in_shard (tensor, shard))
      return whisper_error_corrupt (error, index->path,
          "\"weight_map\": \"%s\" is not in \"%s\"", name, shard);
  }
  return TRUE;
}

static gboolean
check_tensors (const WhisperFile *index, JsonObject *map,
    WhisperTensors *tensors, GError **error)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, tensors->by_name);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    if (!json_object_has_member (map, name))
      return whisper_error_corrupt (error, index->path,
          "\"weight_map\" lacks \"%s\", which a shard has",
          (const gchar *) name);
  }
  return TRUE;
}

static gboolean
read_map (const WhisperFile *index, JsonObject *root, WhisperTensors *tensors,
    GError **error)
{
  JsonNode *node = json_object_get_member (root, "weight_map");
  GHashTable *shards;
  JsonObject *map;
  gboolean sound;

  if (!node || !JSON_NODE_HOLDS_OBJECT (node))
    return whisper_error_corrupt (error, index->path, "\"weight_map\" is %s",
        node ? "not a JSON object" : "missing");
  map = json_node_get_object (node);
  shards = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  sound = read_shards (index, map, shards, tensors, error)
          && check_map (index, map, tensors, error)
          && check_tensors (index, map, tensors, error);
  g_hash_table_unref (shards);
  return sound;
}

gboolean
whisper_index_read (
    const WhisperFile *file, WhisperTensors *tensors, GError **error)
{
  JsonNode *root = whisper_json_parse (
      (const gchar *) file->data, file->size, file->path, "index", error);
  gboolean sound;

  if (!root)
    return FALSE;
  sound = read_map (file, json_node_get_object (root), tensors, error);
  json_node_unref (root);
  return sound;
}
