/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputensorcaps.c: NNStreamer's description of a tensor.
 *
 * It writes dimensions as a string, "512:1500", and GStreamer compares strings
 * byte by byte, though "512:1500:1" and "512:1500:1:1" mean the same array.
 * Which of them a tensor_filter wants depends on its model and version, so all
 * are offered.  Each in a structure of its own: NNStreamer's elements read the
 * field as one string even in caps that are not fixed yet.
 */
#include "gstnputensorcaps.h"

static gchar *
spell_dims (const guint *dims, guint n_dims, guint rank)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < rank; i++)
    g_string_append_printf (
        text, "%s%u", i > 0 ? ":" : "", i < n_dims ? dims[i] : 1);
  return g_string_free (text, FALSE);
}

/* Any frame rate: buffers carry their own time stamps.  Fixated, it is 0/1,
 * "variable". */
static GstStructure *
structure_new (const gchar *dimensions)
{
  return gst_structure_new (GST_NPU_TENSOR_MEDIA_TYPE, "format", G_TYPE_STRING,
      "static", "num_tensors", G_TYPE_INT, 1, "types", G_TYPE_STRING, "float32",
      "dimensions", G_TYPE_STRING, dimensions, "framerate",
      GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT, 1, NULL);
}

GstCaps *
gst_npu_tensor_caps_new (const guint *dims, guint n_dims)
{
  GstCaps *caps = gst_caps_new_empty ();

  g_return_val_if_fail (n_dims >= 1 && n_dims <= GST_NPU_TENSOR_MAX_DIMS, caps);

  for (guint rank = n_dims; rank <= GST_NPU_TENSOR_MAX_DIMS; rank++) {
    gchar *text = spell_dims (dims, n_dims, rank);

    gst_caps_append_structure (caps, structure_new (text));
    g_free (text);
  }
  return caps;
}

gboolean
gst_npu_tensor_caps_match (const GstCaps *caps, const guint *dims, guint n_dims)
{
  GstCaps *all;
  gboolean match;

  if (!gst_caps_is_fixed (caps))
    return FALSE;
  all = gst_npu_tensor_caps_new (dims, n_dims);
  match = gst_caps_is_subset (caps, all);
  gst_caps_unref (all);
  return match;
}
