/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperforge.c: holds a forged weight file against what must be said of it.
 */
#include "whisperforge.h"

#include <gst/check/gstcheck.h>
#include <string.h>
#include <time.h>

/* A forged file is refused within a second: no test here needs a hundredth of
 * that.  Processor time, ten times as much, so that it also holds on a slow or
 * busy machine and under valgrind. */
#define LIMIT_S 10.0

static guint count;

static gdouble
processor_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

void
forge_assert_bytes (const gchar *what, const void *bytes, gsize size,
    WhisperModelError code, const gchar *field)
{
  gchar *path = fixture_write ("forged.bin", bytes, size);
  gdouble start = processor_seconds ();
  GError *error = NULL;
  WhisperModel *model = whisper_model_open (path, &error);

  fail_unless (model == NULL, "%s: the file was accepted", what);
  fail_unless (error != NULL, "%s: no error", what);
  fail_unless (processor_seconds () - start < LIMIT_S, "%s: too slow", what);
  fail_unless (g_error_matches (error, WHISPER_MODEL_ERROR, code),
      "%s: code %d, not %d: %s", what, error->code, code, error->message);
  fail_unless (strstr (error->message, path) != NULL, "%s: no path in \"%s\"",
      what, error->message);
  fail_unless (strstr (error->message, field) != NULL, "%s: no <%s> in \"%s\"",
      what, field, error->message);
  g_error_free (error);
  g_free (path);
  count++;
}

void
forge_assert_file (const gchar *what, FixtureFile *file, WhisperModelError code,
    const gchar *field)
{
  GByteArray *bytes = fixture_file_bytes (file);

  forge_assert_bytes (what, bytes->data, bytes->len, code, field);
  g_byte_array_unref (bytes);
  fixture_file_free (file);
}

void
forge_assert_count (guint least)
{
  GST_INFO ("%u forged files refused", count);
  fail_unless (count >= least, "%u forged files, fewer than %u", count, least);
  count = 0;
}
