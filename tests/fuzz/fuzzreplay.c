/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzzreplay.c: runs a fuzz target on files, without libFuzzer: the seeds and
 * what fuzzing once found, in every build and with every compiler.
 *
 * Usage: replay SEEDS [FILE|FOLDER…]
 *
 * Fails unless every file of SEEDS is sound: seeds that are refused would lead
 * the fuzzer nowhere.
 */
#include <glib.h>

#include "fuzztarget.h"

static gboolean
replay_file (const gchar *path)
{
  gchar *contents;
  gsize size;
  GError *error = NULL;

  if (!g_file_get_contents (path, &contents, &size, &error)) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    return FALSE;
  }
  g_print ("%s, %" G_GSIZE_FORMAT " bytes\n", path, size);
  LLVMFuzzerTestOneInput ((const uint8_t *) contents, size);
  g_free (contents);
  return TRUE;
}

/* How many files were run, or -1. */
static gint
replay (const gchar *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const gchar *name;
  gint n = 0;

  if (dir == NULL)
    return replay_file (path) ? 1 : -1;
  while (n >= 0 && (name = g_dir_read_name (dir)) != NULL) {
    gchar *file = g_build_filename (path, name, NULL);

    n = replay_file (file) ? n + 1 : -1;
    g_free (file);
  }
  g_dir_close (dir);
  return n;
}

int
main (int argc, char **argv)
{
  gint total = 0;

  for (int i = 1; i < argc; i++) {
    gint n = replay (argv[i]);

    if (n < 0)
      return 1;
    total += n;
    if (i == 1 && fuzz_accepted != (unsigned) n) {
      g_printerr ("%u of the %d seeds are sound\n", fuzz_accepted, n);
      return 1;
    }
  }
  g_print ("%d files\n", total);
  return total > 0 ? 0 : 1;
}
