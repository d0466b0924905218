/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuarena.h: one block of memory for many aligned arrays.
 *
 * A layout function takes its arrays from the arena; it is run twice, first
 * on an empty arena to learn the size, then, after npu_arena_allocate(), for
 * real.  So the sizes are written once.
 */
#ifndef NPU_ARENA_H
#define NPU_ARENA_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint8 *base; /* NULL while measuring */
  gsize used;   /* bytes; G_MAXSIZE once it overflowed */
  gsize size;
} NpuArena;

/* The next @n floats, aligned to NPU_ALIGNMENT, or NULL while measuring. */
float *npu_arena_take_floats (NpuArena *arena, gsize n);

/* Makes room for what was measured, zeroed, and starts over.  FALSE if there
 * is not that much memory. */
gboolean npu_arena_allocate (NpuArena *arena, GError **error);

void npu_arena_clear (NpuArena *arena);

G_END_DECLS
#endif /* NPU_ARENA_H */
