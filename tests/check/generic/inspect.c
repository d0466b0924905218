/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inspect.c: what gst-inspect-1.0 shows of the plugin: it loads, and all that
 * it has is described.
 */
#include <gst/check/gstcheck.h>

/* Whatever is missing on this machine: drivers, XRT, an NPU. */
GST_START_TEST (test_plugin_loads)
{
  GstPlugin *plugin = gst_registry_find_plugin (gst_registry_get (), "npu");
  GstPlugin *loaded;
  GList *features;

  fail_unless (plugin != NULL);
  fail_if (GST_OBJECT_FLAG_IS_SET (plugin, GST_PLUGIN_FLAG_BLACKLISTED));
  loaded = gst_plugin_load (plugin);
  fail_unless (loaded != NULL && gst_plugin_is_loaded (loaded));
  fail_unless_equals_string (gst_plugin_get_license (loaded), "LGPL");
  fail_unless (*gst_plugin_get_description (loaded) != '\0');
  features =
      gst_registry_get_feature_list_by_plugin (gst_registry_get (), "npu");
  fail_unless (g_list_length (features) >= 2);
  gst_plugin_feature_list_free (features);
  gst_object_unref (loaded);
  gst_object_unref (plugin);
}
GST_END_TEST;

/* A number says what it counts. */
static void
check_unit (GParamSpec *pspec)
{
  static const gchar *const units[] = { " ms", " s)", " s,", "(ns)",
    "nanoseconds", "seconds", "threads", "frames", "bytes", "windows" };
  const gchar *blurb = g_param_spec_get_blurb (pspec);

  if (!G_IS_PARAM_SPEC_INT (pspec) && !G_IS_PARAM_SPEC_UINT (pspec)
      && !G_IS_PARAM_SPEC_INT64 (pspec) && !G_IS_PARAM_SPEC_UINT64 (pspec)
      && !G_IS_PARAM_SPEC_FLOAT (pspec) && !G_IS_PARAM_SPEC_DOUBLE (pspec))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (strstr (blurb, units[i]) != NULL)
      return;
  fail ("%s: no unit in \"%s\"", pspec->name, blurb);
}

/* What can be written says until when; what cannot, says nothing. */
static void
check_mutable (GParamSpec *pspec)
{
  const GParamFlags any = GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PAUSED
                          | GST_PARAM_MUTABLE_PLAYING;
  gboolean writable = (pspec->flags & G_PARAM_WRITABLE)
                      && !(pspec->flags & G_PARAM_CONSTRUCT_ONLY);
  guint n = ((pspec->flags & GST_PARAM_MUTABLE_READY) != 0)
            + ((pspec->flags & GST_PARAM_MUTABLE_PAUSED) != 0)
            + ((pspec->flags & GST_PARAM_MUTABLE_PLAYING) != 0);

  if (writable)
    fail_unless (n == 1, "%s: may be changed when?", pspec->name);
  else
    fail_if (pspec->flags & any, "%s: cannot be changed", pspec->name);
}

static void
check_property (GObject *object, GParamSpec *pspec)
{
  const gchar *nick = g_param_spec_get_nick (pspec);
  const gchar *blurb = g_param_spec_get_blurb (pspec);
  GValue value = G_VALUE_INIT;

  fail_unless (nick != NULL && g_ascii_isupper (nick[0]), "%s: nick \"%s\"",
      pspec->name, nick);
  fail_unless (blurb != NULL && strlen (blurb) > strlen (nick)
                   && g_ascii_isupper (blurb[0])
                   && !g_str_has_suffix (blurb, "."),
      "%s: blurb \"%s\"", pspec->name, blurb);
  check_unit (pspec);
  check_mutable (pspec);
  if (!(pspec->flags & G_PARAM_READABLE))
    return;

  /* What is read in NULL can be told without a device. */
  g_value_init (&value, pspec->value_type);
  g_object_get_property (object, pspec->name, &value);
  if (pspec->flags & G_PARAM_WRITABLE)
    fail_unless (g_param_value_defaults (pspec, &value), "%s: not its default",
        pspec->name);
  g_value_unset (&value);
}

static void
check_element (GstElementFactory *factory)
{
  static const gchar *const keys[] = { GST_ELEMENT_METADATA_LONGNAME,
    GST_ELEMENT_METADATA_KLASS, GST_ELEMENT_METADATA_DESCRIPTION,
    GST_ELEMENT_METADATA_AUTHOR };
  GstElement *element = gst_element_factory_create (factory, NULL);
  GParamSpec **pspecs;
  guint n;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    fail_unless (gst_element_factory_get_metadata (factory, keys[i]) != NULL);
  fail_unless_equals_int (
      gst_element_factory_get_num_pad_templates (factory), 2);

  pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    if (pspecs[i]->owner_type == G_OBJECT_TYPE (element))
      check_property (G_OBJECT (element), pspecs[i]);
  }
  g_free (pspecs);
  gst_object_ref_sink (element);
  gst_object_unref (element);
}

GST_START_TEST (test_elements_are_described)
{
  static const gchar *const names[] = { "npumel", "npuwhisperenc" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElementFactory *factory = gst_element_factory_find (names[i]);

    fail_unless (factory != NULL, "%s", names[i]);
    check_element (factory);
    gst_object_unref (factory);
  }
}
GST_END_TEST;

static Suite *
inspect_suite (void)
{
  Suite *s = suite_create ("inspect");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_plugin_loads);
  tcase_add_test (tc, test_elements_are_described);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (inspect)
