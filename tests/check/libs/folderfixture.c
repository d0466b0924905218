/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * folderfixture.c: a folder for a test's files.
 */
#include "folderfixture.h"

#include <errno.h>
#include <ftw.h>
#include <gst/check/gstcheck.h>
#include <stdio.h>

static gchar *folder;

const gchar *
fixture_folder (void)
{
  if (!folder)
    folder = g_dir_make_tmp ("gst-npu-XXXXXX", NULL);
  fail_unless (folder != NULL);
  return folder;
}

static int
remove_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  return remove (path);
}

void
fixture_folder_remove (void)
{
  if (folder)
    nftw (folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  g_clear_pointer (&folder, g_free);
}

gchar *
fixture_path (const gchar *name)
{
  gchar *path = g_build_filename (fixture_folder (), name, NULL);
  gchar *parent = g_path_get_dirname (path);

  fail_unless_equals_int (g_mkdir_with_parents (parent, 0700), 0);
  g_free (parent);
  return path;
}

gchar *
fixture_write (const gchar *name, const void *data, gsize size)
{
  gchar *path = fixture_path (name);
  FILE *out = fopen (path, "wb");

  fail_unless (out != NULL, "%s: %s", path, g_strerror (errno));
  fail_unless (size == 0 || fwrite (data, size, 1, out) == 1);
  fail_unless_equals_int (fclose (out), 0);
  return path;
}
