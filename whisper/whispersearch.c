/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispersearch.c: finds weights that the user has already.
 */
#include "whispersearch.h"

#include <string.h>

#include "npufolders.h"
#include "whisperfolder.h"

#define REPOSITORY_PREFIX "models--openai--whisper-"

const gchar *
whisper_place_name (WhisperPlace place)
{
  switch (place) {
    case WHISPER_PLACE_VARIABLE:
      return "NPU_WHISPER_MODEL";
    case WHISPER_PLACE_DATA:
      return "data folder";
    case WHISPER_PLACE_HUGGING_FACE:
      return "Hugging Face cache";
  }
  return NULL;
}

static void
candidate_free (gpointer data)
{
  WhisperCandidate *candidate = data;

  g_free (candidate->path);
  g_free (candidate->reason);
  g_free (candidate);
}

/* Takes @path. */
static void
add (GPtrArray *list, WhisperPlace place, gchar *path, const gchar *reason)
{
  WhisperCandidate *candidate = g_new0 (WhisperCandidate, 1);

  candidate->place = place;
  candidate->path = path;
  candidate->reason = g_strdup (reason);
  g_ptr_array_add (list, candidate);
}

static gchar *
data_folder (void)
{
  gchar *base = npu_folders_xdg ("XDG_DATA_HOME", ".local/share");
  gchar *folder = g_build_filename (base, "gst-npu", "models", NULL);

  g_free (base);
  return folder;
}

static gchar *
hugging_face_cache (void)
{
  const gchar *hub = npu_folders_variable ("HF_HUB_CACHE");
  const gchar *home = npu_folders_variable ("HF_HOME");
  gchar *base, *folder;

  if (hub)
    return g_strdup (hub);
  if (home)
    return g_build_filename (home, "hub", NULL);
  base = npu_folders_xdg ("XDG_CACHE_HOME", ".cache");
  folder = g_build_filename (base, "huggingface", "hub", NULL);
  g_free (base);
  return folder;
}

/* Whether @name is about the base model: "base" between separators. */
static gboolean
is_base (const gchar *name)
{
  const gchar *found = strstr (name, "-base");

  return found && !g_ascii_isalnum (found[strlen ("-base")]);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  const gchar *x = *(const gchar **) a, *y = *(const gchar **) b;

  if (is_base (x) != is_base (y))
    return is_base (x) ? -1 : 1;
  return strcmp (x, y);
}

/* The names in @folder with that beginning, in order of preference. */
static GPtrArray *
list_folder (const gchar *folder, const gchar *prefix)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    if (g_str_has_prefix (name, prefix))
      g_ptr_array_add (names, g_strdup (name));
  }
  if (dir)
    g_dir_close (dir);
  g_ptr_array_sort (names, compare_names);
  return names;
}

static const gchar *
empty_reason (const gchar *folder, const gchar *nothing_in_it)
{
  return g_file_test (folder, G_FILE_TEST_IS_DIR) ? nothing_in_it
                                                  : "no such folder";
}

static void
search_variable (GPtrArray *list)
{
  const gchar *value = npu_folders_variable ("NPU_WHISPER_MODEL");

  add (list, WHISPER_PLACE_VARIABLE, g_strdup (value ? value : ""),
      value ? NULL : "not set");
}

/* A safetensors or ggml file, or a folder as Hugging Face's hub has it. */
static gboolean
looks_like_weights (const gchar *path)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return whisper_folder_has_weights (path);
  return g_str_has_suffix (path, ".safetensors")
         || g_str_has_suffix (path, ".bin");
}

static void
search_data (GPtrArray *list)
{
  gchar *folder = data_folder ();
  GPtrArray *names = list_folder (folder, "");
  gboolean found = FALSE;
  guint i;

  for (i = 0; i < names->len; i++) {
    gchar *path = g_build_filename (folder, g_ptr_array_index (names, i), NULL);

    if (looks_like_weights (path)) {
      add (list, WHISPER_PLACE_DATA, path, NULL);
      found = TRUE;
    } else {
      g_free (path);
    }
  }
  if (!found)
    add (list, WHISPER_PLACE_DATA, g_strdup (folder),
        empty_reason (folder, "no weights in it (*.safetensors, *.bin)"));
  g_ptr_array_unref (names);
  g_free (folder);
}

/* The commit that the repository's main branch is at, or NULL. */
static gchar *
main_commit (const gchar *repository)
{
  gchar *path = g_build_filename (repository, "refs", "main", NULL);
  gchar *commit = NULL;

  /* A FIFO or a device in its place must not hold the search up. */
  if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
    g_file_get_contents (path, &commit, NULL, NULL);
  g_free (path);
  return commit ? g_strstrip (commit) : NULL;
}

/* Whether @commit can be a folder's name, and not a way out of it. */
static gboolean
is_commit (const gchar *commit)
{
  return commit && *commit
         && strspn (commit, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS)
                == strlen (commit);
}

static gboolean
add_snapshot (GPtrArray *list, const gchar *repository, const gchar *commit)
{
  gchar *path = g_build_filename (repository, "snapshots", commit, NULL);

  if (!whisper_folder_has_weights (path)) {
    g_free (path);
    return FALSE;
  }
  add (list, WHISPER_PLACE_HUGGING_FACE, path, NULL);
  return TRUE;
}

static void
search_repository (GPtrArray *list, const gchar *repository)
{
  gchar *folder = g_build_filename (repository, "snapshots", NULL);
  GPtrArray *commits = list_folder (folder, "");
  gchar *commit = main_commit (repository);
  gboolean found = FALSE;
  guint i;

  if (is_commit (commit))
    found = add_snapshot (list, repository, commit);
  for (i = 0; i < commits->len; i++) {
    if (g_strcmp0 (g_ptr_array_index (commits, i), commit) != 0)
      found |= add_snapshot (list, repository, g_ptr_array_index (commits, i));
  }
  if (!found)
    add (list, WHISPER_PLACE_HUGGING_FACE, g_strdup (repository),
        "no snapshot in it has model.safetensors");
  g_free (commit);
  g_ptr_array_unref (commits);
  g_free (folder);
}

static void
search_hugging_face (GPtrArray *list)
{
  gchar *cache = hugging_face_cache ();
  GPtrArray *names = list_folder (cache, REPOSITORY_PREFIX);
  guint i;

  for (i = 0; i < names->len; i++) {
    gchar *repository =
        g_build_filename (cache, g_ptr_array_index (names, i), NULL);

    search_repository (list, repository);
    g_free (repository);
  }
  if (names->len == 0)
    add (list, WHISPER_PLACE_HUGGING_FACE, g_strdup (cache),
        empty_reason (cache, "no " REPOSITORY_PREFIX "* in it"));
  g_ptr_array_unref (names);
  g_free (cache);
}

GPtrArray *
whisper_search_list (void)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (candidate_free);

  search_variable (list);
  search_data (list);
  search_hugging_face (list);
  return list;
}

WhisperModel *
whisper_candidate_open (WhisperCandidate *candidate, GError **error)
{
  GError *problem = NULL;
  WhisperModel *model = whisper_model_open (candidate->path, &problem);

  if (!model) {
    g_free (candidate->reason);
    candidate->reason = g_strdup (problem->message);
    if (candidate->place == WHISPER_PLACE_VARIABLE)
      g_prefix_error (&problem, "NPU_WHISPER_MODEL: ");
    g_propagate_error (error, problem);
  }
  return model;
}

WhisperModel *
whisper_search_open (GPtrArray *candidates, GError **error)
{
  guint i;

  for (i = 0; i < candidates->len; i++) {
    WhisperCandidate *candidate = g_ptr_array_index (candidates, i);
    gboolean binding = candidate->place == WHISPER_PLACE_VARIABLE;
    WhisperModel *model;

    if (candidate->reason)
      continue;
    model = whisper_candidate_open (candidate, binding ? error : NULL);
    if (model || binding)
      return model;
    g_info ("weights passed over: %s", candidate->reason);
  }
  return NULL;
}
