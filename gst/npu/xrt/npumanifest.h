/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumanifest.h: what a design's manifest.json says (docs/npu-designs.md).
 */
#ifndef NPU_MANIFEST_H
#define NPU_MANIFEST_H

#include "npudesignerror.h"

G_BEGIN_DECLS

#define NPU_MANIFEST_NAME "manifest.json"
#define NPU_MANIFEST_FORMAT "gst-npu-design"
#define NPU_MANIFEST_VERSION 1
#define NPU_MANIFEST_MAX_BYTES (1 << 20)
#define NPU_MANIFEST_MAX_FILE_BYTES (G_GUINT64_CONSTANT (1) << 28)
#define NPU_MANIFEST_MAX_BUFFER_BYTES (G_GUINT64_CONSTANT (1) << 30)
#define NPU_MANIFEST_MAX_SEQUENCES 32
#define NPU_MANIFEST_MAX_SIZES 16
#define NPU_MANIFEST_MAX_DIMS 4

/* A file beside the manifest. */
typedef struct {
  gchar *name;
  guint64 bytes;
  gchar *sha256; /* 64 hexadecimal digits, lower case */
} NpuManifestFile;

/* How long the contents of a buffer stay. */
typedef enum {
  NPU_ARGUMENT_DATA,     /* new in every run */
  NPU_ARGUMENT_CONSTANT, /* weights and tables: uploaded once */
  NPU_ARGUMENT_SCRATCH   /* the host neither reads nor writes it */
} NpuArgumentKind;

typedef enum {
  NPU_ARGUMENT_IN = 1 << 0,
  NPU_ARGUMENT_OUT = 1 << 1,
  NPU_ARGUMENT_INOUT = NPU_ARGUMENT_IN | NPU_ARGUMENT_OUT
} NpuArgumentDirection;

typedef enum {
  NPU_ELEMENT_INT8,
  NPU_ELEMENT_UINT8,
  NPU_ELEMENT_INT16,
  NPU_ELEMENT_INT32,
  NPU_ELEMENT_BF16,
  NPU_ELEMENT_F32
} NpuElement;

/* A buffer: the kernel's argument 3 + its place in the list. */
typedef struct {
  gchar *name;
  NpuArgumentKind kind;
  NpuArgumentDirection direction;
  NpuElement element;
  guint n_dims;
  guint64 dims[NPU_MANIFEST_MAX_DIMS];
  guint64 bytes;
} NpuManifestArgument;

/* A number or text with a name. */
typedef struct {
  gchar *name;
  guint64 value;
} NpuManifestSize;

typedef struct {
  gchar *name;
  gchar *version;
} NpuManifestTool;

/* What the xclbin can be told to do: one insts file. */
typedef struct {
  gchar *name;
  GPtrArray *sizes; /* NpuManifestSize: "m", "k", … */
  NpuManifestFile insts;
  GPtrArray *arguments; /* NpuManifestArgument */
} NpuManifestSequence;

typedef struct {
  gchar *name;
  guint generation; /* NPU_GENERATION_… */
  guint columns;
  gchar *kernel;
  GPtrArray *toolchain; /* NpuManifestTool */
  NpuManifestFile xclbin;
  GPtrArray *sequences; /* NpuManifestSequence */
  /* A run whose result is known: of this sequence, the contents of all inputs
   * and then of all outputs, and how far the latter may be off. */
  guint known_sequence;
  NpuManifestFile known_answer;
  gdouble tolerance; /* max |difference| / max |expected| */
} NpuManifest;

/* Checks every field and all that they say of each other; opens no file.
 * @path is for the message. */
NpuManifest *npu_manifest_parse (
    const gchar *text, gsize length, const gchar *path, GError **error);
void npu_manifest_free (NpuManifest *manifest);

/* NULL if there is none of that name. */
const NpuManifestSequence *npu_manifest_find_sequence (
    const NpuManifest *manifest, const gchar *name);
/* 0 if there is none of that name. */
guint64 npu_manifest_sequence_get_size (
    const NpuManifestSequence *sequence, const gchar *name);

/* The length of the known answer of @sequence. */
guint64 npu_manifest_sequence_get_answer_bytes (
    const NpuManifestSequence *sequence);

G_END_DECLS
#endif /* NPU_MANIFEST_H */
