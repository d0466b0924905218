/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * makeseeds.c: sound weight files of both formats, as small as they can be, as
 * the fuzz targets take them (without what those put in front).
 *
 * Usage: makeseeds safetensors|ggml FOLDER
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "whisperfixture.h"
#include "whisperfixtureggml.h"

#define SAFETENSORS_LENGTH_BYTES 8
#define GGML_MAGIC_BYTES 4

/* As small as the readers allow. */
static const FixtureSizes smallest = { 80, 64, 64, 1, 1 };

static void
write_seed (const gchar *folder, const gchar *name, const GByteArray *bytes,
    gsize skipped)
{
  gchar *path = g_build_filename (folder, name, NULL);
  GError *error = NULL;

  if (!g_file_set_contents (path, (const gchar *) bytes->data + skipped,
          bytes->len - skipped, &error))
    g_error ("%s", error->message);
  g_free (path);
}

static void
make_ggml (const gchar *folder, GPtrArray *model)
{
  static const GgmlType types[] = { GGML_F32, GGML_F16, GGML_Q4_0, GGML_Q4_1,
    GGML_Q5_0, GGML_Q5_1, GGML_Q8_0 };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    GgmlFile *file = ggml_file_new (model, &smallest, types[i]);
    gchar *name = g_strdup_printf ("type-%d", types[i]);

    write_seed (folder, name, file->bytes, GGML_MAGIC_BYTES);
    g_free (name);
    ggml_file_free (file);
  }
}

static void
make_safetensors (const gchar *folder, GPtrArray *model)
{
  static const gchar *const dtypes[] = { "F32", "F16", "BF16" };
  static const gchar *const prefixes[] = { "model.encoder.", "encoder.", "" };

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++) {
    FixtureFile *file = fixture_file_new (model, dtypes[i], prefixes[i]);
    GByteArray *bytes = fixture_file_bytes (file);

    write_seed (folder, dtypes[i], bytes, SAFETENSORS_LENGTH_BYTES);
    g_byte_array_unref (bytes);
    fixture_file_free (file);
  }
}

int
main (int argc, char **argv)
{
  GPtrArray *model;

  if (argc != 3 || g_mkdir_with_parents (argv[2], 0777) != 0) {
    g_printerr ("usage: makeseeds safetensors|ggml FOLDER\n");
    return 2;
  }
  model = fixture_model_new (&smallest);
  if (strcmp (argv[1], "ggml") == 0)
    make_ggml (argv[2], model);
  else
    make_safetensors (argv[2], model);
  g_ptr_array_unref (model);
  return 0;
}
