/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npufolders.c: the user's folders, as far as variables may be believed.
 */
#include "npufolders.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

const gchar *
npu_folders_variable (const gchar *name)
{
  const gchar *value = secure_getenv (name);

  return value && *value ? value : NULL;
}

/* g_get_home_dir() and its kind would believe HOME even in a setuid process. */
static gchar *
home_folder (void)
{
  const gchar *home = npu_folders_variable ("HOME");
  gchar buffer[4096];
  struct passwd entry, *result = NULL;

  if (home)
    return g_strdup (home);
  if (getpwuid_r (getuid (), &entry, buffer, sizeof buffer, &result) == 0
      && result)
    return g_strdup (result->pw_dir);
  return g_strdup ("/");
}

gchar *
npu_folders_xdg (const gchar *name, const gchar *in_home)
{
  const gchar *value = npu_folders_variable (name);
  gchar *home, *folder;

  if (value && g_path_is_absolute (value))
    return g_strdup (value);
  home = home_folder ();
  folder = g_build_filename (home, in_home, NULL);
  g_free (home);
  return folder;
}
