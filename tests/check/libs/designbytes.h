/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * designbytes.h: bytes that are written field by field, each of which can be
 * found and forged by its name; and what must be said of a forgery.
 */
#ifndef DESIGN_BYTES_H
#define DESIGN_BYTES_H

#include "npudesignerror.h"

typedef struct {
  const gchar *what;
  gsize offset, size;
} DesignMark;

typedef struct {
  GByteArray *bytes;
  GArray *marks; /* DesignMark, in the order of writing */
} DesignBytes;

DesignBytes *design_bytes_new (void);
void design_bytes_free (DesignBytes *b);

/* Appends @value as @size bytes, least significant first. */
void design_bytes_put (
    DesignBytes *b, const gchar *what, guint64 value, gsize size);
/* Appends @size bytes of @data, or zeros. */
void design_bytes_put_data (
    DesignBytes *b, const gchar *what, const void *data, gsize size);
/* Appends @text and zeros, @size bytes together. */
void design_bytes_put_text (
    DesignBytes *b, const gchar *what, const gchar *text, gsize size);
/* Appends zeros up to a multiple of 8. */
void design_bytes_align (DesignBytes *b);

/* The @nth of that name; aborts if there is none. */
const DesignMark *design_bytes_find (
    const DesignBytes *b, const gchar *what, guint nth);
void design_bytes_set (
    DesignBytes *b, const gchar *what, guint nth, guint64 value);

/* Fails the test unless @error has @code and a message with @field, as text
 * that a terminal can show.  @what is for the test's report.  Frees @error and
 * counts. */
void design_assert_error (
    const gchar *what, GError *error, NpuDesignError code, const gchar *field);
/* Fails unless that was at least @least times since the last call. */
void design_assert_count (guint least);

#endif /* DESIGN_BYTES_H */
