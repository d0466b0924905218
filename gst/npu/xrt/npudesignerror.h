/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npudesignerror.h: how everything that reads NPU designs says what is wrong.
 */
#ifndef NPU_DESIGN_ERROR_H
#define NPU_DESIGN_ERROR_H

#include <glib.h>

G_BEGIN_DECLS

#define NPU_DESIGN_ERROR (npu_design_error_quark ())

typedef enum {
  NPU_DESIGN_ERROR_NOT_FOUND,   /* no such file or folder */
  NPU_DESIGN_ERROR_UNREADABLE,  /* no rights, a link, a device, too large */
  NPU_DESIGN_ERROR_CORRUPT,     /* not a sound xclbin or insts file */
  NPU_DESIGN_ERROR_MANIFEST,    /* the manifest says what it may not */
  NPU_DESIGN_ERROR_MISMATCH,    /* the design's files contradict each other */
  NPU_DESIGN_ERROR_UNSUPPORTED, /* sound, and nothing that we can run */
} NpuDesignError;

GQuark npu_design_error_quark (void);

/* Sets "<path>: <text>; <what the user can do>", the last part by @code.
 * @path may be in any encoding.  Returns FALSE, so that a check can end with
 * it. */
gboolean npu_design_error_set (GError **error, NpuDesignError code,
    const gchar *path, const gchar *format, ...) G_GNUC_PRINTF (4, 5);

/* The same with NPU_DESIGN_ERROR_CORRUPT, the code of most. */
gboolean npu_design_error_corrupt (GError **error, const gchar *path,
    const gchar *format, ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
#endif /* NPU_DESIGN_ERROR_H */
