/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * amxgemm.h: what the tile products of both formats share.
 *
 * C is computed in blocks of 32 rows by one panel of 32 columns, 2 x 2 tiles:
 *
 *   tiles 0, 1   sums of rows 0 … 15, a half of the panel each
 *   tiles 2, 3   sums of rows 16 … 31
 *   tiles 4, 5   A: 64 bytes of rows 0 … 15, and of rows 16 … 31
 *   tiles 6, 7   W: the same 64 bytes of each of 16 columns
 *
 * Those 64 bytes are a step.  A panel's step is two tiles, one behind the other,
 * as a tile is loaded fastest from consecutive lines.
 *
 * The sums leave the tiles for memory, and what is left to do with them is done
 * in portions between the products of the next block or group, since the tile
 * unit and the vector units work side by side.
 *
 * Caches: a chunk of panels stays in the second level while the blocks of rows
 * pass by, each of which stays in the first level while the chunk passes by.
 */
#ifndef NPU_X86_AMXGEMM_H
#define NPU_X86_AMXGEMM_H

#define BLOCK 32 /* rows */
#define STEP_BYTES (2 * TILE_BYTES)
/* Rows per task: enough for W, which comes from the third level, to be cheap. */
#define TASK_ROWS 256
/* Bytes of W, a quarter of the second level. */
#define CHUNK_BYTES (512 * 1024)

static inline size_t
n_steps (size_t row_bytes)
{
  return (row_bytes + TILE_ROW_BYTES - 1) / TILE_ROW_BYTES;
}

/* Of @rows, those that are to be done with each of @slots products, for all to be
 * done in the end. */
static inline size_t
share (size_t rows, size_t slots)
{
  return (rows + slots - 1) / slots;
}

/* For @rows <= BLOCK rows of A. */
static void
configure_block (size_t rows)
{
  uint8_t upper = (uint8_t) (rows < TILE_ROWS ? rows : TILE_ROWS);
  uint8_t lower = (uint8_t) (rows - upper);

  tile_configure ((const uint8_t[N_TILES]){
      upper, upper, lower, lower, upper, lower, TILE_ROWS, TILE_ROWS });
}

static inline void
clear_sums (const int tall)
{
  tile_zero (0);
  tile_zero (1);
  if (tall) {
    tile_zero (2);
    tile_zero (3);
  }
}

/* To [BLOCK][PANEL] values of 4 bytes. */
static inline void
store_sums (const int tall, void *sums)
{
  char *to = sums;
  const size_t stride = PANEL * 4;

  tile_store (0, to, stride);
  tile_store (1, to + TILE_ROW_BYTES, stride);
  if (tall) {
    tile_store (2, to + TILE_ROWS * stride, stride);
    tile_store (3, to + TILE_ROWS * stride + TILE_ROW_BYTES, stride);
  }
}

/* Calls @multiply for each block of C, @rows <= BLOCK rows of one panel, with the
 * tiles configured for it. */
static void
for_each_block (const NpuGemm *args, size_t panel_bytes,
    void (*multiply) (void *state, const NpuGemm *args, size_t row, size_t rows,
        size_t panel),
    void *state)
{
  size_t chunk = panel_bytes < CHUNK_BYTES ? CHUNK_BYTES / panel_bytes : 1;
  size_t end = args->first_panel + args->n_panels;
  size_t configured = 0;

  for (size_t first = args->first_panel; first < end; first += chunk) {
    size_t chunk_end = end - first < chunk ? end : first + chunk;

    for (size_t row = 0; row < args->m; row += BLOCK) {
      size_t rows = args->m - row < BLOCK ? args->m - row : BLOCK;

      if (rows != configured)
        configure_block (rows);
      configured = rows;
      for (size_t panel = first; panel < chunk_end; panel++)
        multiply (state, args, row, rows, panel);
    }
  }
  tile_release ();
}

/* Bias, activation and addend of a row of a panel, from @column of C on. */
static inline __attribute__ ((always_inline)) void
finish_sums (const NpuGemm *args, const float *sums, size_t row, size_t column)
{
  size_t n = args->w->n;

  if (column + PANEL <= n) {
    finish (args, sums, row, column, VEC_LANES);
    finish (args, sums + VEC_LANES, row, column + VEC_LANES, VEC_LANES);
    return;
  }
  for (; column < n; column += VEC_LANES) {
    size_t left = n - column;

    finish (args, sums, row, column, left < VEC_LANES ? left : VEC_LANES);
    sums += VEC_LANES;
  }
}

#endif /* NPU_X86_AMXGEMM_H */
