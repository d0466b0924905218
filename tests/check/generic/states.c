/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* states.c: every element of the plugin, alone, through every state. */
#include <gst/check/gstcheck.h>

static void
set_state (GstElement *element, GstState state)
{
  fail_unless_equals_int (
      gst_element_set_state (element, state), GST_STATE_CHANGE_SUCCESS);
}

static GstElement *
element_new (GstElementFactory *factory)
{
  GstElement *element = gst_element_factory_create (factory, NULL);

  fail_unless (element != NULL);
  /* small weights, wherever this runs */
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "model"))
    g_object_set (element, "model", "synthetic:test", NULL);
  return gst_object_ref_sink (element);
}

static void
cycle (GstElementFactory *factory)
{
  static const GstState states[] = { GST_STATE_READY, GST_STATE_PAUSED,
    GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL,
    GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_NULL,
    GST_STATE_PLAYING, GST_STATE_NULL };
  GstElement *element = element_new (factory);

  GST_INFO ("%s", GST_OBJECT_NAME (factory));
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    set_state (element, states[i]);
  ASSERT_OBJECT_REFCOUNT (element, "element", 1);
  gst_object_unref (element);
}

/* Made and dropped without leaving NULL: touches no device. */
static void
drop (GstElementFactory *factory)
{
  gst_object_unref (element_new (factory));
}

static guint
for_each_element (void (*function) (GstElementFactory *factory))
{
  GList *features =
      gst_registry_get_feature_list_by_plugin (gst_registry_get (), "npu");
  guint n = 0;

  for (GList *l = features; l != NULL; l = l->next) {
    if (GST_IS_ELEMENT_FACTORY (l->data)) {
      function (l->data);
      n++;
    }
  }
  gst_plugin_feature_list_free (features);
  return n;
}

GST_START_TEST (test_state_changes)
{
  fail_unless (for_each_element (cycle) >= 2);
}
GST_END_TEST;

GST_START_TEST (test_create_and_drop)
{
  fail_unless (for_each_element (drop) >= 2);
}
GST_END_TEST;

static Suite *
states_suite (void)
{
  Suite *s = suite_create ("states");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_state_changes);
  tcase_add_test (tc, test_create_and_drop);
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (states)
