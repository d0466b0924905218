/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* amxemulation.c: see amxemulation.h. */
#include "amxemulation.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Palette 1. */
#define N_TILES 8
#define MAX_ROWS 16
#define MAX_ROW_BYTES 64
#define CONFIG_BYTES 64

typedef struct {
  unsigned rows, row_bytes; /* both 0: not usable */
  uint8_t data[MAX_ROWS][MAX_ROW_BYTES];
} Tile;

static _Thread_local Tile tiles[N_TILES];
static _Thread_local bool configured;
static _Thread_local size_t n_products;

static void
require (bool ok, const char *what)
{
  if (ok)
    return;
  fprintf (stderr, "AMX emulation: %s\n", what);
  abort ();
}

void
amx_emulation_loadconfig (const void *config)
{
  const uint8_t *bytes = config;

  require (bytes[0] == 1, "#GP: a palette other than 1");
  /* where an interrupted load or store would go on; never set by hand */
  require (bytes[1] == 0, "a start row");
  for (unsigned i = 2; i < 16; i++)
    require (bytes[i] == 0, "#GP: a reserved byte of the configuration");
  for (unsigned i = 16 + 2 * N_TILES; i < 48; i++)
    require (bytes[i] == 0, "#GP: row bytes of a tile beyond the eighth");
  for (unsigned i = 48 + N_TILES; i < CONFIG_BYTES; i++)
    require (bytes[i] == 0, "#GP: rows of a tile beyond the eighth");
  memset (tiles, 0, sizeof tiles);
  for (unsigned i = 0; i < N_TILES; i++) {
    Tile *tile = &tiles[i];

    tile->row_bytes = bytes[16 + 2 * i] | (unsigned) bytes[17 + 2 * i] << 8;
    tile->rows = bytes[48 + i];
    require (tile->row_bytes <= MAX_ROW_BYTES, "#GP: rows of over 64 bytes");
    require (tile->rows <= MAX_ROWS, "#GP: more than 16 rows");
    require ((tile->rows == 0) == (tile->row_bytes == 0),
        "#GP: rows without bytes or bytes without rows");
  }
  configured = true;
}

void
amx_emulation_release (void)
{
  memset (tiles, 0, sizeof tiles);
  configured = false;
}

bool
amx_emulation_in_use (void)
{
  return configured;
}

size_t
amx_emulation_products (void)
{
  return n_products;
}

static Tile *
get_tile (unsigned number)
{
  require (configured, "#UD: no configuration");
  require (number < N_TILES, "#UD: no such tile");
  require (tiles[number].rows > 0, "#UD: a tile without rows");
  return &tiles[number];
}

void
amx_emulation_zero (unsigned number)
{
  Tile *tile = get_tile (number);

  memset (tile->data, 0, sizeof tile->data);
}

/* Bytes beyond a tile's size become zero. */
void
amx_emulation_load (unsigned number, const void *base, size_t stride)
{
  Tile *tile = get_tile (number);

  memset (tile->data, 0, sizeof tile->data);
  for (unsigned i = 0; i < tile->rows; i++)
    memcpy (tile->data[i], (const char *) base + i * stride, tile->row_bytes);
}

void
amx_emulation_store (unsigned number, void *base, size_t stride)
{
  const Tile *tile = get_tile (number);

  for (unsigned i = 0; i < tile->rows; i++)
    memcpy ((char *) base + i * stride, tile->data[i], tile->row_bytes);
}

static void
require_shapes (unsigned dest, unsigned a, unsigned b)
{
  const Tile *c = get_tile (dest), *left = get_tile (a), *right = get_tile (b);

  require (dest != a && dest != b && a != b, "#UD: a tile used twice");
  require (c->row_bytes % 4 == 0 && left->row_bytes % 4 == 0
               && right->row_bytes % 4 == 0,
      "#UD: rows that are not whole 4-byte elements");
  require (c->rows == left->rows, "#UD: sums and left side differ in rows");
  require (c->row_bytes == right->row_bytes,
      "#UD: sums and right side differ in columns");
  require (left->row_bytes / 4 == right->rows,
      "#UD: left side's columns are not right side's rows");
  n_products++;
}

void
amx_emulation_dpbssd (unsigned dest, unsigned a, unsigned b)
{
  Tile *c = &tiles[dest % N_TILES];
  const Tile *left = &tiles[a % N_TILES], *right = &tiles[b % N_TILES];

  require_shapes (dest, a, b);
  for (unsigned m = 0; m < c->rows; m++) {
    uint32_t sums[MAX_ROW_BYTES / 4]; /* wraps, as the instruction does */

    memcpy (sums, c->data[m], sizeof sums);
    for (unsigned k = 0; k < right->rows; k++) {
      const int8_t *x = (const int8_t *) left->data[m] + 4 * k;
      const int8_t *y = (const int8_t *) right->data[k];

      for (unsigned n = 0; n < c->row_bytes / 4; n++)
        for (unsigned i = 0; i < 4; i++)
          sums[n] += (uint32_t) (x[i] * y[4 * n + i]);
    }
    memcpy (c->data[m], sums, sizeof sums);
  }
}

/* Denormals are zeros on the way in and out, whatever MXCSR says. */
static inline float
flush (float value)
{
  return fabsf (value) < FLT_MIN ? copysignf (0.0f, value) : value;
}

static inline float
from_bf16 (uint16_t half)
{
  uint32_t bits = (uint32_t) half << 16;
  float value;

  memcpy (&value, &bits, sizeof value);
  return flush (value);
}

void
amx_emulation_dpbf16ps (unsigned dest, unsigned a, unsigned b)
{
  enum { COLUMNS = MAX_ROW_BYTES / 4 };
  Tile *c = &tiles[dest % N_TILES];
  const Tile *left = &tiles[a % N_TILES], *right = &tiles[b % N_TILES];

  require_shapes (dest, a, b);
  for (unsigned m = 0; m < c->rows; m++) {
    float even[COLUMNS] = { 0.0f }, odd[COLUMNS] = { 0.0f }, sums[COLUMNS];
    uint16_t x[2 * MAX_ROWS], y[2 * COLUMNS];

    memcpy (x, left->data[m], sizeof x);
    for (unsigned k = 0; k < right->rows; k++) {
      float x_even = from_bf16 (x[2 * k]), x_odd = from_bf16 (x[2 * k + 1]);

      memcpy (y, right->data[k], sizeof y);
      for (unsigned n = 0; n < COLUMNS; n++) {
        even[n] = flush (fmaf (x_even, from_bf16 (y[2 * n]), even[n]));
        odd[n] = flush (fmaf (x_odd, from_bf16 (y[2 * n + 1]), odd[n]));
      }
    }
    memcpy (sums, c->data[m], sizeof sums);
    for (unsigned n = 0; n < COLUMNS; n++)
      sums[n] = flush (flush (sums[n]) + flush (even[n] + odd[n]));
    memcpy (c->data[m], sums, c->row_bytes);
  }
}
