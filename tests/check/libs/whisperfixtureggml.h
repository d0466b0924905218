/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfixtureggml.h: whisper.cpp's ggml files of small encoders, written
 * from ggml's description of its blocks.
 */
#ifndef WHISPER_FIXTURE_GGML_H
#define WHISPER_FIXTURE_GGML_H

#include "whisperfixture.h"

/* ggml's numbers of its types. */
typedef enum {
  GGML_F32 = 0,
  GGML_F16 = 1,
  GGML_Q4_0 = 2,
  GGML_Q4_1 = 3,
  GGML_Q5_0 = 6,
  GGML_Q5_1 = 7,
  GGML_Q8_0 = 8
} GgmlType;

/* A field of the file, for tests that forge it. */
typedef struct {
  const gchar *what; /* "n_vocab", "dimension", "name", "data", … */
  gsize offset, size;
} GgmlMark;

typedef struct {
  GByteArray *bytes;
  GArray *marks; /* GgmlMark, of all fields, in order */
} GgmlFile;

/* As whisper.cpp's tools write it: matrices in @type, vectors and positions in
 * f32, convolutions in f16 (f32 if that is @type); then a decoder's tensor. */
GgmlFile *ggml_file_new (
    GPtrArray *model, const FixtureSizes *sizes, GgmlType type);
void ggml_file_free (GgmlFile *file);

/* The @nth field of that kind. */
GgmlMark *ggml_file_find (GgmlFile *file, const gchar *what, guint nth);
void ggml_file_set (
    GgmlFile *file, const gchar *what, guint nth, guint32 value);

/* Appends @n values as @type stores them, and writes to @stored (may be NULL)
 * what they then are by the definition of the type. */
void ggml_append_values (GByteArray *bytes, GgmlType type, const gfloat *values,
    gsize n, gfloat *stored);

/* Whether ggml_file_new() stores the tensor in the type that was asked for. */
gboolean ggml_is_quantised (const FixtureTensor *tensor);

#endif /* WHISPER_FIXTURE_GGML_H */
