/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npudesignsearch.c: finds designs for NPUs.
 */
#include "npudesignsearch.h"

#include <string.h>

#include "npufolders.h"

const gchar *
npu_design_place_name (NpuDesignPlace place)
{
  switch (place) {
    case NPU_DESIGN_PLACE_VARIABLE:
      return "NPU_DESIGN_PATH";
    case NPU_DESIGN_PLACE_DATA:
      return "data folder";
    case NPU_DESIGN_PLACE_INSTALLED:
      return "installed";
  }
  return NULL;
}

static void
candidate_free (gpointer data)
{
  NpuDesignCandidate *candidate = data;

  g_clear_pointer (&candidate->design, npu_design_unref);
  g_free (candidate->path);
  g_free (candidate->reason);
  g_free (candidate);
}

static NpuDesignCandidate *
add (GPtrArray *list, NpuDesignPlace place, const gchar *path)
{
  NpuDesignCandidate *candidate = g_new0 (NpuDesignCandidate, 1);

  candidate->place = place;
  candidate->path = g_strdup (path);
  g_ptr_array_add (list, candidate);
  return candidate;
}

static void
add_reason (GPtrArray *list, NpuDesignPlace place, const gchar *path,
    const gchar *reason)
{
  add (list, place, path)->reason = g_strdup (reason);
}

/* Loads the design in @path, unless one of its name came before. */
static void
add_design (GPtrArray *list, NpuDesignPlace place, const gchar *path)
{
  GError *problem = NULL;
  NpuDesign *design = npu_design_load (path, &problem);
  NpuDesign *first;

  if (!design) {
    add_reason (list, place, path, problem->message);
    g_error_free (problem);
    return;
  }
  first = npu_design_search_find (
      list, design->manifest->name, design->manifest->generation);
  if (first) {
    add (list, place, path)->reason = g_strdup_printf (
        "design \"%s\" for generation %u was found in %s before",
        design->manifest->name, design->manifest->generation, first->folder);
    npu_design_unref (design);
  } else {
    add (list, place, path)->design = design;
  }
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar **) a, *(const gchar **) b);
}

/* The folders in @folder (full paths) in the order of their names. */
static GPtrArray *
list_folders (const gchar *folder)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    gchar *path = g_build_filename (folder, name, NULL);

    if (g_file_test (path, G_FILE_TEST_IS_DIR))
      g_ptr_array_add (paths, path);
    else
      g_free (path);
  }
  if (dir)
    g_dir_close (dir);
  g_ptr_array_sort (paths, compare_names);
  return paths;
}

static gboolean
is_design (const gchar *folder)
{
  gchar *manifest = g_build_filename (folder, NPU_MANIFEST_NAME, NULL);
  gboolean exists = g_file_test (manifest, G_FILE_TEST_EXISTS)
                    || g_file_test (manifest, G_FILE_TEST_IS_SYMLINK);

  g_free (manifest);
  return exists;
}

static void
search_folder (GPtrArray *list, NpuDesignPlace place, const gchar *folder)
{
  GPtrArray *paths = list_folders (folder);
  guint i;

  for (i = 0; i < paths->len; i++)
    add_design (list, place, g_ptr_array_index (paths, i));
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    add_reason (list, place, folder, "no such folder");
  else if (paths->len == 0)
    add_reason (list, place, folder,
        "no design in it (a folder with " NPU_MANIFEST_NAME ")");
  g_ptr_array_unref (paths);
}

static void
search_variable (GPtrArray *list)
{
  const gchar *value = npu_folders_variable ("NPU_DESIGN_PATH");
  gchar **folders;
  guint i;

  if (!value) {
    add_reason (list, NPU_DESIGN_PLACE_VARIABLE, "", "not set");
    return;
  }
  folders = g_strsplit (value, ":", -1);
  for (i = 0; folders[i]; i++) {
    if (*folders[i] == '\0')
      continue;
    if (is_design (folders[i]))
      add_design (list, NPU_DESIGN_PLACE_VARIABLE, folders[i]);
    else
      search_folder (list, NPU_DESIGN_PLACE_VARIABLE, folders[i]);
  }
  g_strfreev (folders);
}

GPtrArray *
npu_design_search (const gchar *installed)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (candidate_free);
  gchar *base = npu_folders_xdg ("XDG_DATA_HOME", ".local/share");
  gchar *data = g_build_filename (base, "gst-npu", "designs", NULL);

  search_variable (list);
  search_folder (list, NPU_DESIGN_PLACE_DATA, data);
  search_folder (list, NPU_DESIGN_PLACE_INSTALLED,
      installed ? installed : NPU_PKGLIBDIR "/designs");
  g_free (data);
  g_free (base);
  return list;
}

NpuDesign *
npu_design_search_find (
    GPtrArray *candidates, const gchar *name, guint generation)
{
  guint i;

  for (i = 0; i < candidates->len; i++) {
    NpuDesignCandidate *candidate = g_ptr_array_index (candidates, i);
    const NpuManifest *manifest =
        candidate->design ? candidate->design->manifest : NULL;

    if (manifest && manifest->generation == generation
        && strcmp (manifest->name, name) == 0)
      return candidate->design;
  }
  return NULL;
}
