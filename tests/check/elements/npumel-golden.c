/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumel-golden.c: the speech of OpenAI's own example, against what OpenAI's
 * own code makes of it.
 */
#include <math.h>

#include "../melfixture.h"

#define TEST_SKIPPED 77
#define N_SAMPLES (11 * 16000)
#define N_VALUES (3000 * 80)

static gchar *
read_golden (const gchar *name, gsize *size)
{
  gchar *path =
      g_build_filename (g_getenv ("NPU_TEST_DATA"), "golden", name, NULL);
  GError *error = NULL;
  gchar *data = NULL;

  g_file_get_contents (path, &data, size, &error);
  fail_unless (data != NULL, "%s", error != NULL ? error->message : path);
  g_free (path);
  return data;
}

GST_START_TEST (test_jfk)
{
  gsize wav_size, mel_size;
  gchar *wav = read_golden ("jfk.wav", &wav_size);
  gchar *golden = read_golden ("jfk.logmel.f32", &mel_size);
  gdouble worst = 0.0;
  MelOutput output;
  Mel f;

  fail_unless_equals_int (mel_size, N_VALUES * sizeof (gfloat));
  /* The samples are the end of the file, behind whatever header. */
  fail_unless (wav_size > N_SAMPLES * sizeof (gint16));

  mel_init (&f,
      "audio/x-raw, format=S16LE, rate=16000, channels=1, layout=interleaved",
      "audio/x-logmel, norm=whisper, layout=mel-major");
  mel_push_cut (
      &f, wav + wav_size - N_SAMPLES * sizeof (gint16), N_SAMPLES, 4096, 0);
  mel_eos (&f);
  output = mel_collect (&f);
  fail_unless_equals_int (output.bytes->len, mel_size);
  for (gsize i = 0; i < N_VALUES; i++) {
    gdouble error =
        fabs (mel_frames (&output)[i] - ((const gfloat *) golden)[i]);

    if (!(error <= worst))
      worst = error;
  }
  fail_unless (worst <= 1e-4, "error %g", worst);
  mel_output_clear (&output);
  mel_clear (&f);
  g_free (golden);
  g_free (wav);
}
GST_END_TEST;

static Suite *
npumel_golden_suite (void)
{
  Suite *suite = suite_create ("npumel-golden");
  TCase *tcase = tcase_create ("golden");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_jfk);
  return suite;
}

int
main (int argc, char **argv)
{
  if (g_getenv ("NPU_TEST_DATA") == NULL) {
    g_print ("skipped: NPU_TEST_DATA is not set, so there is no golden data\n");
    return TEST_SKIPPED;
  }
  gst_check_init (&argc, &argv);
  return gst_check_run_suite (
      npumel_golden_suite (), "npumel_golden", __FILE__);
}
