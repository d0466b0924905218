/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npufolders.h: where the user keeps files.
 *
 * A process that runs with more rights than its user (setuid) looks at no
 * variable, and in the home that the user database tells.
 */
#ifndef NPU_FOLDERS_H
#define NPU_FOLDERS_H

#include <glib.h>

G_BEGIN_DECLS

/* The variable, or NULL if it is unset, empty, or not to be believed. */
const gchar *npu_folders_variable (const gchar *name);

/* A folder of the XDG specification, which says that a relative path in the
 * variable @name is to be ignored: then @in_home, below the user's home. */
gchar *npu_folders_xdg (const gchar *name, const gchar *in_home);

G_END_DECLS
#endif /* NPU_FOLDERS_H */
