/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfile.c: maps a weight file.  Weights are read from the page cache,
 * never copied: a model costs address space until it is packed.
 */
#include "whisperfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "whispererror.h"

static gboolean
refuse_errno (const gchar *path, int saved_errno, GError **error)
{
  if (saved_errno == ENOENT || saved_errno == ENOTDIR)
    return whisper_error_set (
        error, WHISPER_MODEL_ERROR_NOT_FOUND, path, "no such file");
  return whisper_error_set (error, WHISPER_MODEL_ERROR_UNREADABLE, path,
      "cannot be read: %s", g_strerror (saved_errno));
}

/* Devices are not even opened: that alone can act on some of them. */
static gboolean
check_regular (const gchar *path, const struct stat *st, GError **error)
{
  const gchar *what = "not a regular file";

  if (S_ISREG (st->st_mode))
    return TRUE;
  if (S_ISDIR (st->st_mode))
    what = "a folder, not a weight file";
  else if (S_ISFIFO (st->st_mode))
    what = "a FIFO, not a weight file";
  else if (S_ISCHR (st->st_mode) || S_ISBLK (st->st_mode))
    what = "a device, not a weight file";
  else if (S_ISSOCK (st->st_mode))
    what = "a socket, not a weight file";
  return whisper_error_set (
      error, WHISPER_MODEL_ERROR_UNREADABLE, path, "%s", what);
}

static gchar *
make_key (const gchar *path, const struct stat *st)
{
  gchar *resolved = realpath (path, NULL);
  gchar *key =
      g_strdup_printf ("%s:%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ".%09ld",
          resolved ? resolved : path, (gint64) st->st_size,
          (gint64) st->st_mtim.tv_sec, (long) st->st_mtim.tv_nsec);

  free (resolved);
  return key;
}

static WhisperFile *
map_fd (int fd, const gchar *path, GError **error)
{
  struct stat st;
  WhisperFile *file;
  void *data;

  if (fstat (fd, &st) < 0) {
    refuse_errno (path, errno, error);
    return NULL;
  }
  if (!check_regular (path, &st, error))
    return NULL;
  if (st.st_size == 0) {
    whisper_error_corrupt (error, path, "the file is empty");
    return NULL;
  }
  data = mmap (NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    refuse_errno (path, errno, error);
    return NULL;
  }
  file = g_new0 (WhisperFile, 1);
  file->path = g_strdup (path);
  file->key = make_key (path, &st);
  file->data = data;
  file->size = st.st_size;
  return file;
}

WhisperFile *
whisper_file_open (const gchar *path, GError **error)
{
  WhisperFile *file;
  struct stat st;
  int fd;

  if (stat (path, &st) < 0) {
    refuse_errno (path, errno, error);
    return NULL;
  }
  if (!check_regular (path, &st, error))
    return NULL;
  /* O_NONBLOCK: the name may have become a FIFO since. */
  fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    refuse_errno (path, errno, error);
    return NULL;
  }
  file = map_fd (fd, path, error);
  close (fd);
  return file;
}

void
whisper_file_free (WhisperFile *file)
{
  if (!file)
    return;
  munmap ((void *) file->data, file->size);
  g_free (file->key);
  g_free (file->path);
  g_free (file);
}

void
whisper_file_forget (gconstpointer data, gsize size)
{
  const guintptr page = sysconf (_SC_PAGESIZE);
  const guintptr first = ((guintptr) data + page - 1) / page * page;
  const guintptr end = ((guintptr) data + size) / page * page;

  if (first < end)
    madvise ((void *) first, end - first, MADV_DONTNEED);
}
