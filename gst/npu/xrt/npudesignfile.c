/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npudesignfile.c: reads a file of a design's folder into memory.
 */
#include "npudesignfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
refuse_errno (const gchar *path, gint saved_errno, GError **error)
{
  if (saved_errno == ENOENT)
    return npu_design_error_set (
        error, NPU_DESIGN_ERROR_NOT_FOUND, path, "no such file");
  return npu_design_error_set (error, NPU_DESIGN_ERROR_UNREADABLE, path,
      "cannot be read: %s", g_strerror (saved_errno));
}

static gboolean
check_stat (
    const struct stat *st, guint64 max_bytes, const gchar *path, GError **error)
{
  if (S_ISLNK (st->st_mode))
    return npu_design_error_set (error, NPU_DESIGN_ERROR_UNREADABLE, path,
        "a symbolic link, which could lead out of the design's folder");
  if (!S_ISREG (st->st_mode))
    return npu_design_error_set (
        error, NPU_DESIGN_ERROR_UNREADABLE, path, "not a regular file");
  if (st->st_size == 0)
    return npu_design_error_corrupt (error, path, "the file is empty");
  if ((guint64) st->st_size > max_bytes)
    return npu_design_error_set (error, NPU_DESIGN_ERROR_UNREADABLE, path,
        "%" G_GINT64_FORMAT " bytes are too many (at most %" G_GUINT64_FORMAT
        ")",
        (gint64) st->st_size, max_bytes);
  return TRUE;
}

/* As many bytes as there are, up to @size; or -1 with errno. */
static gssize
read_all (gint fd, guint8 *data, gsize size)
{
  gsize done = 0;

  while (done < size) {
    gssize n = read (fd, data + done, size - done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    if (n == 0)
      break;
    done += n;
  }
  return done;
}

static GBytes *
read_fd (gint fd, guint64 max_bytes, const gchar *path, GError **error)
{
  struct stat st;
  guint8 *data;
  gssize n;

  if (fstat (fd, &st) < 0) {
    refuse_errno (path, errno, error);
    return NULL;
  }
  if (!check_stat (&st, max_bytes, path, error))
    return NULL;
  data = g_try_malloc (st.st_size);
  if (!data) {
    refuse_errno (path, ENOMEM, error);
    return NULL;
  }
  n = read_all (fd, data, st.st_size);
  if (n == st.st_size)
    return g_bytes_new_take (data, st.st_size);
  if (n < 0)
    refuse_errno (path, errno, error);
  else
    npu_design_error_set (error, NPU_DESIGN_ERROR_UNREADABLE, path,
        "it was cut short while it was read");
  g_free (data);
  return NULL;
}

GBytes *
npu_design_file_read (gint folder, const gchar *path, const gchar *name,
    guint64 max_bytes, GError **error)
{
  gchar *shown = g_build_filename (path, name, NULL);
  GBytes *bytes = NULL;
  struct stat st;
  gint fd;

  /* Devices are not even opened: that alone can act on some of them. */
  if (fstatat (folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
    refuse_errno (shown, errno, error);
  } else if (check_stat (&st, max_bytes, shown, error)) {
    /* The name may have become a link or a FIFO since. */
    fd = openat (folder, name,
        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
      refuse_errno (shown, errno, error);
    } else {
      bytes = read_fd (fd, max_bytes, shown, error);
      close (fd);
    }
  }
  g_free (shown);
  return bytes;
}
