/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npudesignerror.c: one form for every message about an NPU design: the file,
 * the field at fault, and what to do about it.
 */
#include "npudesignerror.h"

G_DEFINE_QUARK (npu - design - error - quark, npu_design_error)

static const gchar *
advice (NpuDesignError code)
{
  switch (code) {
    case NPU_DESIGN_ERROR_NOT_FOUND:
      return "install the design, or name its folder in NPU_DESIGN_PATH";
    case NPU_DESIGN_ERROR_UNREADABLE:
      return "put a regular file there that this user may read";
    case NPU_DESIGN_ERROR_CORRUPT:
      return "the file is damaged or of another kind: build or install the "
             "design again";
    case NPU_DESIGN_ERROR_MANIFEST:
      return "correct the manifest as docs/npu-designs.md says, or build the "
             "design again";
    case NPU_DESIGN_ERROR_MISMATCH:
      return "the design's files do not belong together: build or install all "
             "of them again";
    case NPU_DESIGN_ERROR_UNSUPPORTED:
      return "build the design for this version of gst-npu";
  }
  return "build or install the design again";
}

G_GNUC_PRINTF (4, 0)
static void
set_error (GError **error, NpuDesignError code, const gchar *path,
    const gchar *format, va_list args)
{
  gchar *shown = g_filename_display_name (path);
  gchar *text = g_strdup_vprintf (format, args);

  g_set_error (
      error, NPU_DESIGN_ERROR, code, "%s: %s; %s", shown, text, advice (code));
  g_free (text);
  g_free (shown);
}

gboolean
npu_design_error_set (GError **error, NpuDesignError code, const gchar *path,
    const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  set_error (error, code, path, format, args);
  va_end (args);
  return FALSE;
}

gboolean
npu_design_error_corrupt (
    GError **error, const gchar *path, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  set_error (error, NPU_DESIGN_ERROR_CORRUPT, path, format, args);
  va_end (args);
  return FALSE;
}
