/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * designfixture.h: small designs for NPUs, sound or forged in any field.
 * Written from the formats' descriptions, apart from the reader that is
 * tested; no NPU could do anything with them.
 */
#ifndef DESIGN_FIXTURE_H
#define DESIGN_FIXTURE_H

#include "designbytes.h"
#include "folderfixture.h"

#define DESIGN_KERNEL "MLIR_AIE"

/* EMBEDDED_METADATA for a kernel with @n_buffers (transfer full). */
gchar *design_metadata (guint n_buffers);

/* An xclbin for @columns; @metadata instead of that of five buffers, or
 * NULL.  The fields have the names of XRT's headers. */
DesignBytes *design_xclbin_new (guint columns, const gchar *metadata);
/* Sets m_length to the number of bytes. */
void design_xclbin_fit (DesignBytes *xclbin);

/* Instructions that write a descriptor for each of @n_buffers, start it, and
 * wait for the last; for one column and two buffers as many bytes as mlir-aie
 * makes of that. */
DesignBytes *design_insts_new (
    guint generation, guint columns, guint n_buffers);
/* Sets the size of the transaction to the number of bytes. */
void design_insts_fit (DesignBytes *insts);

/* A whole design. */
typedef struct {
  DesignBytes *xclbin;
  DesignBytes *copy; /* insts of two buffers */
  DesignBytes *mix;  /* insts of four */
  GByteArray *answer;
} DesignFixture;

DesignFixture *design_fixture_new (void);
void design_fixture_free (DesignFixture *design);
/* The manifest, with the lengths and hashes of the files as they are now
 * (transfer full). */
gchar *design_fixture_manifest (const DesignFixture *design);
/* Writes all files into the folder @name; @manifest instead of the fitting
 * one, or NULL.  Returns the folder's path (transfer full). */
gchar *design_fixture_write (
    const DesignFixture *design, const gchar *name, const gchar *manifest);

/* @text with its only @old replaced (transfer full); fails the test if @old is
 * not there just once. */
gchar *design_replace (const gchar *text, const gchar *old, const gchar *by);

#endif /* DESIGN_FIXTURE_H */
