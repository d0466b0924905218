/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * amxtile.h: the eight tile registers of AMX, each of up to 16 rows of 64 bytes,
 * and what is done with them.
 *
 * A tile's number is part of its instruction, so it must be a literal.  Tiles
 * belong to a thread, must be configured before use, and make each switch to
 * another thread dearer while they hold something: so every kernel configures
 * them when it begins and releases them when it ends, which is tens of cycles
 * in a task of 10^5.
 *
 * These are the compiler's intrinsics, with fences: GCC 12's do not say that
 * they read memory.  tests/kernels/amxemulation.h puts plain C in their place.
 */
#ifndef NPU_X86_AMXTILE_H
#define NPU_X86_AMXTILE_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define N_TILES 8
#define TILE_ROWS 16
#define TILE_ROW_BYTES 64
#define TILE_BYTES (TILE_ROWS * TILE_ROW_BYTES)

/* LDTILECFG's operand. */
typedef struct {
  uint8_t palette; /* 1 is the only one */
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} TileConfig;

/* No access to memory passes. */
static inline void
tile_fence (void)
{
  __asm__ volatile("" : : : "memory");
}

/* Tile i gets rows[i] whole rows of zeros; a tile of no rows must not be used. */
static inline void
tile_configure (const uint8_t rows[N_TILES])
{
  _Alignas(64) TileConfig config = { .palette = 1 };

  for (unsigned i = 0; i < N_TILES; i++) {
    config.rows[i] = rows[i];
    config.row_bytes[i] = rows[i] > 0 ? TILE_ROW_BYTES : 0;
  }
  /* The compiler may know of its first bytes only that they are read. */
  __asm__ volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig (&config);
}

static inline void
tile_release (void)
{
  _tile_release ();
}

#define tile_zero(tile) _tile_zero (tile)

/* @stride: bytes from one row to the next. */
#define tile_load(tile, from, stride)                                          \
  do {                                                                         \
    tile_fence ();                                                             \
    _tile_loadd (tile, from, stride);                                          \
    tile_fence ();                                                             \
  } while (0)

#define tile_store(tile, to, stride)                                           \
  do {                                                                         \
    _tile_stored (tile, to, stride);                                           \
    tile_fence ();                                                             \
  } while (0)

/*
 * c[i][j] += sum of a[i][p] b[p / n][j n + p % n], where n values make 4 bytes:
 * a has rows of 64 bytes, b 16 rows of as many columns of 4 bytes as c has.
 * int8: 64 signed values, exact int32.  bf16: 32 values, float32; even and odd
 * ones are summed apart, then added to each other and to c.
 */
#define tile_dot_int8(c, a, b) _tile_dpbssd (c, a, b)
#define tile_dot_bf16(c, a, b) _tile_dpbf16ps (c, a, b)

#endif /* NPU_X86_AMXTILE_H */
