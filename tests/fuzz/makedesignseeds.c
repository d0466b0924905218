/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * makedesignseeds.c: sound files of designs for NPUs.
 *
 * Usage: makedesignseeds xclbin|insts|manifest FOLDER
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "designfixture.h"

static void
write_seed (const gchar *folder, guint n, const void *data, gsize size)
{
  gchar *name = g_strdup_printf ("%u", n);
  gchar *path = g_build_filename (folder, name, NULL);
  GError *error = NULL;

  if (!g_file_set_contents (path, data, size, &error))
    g_error ("%s", error->message);
  g_free (path);
  g_free (name);
}

/* Frees @b. */
static void
write_bytes (const gchar *folder, guint n, DesignBytes *b)
{
  write_seed (folder, n, b->bytes->data, b->bytes->len);
  design_bytes_free (b);
}

static void
make_manifest (const gchar *folder)
{
  DesignFixture *design = design_fixture_new ();
  gchar *text = design_fixture_manifest (design);

  write_seed (folder, 0, text, strlen (text));
  g_free (text);
  design_fixture_free (design);
}

int
main (int argc, char **argv)
{
  guint columns;

  if (argc != 3 || g_mkdir_with_parents (argv[2], 0777) != 0) {
    g_printerr ("usage: makedesignseeds xclbin|insts|manifest FOLDER\n");
    return 2;
  }
  if (strcmp (argv[1], "manifest") == 0)
    make_manifest (argv[2]);
  for (columns = 1; columns <= 4; columns++) {
    if (strcmp (argv[1], "xclbin") == 0)
      write_bytes (argv[2], columns, design_xclbin_new (columns, NULL));
    else if (strcmp (argv[1], "insts") == 0)
      write_bytes (
          argv[2], columns, design_insts_new (3, columns, 2 * columns));
  }
  return 0;
}
