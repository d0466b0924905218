/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npudesignfile.h: reads a file of a design's folder into memory.
 */
#ifndef NPU_DESIGN_FILE_H
#define NPU_DESIGN_FILE_H

#include "npudesignerror.h"

G_BEGIN_DECLS

/* Reads the regular file @name in the folder @path, which is open at @folder;
 * links are not followed.  Never blocks.  The contents are a copy: what was
 * checked is what will be used, whoever writes to the file meanwhile. */
GBytes *npu_design_file_read (gint folder, const gchar *path, const gchar *name,
    guint64 max_bytes, GError **error);

G_END_DECLS
#endif /* NPU_DESIGN_FILE_H */
