/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfolder.c: which of a folder's files are its weights.
 */
#include "whisperfolder.h"

#include "whisperconfig.h"
#include "whispererror.h"
#include "whisperformat.h"

#define SUFFIX ".safetensors"

static const gchar *const usual_names[] = { "model.safetensors",
  "model.safetensors.index.json" };

/* The safetensors file in @path if there is just one, else NULL; @n_found:
 * how many there are. */
static gchar *
only_file (const gchar *path, guint *n_found)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  gchar *only = NULL;
  const gchar *name;

  *n_found = 0;
  while (dir && (name = g_dir_read_name (dir))) {
    gchar *file;

    if (!g_str_has_suffix (name, SUFFIX))
      continue;
    file = g_build_filename (path, name, NULL);
    if (!g_file_test (file, G_FILE_TEST_EXISTS)) {
      g_free (file); /* a link to a download that was never finished */
      continue;
    }
    g_free (only);
    only = ++*n_found == 1 ? g_steal_pointer (&file) : NULL;
    g_free (file);
  }
  if (dir)
    g_dir_close (dir);
  return only;
}

static gchar *
find_weights (const gchar *path, guint *n_found)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (usual_names); i++) {
    gchar *usual = g_build_filename (path, usual_names[i], NULL);

    if (g_file_test (usual, G_FILE_TEST_EXISTS))
      return usual;
    g_free (usual);
  }
  return only_file (path, n_found);
}

gboolean
whisper_folder_has_weights (const gchar *path)
{
  guint n_found;
  gchar *weights = g_file_test (path, G_FILE_TEST_IS_DIR)
                       ? find_weights (path, &n_found)
                       : NULL;

  g_free (weights);
  return weights != NULL;
}

gboolean
whisper_folder_read (const gchar *path, WhisperTensors *tensors, GError **error)
{
  guint n_found = 0;
  gchar *weights = find_weights (path, &n_found);
  gchar *config = g_build_filename (path, WHISPER_CONFIG_NAME, NULL);
  gboolean sound;

  if (!weights)
    sound = whisper_error_set (error, WHISPER_MODEL_ERROR_UNREADABLE, path,
        n_found == 0 ? "a folder without a " SUFFIX " file in it"
                     : "a folder with several " SUFFIX " files, none of them "
                       "model" SUFFIX);
  else
    sound = (!g_file_test (config, G_FILE_TEST_EXISTS)
                || whisper_config_read (config, tensors, error))
            && whisper_format_read (weights, tensors, error);
  g_free (config);
  g_free (weights);
  return sound;
}
