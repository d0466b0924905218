/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * badmedia.c: files that are cut short, empty or something else.  What comes
 * before the damage is delivered, and the pipeline ends, with an error or
 * without.
 */
#include "audiofixture.h"

#include <sndfile.h>
#include <string.h>

#define SECONDS 3

static gchar *dir, *path;

static void
setup (void)
{
  dir = fixture_dir_new ("npu-badmedia");
  path = g_build_filename (dir, "audio.wav", NULL);
}

static void
teardown (void)
{
  g_free (path);
  fixture_dir_remove (dir);
}

static void
write_bytes (gconstpointer data, gsize size)
{
  fail_unless (g_file_set_contents (path, data, size, NULL));
}

/* Leaves @part of 100 of the file. */
static void
cut_file (guint part)
{
  gchar *data;
  gsize size;

  fail_unless (g_file_get_contents (path, &data, &size, NULL));
  write_bytes (data, size * part / 100);
  g_free (data);
}

/* Both pipelines end with an error that says something, and make nothing. */
static void
assert_refused (void)
{
  Output output;
  GError *error = NULL;

  for (guint i = 0; i < 2; i++) {
    fail_if (i == 0 ? fixture_run_mel (path, &output, &error)
                    : fixture_run_states (path, &output, &error));
    fail_unless (error != NULL && *error->message != '\0');
    fail_unless_equals_int (output.size, 0);
    g_clear_error (&error);
    output_clear (&output);
  }
}

GST_START_TEST (test_not_audio)
{
  static const gchar text[] = "This is a text, whatever its name may say.\n";

  write_bytes (text, strlen (text));
  assert_refused ();
}
GST_END_TEST;

GST_START_TEST (test_empty_file)
{
  write_bytes ("", 0);
  assert_refused ();
}
GST_END_TEST;

/* A header that promises nothing, and nothing behind it. */
GST_START_TEST (test_no_samples)
{
  Recording recording = { .rate = 16000, .channels = 1, .n = 0 };
  Output output;
  GError *error = NULL;

  fixture_write (path, SF_FORMAT_WAV, &recording);
  if (!fixture_run_mel (path, &output, &error))
    fail_unless (error != NULL && *error->message != '\0');
  fail_unless_equals_int (output.size, 0);
  g_clear_error (&error);
  output_clear (&output);
  if (!fixture_run_states (path, &output, &error))
    fail_unless (error != NULL && *error->message != '\0');
  fail_unless_equals_int (output.size, 0);
  g_clear_error (&error);
  output_clear (&output);
}
GST_END_TEST;

/* Runs the cut file, checks that it gave as much as it could, and that what it
 * gave is what the whole file gives. */
static void
check_cut (guint part, guint64 min_samples, guint64 max_samples)
{
  Output whole, cut;
  GError *error = NULL;
  guint64 samples;
  gsize same;

  fail_unless (fixture_run_mel (path, &whole, NULL));
  cut_file (part);
  if (!fixture_run_mel (path, &cut, &error))
    fail_unless (error != NULL && *error->message != '\0');
  g_clear_error (&error);
  samples = output_check_mel (&cut);
  GST_INFO ("%" G_GUINT64_FORMAT " samples", samples);
  fail_unless (samples >= min_samples && samples <= max_samples,
      "%" G_GUINT64_FORMAT " samples, not %" G_GUINT64_FORMAT
      " to %" G_GUINT64_FORMAT,
      samples, min_samples, max_samples);
  /* A frame sees 200 samples to either side. */
  same = (samples - 200) / MEL_HOP * MEL_BANDS * sizeof (gfloat);
  fail_unless (memcmp (whole.data, cut.data, same) == 0);
  output_clear (&whole);
  output_clear (&cut);

  if (!fixture_run_states (path, &cut, &error))
    fail_unless (error != NULL && *error->message != '\0');
  g_clear_error (&error);
  fail_unless_equals_uint64 (output_check_states (&cut), samples);
  output_clear (&cut);
}

GST_START_TEST (test_cut_wav)
{
  Recording recording = { .rate = 16000, .channels = 1, .n = SECONDS * 16000 };
  gsize size = 44 + 2 * recording.n;
  guint64 samples = (size * 60 / 100 - 44) / 2;

  fixture_write (path, SF_FORMAT_WAV, &recording);
  check_cut (60, samples, samples);
}
GST_END_TEST;

GST_START_TEST (test_cut_flac)
{
  Recording recording = { .rate = 16000, .channels = 1, .n = SECONDS * 16000 };

  fixture_write (path, SF_FORMAT_FLAC, &recording);
  /* The loudness varies, so do the bytes to a second; the last block, 4096
   * samples, is broken. */
  check_cut (60, recording.n * 45 / 100, recording.n * 75 / 100);
}
GST_END_TEST;

GST_START_TEST (test_cut_mp3)
{
  Recording recording = { .rate = 16000, .channels = 1, .n = SECONDS * 16000 };

  fixture_encode (path,
      "appsrc name=audio ! lamemp3enc target=bitrate bitrate=64 cbr=true ! "
      "filesink name=out",
      &recording);
  check_cut (60, recording.n * 55 / 100, recording.n * 65 / 100);
}
GST_END_TEST;

/* The header alone, and less than that. */
GST_START_TEST (test_cut_in_the_header)
{
  Recording recording = { .rate = 16000, .channels = 1, .n = 16000 };
  gchar *data;
  gsize size;

  fixture_write (path, SF_FORMAT_WAV, &recording);
  fail_unless (g_file_get_contents (path, &data, &size, NULL));
  for (gsize n = 4; n <= 44; n += 8) {
    Output output;
    GError *error = NULL;

    write_bytes (data, n);
    if (!fixture_run_states (path, &output, &error))
      fail_unless (error != NULL && *error->message != '\0');
    fail_unless_equals_int (output.size, 0);
    g_clear_error (&error);
    output_clear (&output);
  }
  g_free (data);
}
GST_END_TEST;

static Suite *
badmedia_suite (void)
{
  Suite *s = suite_create ("badmedia");
  TCase *tc = tcase_create ("general");
  gchar *missing = fixture_missing_element ("lamemp3enc");

  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_not_audio);
  tcase_add_test (tc, test_empty_file);
  tcase_add_test (tc, test_no_samples);
  tcase_add_test (tc, test_cut_wav);
  tcase_add_test (tc, test_cut_flac);
  if (missing == NULL)
    tcase_add_test (tc, test_cut_mp3);
  else
    g_print ("skipped: cut mp3: the element %s is not installed\n", missing);
  tcase_add_test (tc, test_cut_in_the_header);
  suite_add_tcase (s, tc);
  g_free (missing);
  return s;
}

GST_CHECK_MAIN (badmedia)
