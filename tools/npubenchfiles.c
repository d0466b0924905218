/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npubenchfiles.c: sound files that repeat the input, for whole pipelines. */
#include "npubench.h"

#include <glib/gstdio.h>
#include <math.h>

const guint bench_file_windows[BENCH_N_FILES] = { 1, BENCH_MANY_WINDOWS,
  (BENCH_MANY_WINDOWS - 1) / BENCH_PIPELINES + 1 };

static void
put_number (GString *out, guint32 value, guint bytes)
{
  for (guint i = 0; i < bytes; i++)
    g_string_append_c (out, (gchar) (value >> (8 * i)));
}

/* 16 kHz mono s16; the input's samples are exact in it. */
static gboolean
write_wav (
    const gchar *path, const BenchInput *input, guint windows, GError **error)
{
  gsize n = 2 * (gsize) input->positions * NPU_MEL_HOP;
  guint32 bytes = (guint32) (windows * n * 2);
  GString *wav = g_string_sized_new (44 + bytes);
  gboolean ok;

  g_string_append (wav, "RIFF");
  put_number (wav, 36 + bytes, 4);
  g_string_append (wav, "WAVEfmt ");
  put_number (wav, 16, 4);
  put_number (wav, 1, 2);
  put_number (wav, 1, 2);
  put_number (wav, NPU_MEL_RATE, 4);
  put_number (wav, 2 * NPU_MEL_RATE, 4);
  put_number (wav, 2, 2);
  put_number (wav, 16, 2);
  g_string_append (wav, "data");
  put_number (wav, bytes, 4);
  for (guint window = 0; window < windows; window++)
    for (gsize i = 0; i < n; i++)
      put_number (
          wav, (guint32) (gint16) lrintf (input->samples[i] * 32768.0f), 2);
  ok = g_file_set_contents (path, wav->str, (gssize) wav->len, error);
  g_string_free (wav, TRUE);
  return ok;
}

BenchFiles *
bench_files_new (const BenchInput *input, GError **error)
{
  BenchFiles *files = g_new0 (BenchFiles, 1);

  files->folder = g_dir_make_tmp ("gst-npu-bench-XXXXXX", error);
  for (guint i = 0; files->folder != NULL && i < BENCH_N_FILES; i++) {
    gchar *name = g_strdup_printf ("%u.wav", bench_file_windows[i]);

    files->wavs[i] = g_build_filename (files->folder, name, NULL);
    g_free (name);
    if (!write_wav (files->wavs[i], input, bench_file_windows[i], error)) {
      bench_files_free (files);
      return NULL;
    }
  }
  if (files->folder == NULL)
    g_clear_pointer (&files, g_free);
  return files;
}

void
bench_files_free (BenchFiles *files)
{
  for (guint i = 0; i < BENCH_N_FILES; i++) {
    if (files->wavs[i] != NULL)
      (void) g_unlink (files->wavs[i]);
    g_free (files->wavs[i]);
  }
  (void) g_rmdir (files->folder);
  g_free (files->folder);
  g_free (files);
}
