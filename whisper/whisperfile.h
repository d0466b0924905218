/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfile.h: a regular file, mapped read-only.
 */
#ifndef WHISPER_FILE_H
#define WHISPER_FILE_H

#include <glib.h>

G_BEGIN_DECLS

/* Whoever shortens the file while it is mapped ends the process, as with any
 * mapping; weights are replaced by renaming a new file over the old one. */
typedef struct {
  gchar *path;
  gchar *key; /* see whisper_model_get_key() */
  const guint8 *data;
  gsize size; /* at least 1 */
} WhisperFile;

/* Never blocks: a FIFO, a device or a folder is refused. */
WhisperFile *whisper_file_open (const gchar *path, GError **error);
void whisper_file_free (WhisperFile *file);

/* Gives back the memory of a part of a mapping that has been read and will not
 * be needed for long; if it is, it is read again. */
void whisper_file_forget (gconstpointer data, gsize size);

G_END_DECLS
#endif /* WHISPER_FILE_H */
