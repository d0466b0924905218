/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* timing.c: how many frames and windows a file gives, and when. */
#include "audiofixture.h"

#include <sndfile.h>

typedef struct {
  guint rate;
  gsize n;         /* frames of audio */
  guint64 samples; /* at 16 kHz */
  guint content, tail, windows;
} Case;

static const Case cases[] = {
  { 44100, 65 * 44100, 65 * 16000, 6500, 2, 3 },
  { 16000, 30 * 16000, 30 * 16000, 3000, 2, 1 },
  { 16000, 30 * 16000 + 1, 30 * 16000 + 1, 3001, 1, 2 },
  { 44100, 30 * 44100, 30 * 16000, 3000, 2, 1 },
  { 16000, 60 * 16000, 60 * 16000, 6000, 2, 2 },
  { 16000, 1, 1, 1, 1, 1 },
  { 8000, 8000 + 1, 16000 + 2, 101, 1, 1 },
};

static void
check_mel (const Case *c, const gchar *path)
{
  Output output;
  const Stamp *last;

  fail_unless (fixture_run_mel (path, &output, NULL));
  fail_unless_equals_uint64 (output_check_mel (&output), c->samples);
  last = &g_array_index (output.stamps, Stamp, output.stamps->len - 1);
  fail_unless_equals_uint64 (last->offset, c->content);
  fail_unless_equals_uint64 (last->offset_end, c->content + c->tail);
  fail_unless_equals_uint64 (last->pts, c->samples * SAMPLE_TIME);
  output_clear (&output);
}

static void
check_states (const Case *c, const gchar *path)
{
  Output output;

  fail_unless (fixture_run_states (path, &output, NULL));
  fail_unless_equals_uint64 (output_check_states (&output), c->samples);
  fail_unless_equals_int (output.stamps->len, c->windows);
  output_clear (&output);
}

GST_START_TEST (test_frames_and_windows)
{
  const Case *c = &cases[__i__];
  gchar *dir = fixture_dir_new ("npu-timing");
  gchar *path = g_build_filename (dir, "audio.wav", NULL);
  Recording recording = { .rate = c->rate, .channels = 1, .n = c->n };

  fixture_write (path, SF_FORMAT_WAV, &recording);
  check_mel (c, path);
  check_states (c, path);
  g_free (path);
  fixture_dir_remove (dir);
}
GST_END_TEST;

/* A name that only a careless program would trip over. */
GST_START_TEST (test_odd_names)
{
  static const gchar *const names[] = { "with two  spaces.wav",
    "Grüße – 音声 🎤.wav", "100 % \"quoted\" 'file' #1?.wav" };
  gchar *dir = fixture_dir_new ("npu ordner é");
  gchar *path = g_build_filename (dir, names[__i__], NULL);
  Recording recording = { .rate = 16000, .channels = 1, .n = 16000 };
  Output output;

  fixture_write (path, SF_FORMAT_WAV, &recording);
  fail_unless (fixture_run_mel (path, &output, NULL));
  fail_unless_equals_uint64 (output_check_mel (&output), recording.n);
  output_clear (&output);
  g_free (path);
  fixture_dir_remove (dir);
}
GST_END_TEST;

static Suite *
timing_suite (void)
{
  Suite *s = suite_create ("timing");
  TCase *tc = tcase_create ("general");

  tcase_add_loop_test (tc, test_frames_and_windows, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tc, test_odd_names, 0, 3);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (timing)
