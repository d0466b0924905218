/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzzdesign.h: what the fuzz targets of designs for NPUs share.
 */
#ifndef FUZZ_DESIGN_H
#define FUZZ_DESIGN_H

#include <stdint.h>

#include <glib.h>

/* The path that the targets name. */
#define FUZZ_DESIGN_PATH "fuzz"

/* Counts an input that was taken for sound, or aborts unless @error says why
 * it was not, as text that a terminal can show; frees it. */
void fuzz_design_judge (gboolean sound, GError *error);

/* A copy of the input with @value in the @bytes from @at on, least significant
 * first, as far as they are there; to be freed. */
uint8_t *fuzz_design_forge (
    const uint8_t *data, gsize size, gsize at, gsize bytes, guint64 value);

#endif /* FUZZ_DESIGN_H */
