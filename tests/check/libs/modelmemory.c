/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * modelmemory.c: packing a large-v3 encoder takes hardly more memory than what
 * is packed.  The file is sparse: all of its weights are zeros, but are mapped,
 * checked and packed like any others.
 */
#include <gst/check/gstcheck.h>

#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "whisperencoder.h"
#include "whisperfixture.h"

/* large-v3: 637 M weights, 1.27 GB in F16 */
static const FixtureSizes large_v3 = { 128, 1280, 5120, 32, 1500 };

#define MOST_MEMORY 1.15 /* of what is packed */
#define NEEDED_KB (6 * 1024 * 1024)

/* A field of @file in kB, or 0. */
static gulong
read_kb (const gchar *file, const gchar *field)
{
  gchar *text = NULL;
  const gchar *line;
  gulong kb = 0;

  if (g_file_get_contents (file, &text, NULL, NULL)
      && (line = strstr (text, field)) != NULL)
    kb = strtoul (line + strlen (field), NULL, 10);
  g_free (text);
  return kb;
}

static void
add_tensor (GString *header, guint64 *offset, const gchar *name, guint n_dims,
    const guint dims[3])
{
  guint64 size = 2;

  g_string_append_printf (header, "%s\"%s\":{\"dtype\":\"F16\",\"shape\":[",
      header->len > 1 ? "," : "", name);
  for (guint i = 0; i < n_dims; i++) {
    g_string_append_printf (header, "%s%u", i > 0 ? "," : "", dims[i]);
    size *= dims[i];
  }
  g_string_append_printf (header,
      "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}",
      *offset, *offset + size);
  *offset += size;
}

static void
add_layer (GString *header, guint64 *offset, guint layer)
{
  const guint d = large_v3.width, ffn = large_v3.ffn;
  const struct {
    const gchar *name;
    guint n_dims, dims[3];
  } tensors[] = {
    { "self_attn_layer_norm.weight", 1, { d } },
    { "self_attn_layer_norm.bias", 1, { d } },
    { "self_attn.q_proj.weight", 2, { d, d } },
    { "self_attn.q_proj.bias", 1, { d } },
    { "self_attn.k_proj.weight", 2, { d, d } },
    { "self_attn.v_proj.weight", 2, { d, d } },
    { "self_attn.v_proj.bias", 1, { d } },
    { "self_attn.out_proj.weight", 2, { d, d } },
    { "self_attn.out_proj.bias", 1, { d } },
    { "final_layer_norm.weight", 1, { d } },
    { "final_layer_norm.bias", 1, { d } },
    { "fc1.weight", 2, { ffn, d } },
    { "fc1.bias", 1, { ffn } },
    { "fc2.weight", 2, { d, ffn } },
    { "fc2.bias", 1, { d } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++) {
    gchar *name = g_strdup_printf ("layers.%u.%s", layer, tensors[i].name);

    add_tensor (header, offset, name, tensors[i].n_dims, tensors[i].dims);
    g_free (name);
  }
}

static GString *
make_header (guint64 *size)
{
  const guint d = large_v3.width;
  GString *header = g_string_new ("{");

  *size = 0;
  add_tensor (header, size, "conv1.weight", 3,
      (const guint[3]){ d, large_v3.n_mels, 3 });
  add_tensor (header, size, "conv1.bias", 1, (const guint[3]){ d });
  add_tensor (header, size, "conv2.weight", 3, (const guint[3]){ d, d, 3 });
  add_tensor (header, size, "conv2.bias", 1, (const guint[3]){ d });
  add_tensor (header, size, "embed_positions.weight", 2,
      (const guint[3]){ large_v3.positions, d });
  add_tensor (header, size, "layer_norm.weight", 1, (const guint[3]){ d });
  add_tensor (header, size, "layer_norm.bias", 1, (const guint[3]){ d });
  for (guint i = 0; i < large_v3.layers; i++)
    add_layer (header, size, i);
  g_string_append_c (header, '}');
  return header;
}

/* The path of the file (transfer full). */
static gchar *
write_model (void)
{
  guint64 size;
  GString *header = make_header (&size);
  guint64 length = GUINT64_TO_LE ((guint64) header->len);
  gchar *path = fixture_path ("large-v3.safetensors");
  FILE *file = g_fopen (path, "wb");

  fail_unless (file != NULL);
  fail_unless (fwrite (&length, sizeof (length), 1, file) == 1);
  fail_unless (fwrite (header->str, header->len, 1, file) == 1);
  fail_unless (fflush (file) == 0);
  fail_unless (
      ftruncate (fileno (file), (off_t) (sizeof (length) + header->len + size))
      == 0);
  fclose (file);
  g_string_free (header, TRUE);
  return path;
}

GST_START_TEST (test_large_v3_takes_what_is_packed)
{
  NpuBackend *backend = npu_cpu_backend_new (NULL, NULL);
  gchar *path = write_model ();
  gulong before = read_kb ("/proc/self/status", "VmRSS:");
  GError *error = NULL;
  WhisperModel *model = whisper_model_open (path, &error);
  WhisperProgram *program;
  gdouble packed_kb, peak_kb;

  fail_unless (model != NULL, "%s", error != NULL ? error->message : "");
  fail_unless_equals_string (whisper_model_get_name (model), "large-v3");
  program = whisper_program_new (backend, model, NPU_PRECISION_INT8, &error);
  fail_unless (program != NULL, "%s", error != NULL ? error->message : "");

  packed_kb = (gdouble) whisper_program_get_packed_bytes (program) / 1024;
  peak_kb = (gdouble) read_kb ("/proc/self/status", "VmHWM:") - before;
  fail_unless (packed_kb > 600 * 1024 && peak_kb > packed_kb / 2,
      "%.0f kB packed, %.0f kB at most", packed_kb, peak_kb);
  fail_unless (peak_kb <= MOST_MEMORY * packed_kb,
      "%.0f kB packed, but %.0f kB at most", packed_kb, peak_kb);

  whisper_program_free (program);
  whisper_model_unref (model);
  backend->ops->free (backend);
  g_free (path);
  fixture_folder_remove ();
}
GST_END_TEST;

static Suite *
modelmemory_suite (void)
{
  Suite *suite = suite_create ("modelmemory");
  TCase *tcase = tcase_create ("memory");

  suite_add_tcase (suite, tcase);
  tcase_set_timeout (tcase, 300);
  tcase_add_test (tcase, test_large_v3_takes_what_is_packed);
  return suite;
}

int
main (int argc, char **argv)
{
  gulong available = read_kb ("/proc/meminfo", "MemAvailable:");

  if (available < NEEDED_KB) {
    g_printerr ("skipped: %lu MB of memory are available, %u are needed\n",
        available / 1024, NEEDED_KB / 1024);
    return 77;
  }
  gst_check_init (&argc, &argv);
  return gst_check_run_suite (modelmemory_suite (), "modelmemory", __FILE__);
}
