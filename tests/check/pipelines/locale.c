/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * locale.c: where numbers are written with a comma.  The locale is compiled by
 * the test if the system has only its source.
 */
#include "audiofixture.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <sndfile.h>

#define LOCALE "de_DE.UTF-8"

static gchar *compiled; /* folder of the locale that was made, or NULL */

static void
remove_compiled (void)
{
  gchar *argv[] = { "rm", "-rf", compiled, NULL };

  if (compiled != NULL)
    g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
        NULL, NULL);
  g_clear_pointer (&compiled, g_free);
}

static gboolean
compile_locale (void)
{
  gchar *argv[] = { "localedef", "-i", "de_DE", "-f", "UTF-8", NULL, NULL };
  gboolean ok;

  compiled = g_dir_make_tmp ("npu-locale-XXXXXX", NULL);
  if (compiled == NULL)
    return FALSE;
  argv[5] = g_build_filename (compiled, LOCALE, NULL);
  ok = g_spawn_sync (NULL, argv, NULL,
      G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL
          | G_SPAWN_STDERR_TO_DEV_NULL,
      NULL, NULL, NULL, NULL, NULL, NULL);
  g_free (argv[5]);
  g_setenv ("LOCPATH", compiled, TRUE);
  return ok && setlocale (LC_ALL, LOCALE) != NULL;
}

/* No comma between two digits. */
static void
assert_points (const gchar *text)
{
  for (const gchar *p = text; (p = strchr (p, ',')) != NULL; p++)
    fail_if (p > text && g_ascii_isdigit (p[-1]) && g_ascii_isdigit (p[1]),
        "%s", text);
}

static void
check_stats (GstMessage *message)
{
  const GstStructure *stats = gst_message_get_structure (message);
  gchar *text = gst_structure_to_string (stats);
  GstStructure *copy = gst_structure_from_string (text, NULL);
  gdouble realtime, again;

  assert_points (text);
  fail_unless (copy != NULL, "%s", text);
  if (gst_structure_get_double (stats, "realtime", &realtime)) {
    fail_unless (gst_structure_get_double (copy, "realtime", &again));
    fail_unless (
        realtime > 0 && again > 0.99 * realtime && again < 1.01 * realtime);
  }
  gst_structure_free (copy);
  g_free (text);
}

static void
check_caps (GstElement *pipeline)
{
  static const gchar *const names[] = { "mel", "enc" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), names[i]);
    GstPad *pad = gst_element_get_static_pad (element, "src");
    GstCaps *caps = gst_pad_get_current_caps (pad);
    gchar *text = gst_caps_to_string (caps);
    GstCaps *copy = gst_caps_from_string (text);

    assert_points (text);
    fail_unless (copy != NULL && gst_caps_is_equal (caps, copy), "%s", text);
    gst_caps_unref (copy);
    g_free (text);
    gst_caps_unref (caps);
    gst_object_unref (pad);
    gst_object_unref (element);
  }
}

GST_START_TEST (test_numbers_have_points)
{
  gchar *dir = fixture_dir_new ("npu-locale");
  gchar *path = g_build_filename (dir, "Straße.wav", NULL);
  Recording recording = { .rate = 16000, .channels = 1, .n = 40000 };
  GstElement *pipeline = gst_parse_launch (
      "filesrc name=in ! decodebin ! npumel name=mel ! npuwhisperenc name=enc "
      "model=synthetic:test audio-ctx=50 ! fakesink",
      NULL);
  GstElement *in = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  guint n_stats = 0;
  gboolean done = FALSE;

  fail_unless_equals_string (localeconv ()->decimal_point, ",");
  fixture_write (path, SF_FORMAT_WAV, &recording);
  g_object_set (in, "location", path, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!done) {
    message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
        GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    if (gst_message_has_name (message, "npu-stats")) {
      check_stats (message);
      n_stats++;
    }
    fail_if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR);
    done = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
    gst_message_unref (message);
  }
  fail_unless_equals_int (n_stats, 2);
  check_caps (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (in);
  gst_object_unref (pipeline);
  g_free (path);
  fixture_dir_remove (dir);
}
GST_END_TEST;

static Suite *
locale_suite (void)
{
  Suite *s = suite_create ("locale");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_numbers_have_points);
  suite_add_tcase (s, tc);
  return s;
}

int
main (int argc, char **argv)
{
  int status = TEST_SKIPPED;

  gst_check_init (&argc, &argv);
  if (setlocale (LC_ALL, LOCALE) != NULL || compile_locale ())
    status = gst_check_run_suite (locale_suite (), "locale", __FILE__);
  else
    g_print ("skipped: there is no locale %s and localedef cannot make it\n",
        LOCALE);
  remove_compiled ();
  return status;
}
