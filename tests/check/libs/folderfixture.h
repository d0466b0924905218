/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * folderfixture.h: a folder for a test's files.
 */
#ifndef FOLDER_FIXTURE_H
#define FOLDER_FIXTURE_H

#include <glib.h>

/* A folder for the test's files, made on first use. */
const gchar *fixture_folder (void);
/* Removes it and all that is in it. */
void fixture_folder_remove (void);
/* <folder>/@name (transfer full); parent folders are made. */
gchar *fixture_path (const gchar *name);
/* Writes a file there and gives its path (transfer full). */
gchar *fixture_write (const gchar *name, const void *data, gsize size);

#endif /* FOLDER_FIXTURE_H */
