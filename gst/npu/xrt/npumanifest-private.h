/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumanifest-private.h: the parts of a manifest that have readers of their
 * own.
 */
#ifndef NPU_MANIFEST_PRIVATE_H
#define NPU_MANIFEST_PRIVATE_H

#include "npumanifest.h"
#include "npumanifestfields.h"

G_BEGIN_DECLS

/* "file", "bytes" and "sha256" of @fields; what was read is set even if it
 * fails. */
gboolean npu_manifest_file_read (
    const NpuFields *fields, NpuManifestFile *file, GError **error);
/* The same of the object @field, which has nothing else. */
gboolean npu_manifest_file_read_object (const NpuFields *fields,
    const gchar *field, NpuManifestFile *file, GError **error);
void npu_manifest_file_clear (NpuManifestFile *file);

NpuManifestSequence *npu_manifest_sequence_read (
    const NpuFields *fields, GError **error);
void npu_manifest_sequence_free (NpuManifestSequence *sequence);

G_END_DECLS
#endif /* NPU_MANIFEST_PRIVATE_H */
