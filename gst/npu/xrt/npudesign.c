/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npudesign.c: reads a design's files in the order in which they vouch for
 * each other: the manifest, then what it names.
 */
#include "npudesign.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "npudesignfile.h"

typedef struct {
  gint fd; /* the folder */
  NpuDesign *design;
} Loader;

static gboolean
load_manifest (Loader *loader, GError **error)
{
  NpuDesign *design = loader->design;
  gchar *path = g_build_filename (design->folder, NPU_MANIFEST_NAME, NULL);
  GBytes *bytes = npu_design_file_read (loader->fd, design->folder,
      NPU_MANIFEST_NAME, NPU_MANIFEST_MAX_BYTES, error);

  if (bytes) {
    gsize size;
    const gchar *text = g_bytes_get_data (bytes, &size);

    design->manifest = npu_manifest_parse (text, size, path, error);
    g_bytes_unref (bytes);
  }
  g_free (path);
  return design->manifest != NULL;
}

/* Length and hash. */
static gboolean
check_file (GBytes *bytes, const NpuManifestFile *file, const gchar *path,
    GError **error)
{
  gchar *sha256;
  gboolean same;

  if (g_bytes_get_size (bytes) != file->bytes)
    return npu_design_error_set (error, NPU_DESIGN_ERROR_MISMATCH, path,
        "%" G_GSIZE_FORMAT " bytes, but the manifest says %" G_GUINT64_FORMAT,
        g_bytes_get_size (bytes), file->bytes);
  sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  same = strcmp (sha256, file->sha256) == 0;
  if (!same)
    npu_design_error_set (error, NPU_DESIGN_ERROR_MISMATCH, path,
        "its SHA-256 is %s, but the manifest says %s", sha256, file->sha256);
  g_free (sha256);
  return same;
}

/* The contents of a file that the manifest names; @path (transfer full) is
 * set in any case. */
static GBytes *
load_file (Loader *loader, const NpuManifestFile *file, guint64 max_bytes,
    gchar **path, GError **error)
{
  const gchar *folder = loader->design->folder;
  GBytes *bytes =
      npu_design_file_read (loader->fd, folder, file->name, max_bytes, error);

  *path = g_build_filename (folder, file->name, NULL);
  if (bytes && !check_file (bytes, file, *path, error))
    g_clear_pointer (&bytes, g_bytes_unref);
  return bytes;
}

/* The largest number of buffers that any sequence takes. */
static guint
count_buffers (const NpuManifest *manifest)
{
  guint most = 0, i;

  for (i = 0; i < manifest->sequences->len; i++) {
    NpuManifestSequence *sequence = g_ptr_array_index (manifest->sequences, i);

    most = MAX (most, sequence->arguments->len);
  }
  return most;
}

static gboolean
check_xclbin (NpuDesign *design, const gchar *path, GError **error)
{
  const NpuManifest *manifest = design->manifest;
  guint n_buffers = count_buffers (manifest);
  gsize size;
  const guint8 *data = g_bytes_get_data (design->xclbin, &size);

  if (!npu_xclbin_parse (
          data, size, manifest->kernel, path, &design->info, error))
    return FALSE;
  if (design->info.columns != manifest->columns)
    return npu_design_error_set (error, NPU_DESIGN_ERROR_MISMATCH, path,
        "AIE_PARTITION: column_width is %u, but the manifest's \"columns\" "
        "%u",
        design->info.columns, manifest->columns);
  if (design->info.n_arguments < NPU_XCLBIN_FIXED_ARGUMENTS + n_buffers)
    return npu_design_error_set (error, NPU_DESIGN_ERROR_MISMATCH, path,
        "kernel \"%s\" takes %u buffers, but the manifest lists %u",
        manifest->kernel, design->info.n_arguments - NPU_XCLBIN_FIXED_ARGUMENTS,
        n_buffers);
  return TRUE;
}

static gboolean
load_xclbin (Loader *loader, GError **error)
{
  NpuDesign *design = loader->design;
  gchar *path;
  gboolean sound;

  design->xclbin = load_file (
      loader, &design->manifest->xclbin, NPU_XCLBIN_MAX_BYTES, &path, error);
  sound = design->xclbin && check_xclbin (design, path, error);
  g_free (path);
  return sound;
}

/* A buffer that no instruction uses is a sign of another order of them. */
static gboolean
check_used (const NpuManifestSequence *sequence, const NpuInsts *insts,
    const gchar *path, GError **error)
{
  guint i;

  for (i = 0; i < sequence->arguments->len; i++) {
    NpuManifestArgument *argument = g_ptr_array_index (sequence->arguments, i);

    if (!(insts->buffers >> i & 1))
      return npu_design_error_set (error, NPU_DESIGN_ERROR_MISMATCH, path,
          "no operation uses argument %u, which the manifest calls \"%s\"", i,
          argument->name);
  }
  return TRUE;
}

static gboolean
check_insts (const NpuDesign *design, const NpuManifestSequence *sequence,
    NpuDesignInsts *insts, const gchar *path, GError **error)
{
  NpuInstsLimits limits = { .generation = design->manifest->generation,
    .columns = design->info.columns,
    .n_buffers = sequence->arguments->len };
  gsize size;
  const guint8 *data = g_bytes_get_data (insts->bytes, &size);
  guint i;

  for (i = 0; i < limits.n_buffers; i++) {
    NpuManifestArgument *argument = g_ptr_array_index (sequence->arguments, i);

    limits.buffer_bytes[i] = argument->bytes;
  }
  return npu_insts_parse (data, size, &limits, path, &insts->info, error)
         && check_used (sequence, &insts->info, path, error);
}

static gboolean
load_insts (Loader *loader, guint i, GError **error)
{
  NpuDesign *design = loader->design;
  NpuManifestSequence *sequence =
      g_ptr_array_index (design->manifest->sequences, i);
  NpuDesignInsts *insts = &design->insts[i];
  gboolean sound;
  gchar *path;

  insts->bytes =
      load_file (loader, &sequence->insts, NPU_INSTS_MAX_BYTES, &path, error);
  sound = insts->bytes && check_insts (design, sequence, insts, path, error);
  g_free (path);
  return sound;
}

static gboolean
load_all_insts (Loader *loader, GError **error)
{
  NpuDesign *design = loader->design;
  guint n = design->manifest->sequences->len, i;

  design->insts = g_new0 (NpuDesignInsts, n);
  for (i = 0; i < n; i++) {
    if (!load_insts (loader, i, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
load_answer (Loader *loader, GError **error)
{
  NpuDesign *design = loader->design;
  gchar *path;

  design->known_answer = load_file (loader, &design->manifest->known_answer,
      NPU_MANIFEST_MAX_FILE_BYTES, &path, error);
  g_free (path);
  return design->known_answer != NULL;
}

static gint
open_folder (const gchar *folder, GError **error)
{
  gint fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0)
    return fd;
  if (errno == ENOENT || errno == ENOTDIR)
    npu_design_error_set (
        error, NPU_DESIGN_ERROR_NOT_FOUND, folder, "no such folder");
  else
    npu_design_error_set (error, NPU_DESIGN_ERROR_UNREADABLE, folder,
        "cannot be opened: %s", g_strerror (errno));
  return -1;
}

NpuDesign *
npu_design_load (const gchar *folder, GError **error)
{
  Loader loader = { .fd = open_folder (folder, error) };

  if (loader.fd < 0)
    return NULL;
  loader.design = g_new0 (NpuDesign, 1);
  loader.design->refs = 1;
  loader.design->folder = g_strdup (folder);
  if (!load_manifest (&loader, error) || !load_xclbin (&loader, error)
      || !load_all_insts (&loader, error) || !load_answer (&loader, error))
    g_clear_pointer (&loader.design, npu_design_unref);
  close (loader.fd);
  return loader.design;
}

NpuDesign *
npu_design_ref (NpuDesign *design)
{
  g_atomic_int_inc (&design->refs);
  return design;
}

static void
free_insts (NpuDesign *design)
{
  guint i;

  for (i = 0; design->insts && i < design->manifest->sequences->len; i++)
    g_clear_pointer (&design->insts[i].bytes, g_bytes_unref);
  g_free (design->insts);
}

void
npu_design_unref (NpuDesign *design)
{
  if (!g_atomic_int_dec_and_test (&design->refs))
    return;
  free_insts (design);
  g_clear_pointer (&design->known_answer, g_bytes_unref);
  npu_xclbin_clear (&design->info);
  g_clear_pointer (&design->xclbin, g_bytes_unref);
  if (design->manifest)
    npu_manifest_free ((NpuManifest *) design->manifest);
  g_free (design->folder);
  g_free (design);
}
