/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npuarena.c: anonymous pages, so that memory comes zeroed and goes back. */
#include "npuarena.h"

#include <gio/gio.h>
#include <sys/mman.h>

#include "npukernels.h"

float *
npu_arena_take_floats (NpuArena *arena, gsize n)
{
  gsize bytes;
  float *floats = NULL;

  if (arena->used == G_MAXSIZE || n > (G_MAXSIZE / 2) / sizeof (float)) {
    arena->used = G_MAXSIZE;
    return NULL;
  }
  bytes =
      (n * sizeof (float) + NPU_ALIGNMENT - 1) & ~(gsize) (NPU_ALIGNMENT - 1);
  if (arena->base != NULL) {
    g_assert (bytes <= arena->size - arena->used);
    floats = (float *) (arena->base + arena->used);
  }
  if (!g_size_checked_add (&arena->used, arena->used, bytes))
    arena->used = G_MAXSIZE;
  return floats;
}

gboolean
npu_arena_allocate (NpuArena *arena, GError **error)
{
  void *base = MAP_FAILED;

  if (arena->used != G_MAXSIZE && arena->used > 0)
    base = mmap (NULL, arena->used, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
        "Out of memory: %" G_GSIZE_FORMAT " MB are needed", arena->used >> 20);
    return FALSE;
  }
  /* Weights and activations are streamed: larger pages spare the TLB.  A hint;
   * where it is not taken, nothing changes. */
  (void) madvise (base, arena->used, MADV_HUGEPAGE);
  arena->base = base;
  arena->size = arena->used;
  arena->used = 0;
  return TRUE;
}

void
npu_arena_clear (NpuArena *arena)
{
  if (arena->base != NULL)
    munmap (arena->base, arena->size);
  *arena = (NpuArena){ 0 };
}
