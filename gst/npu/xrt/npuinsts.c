/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuinsts.c: walks a transaction of version 0.1, as mlir-aie writes it for an
 * xclbin: a header of 4 words, then operations of 1 word or more each.
 *
 * An address has the column in bits 25 and up, the row in bits 20 to 24, and
 * the register within the tile below.
 */
#include "npuinsts.h"

#include <string.h>

#include "npubytes.h"

#define WORD 4
#define HEADER_BYTES 16

#define ROWS 6 /* shim, memory tile, four of cores */
#define MEMORY_TILE_ROWS 1
#define COLUMN_SHIFT 25
#define ROW_SHIFT 20
#define ROW_MASK 0x1f
#define TILE_BYTES (1 << ROW_SHIFT)

/* A shim's buffer descriptors: 16 of 32 bytes.  The address of the host's
 * memory is in the second and third word of each. */
#define SHIM_BD_FIRST 0x1d000
#define SHIM_BD_BYTES 0x20
#define SHIM_BDS 16
#define SHIM_BD_ADDRESS 4

/* The firmware translates the first five buffers' addresses for the array;
 * for the others mlir-aie adds this to the offset. */
#define TRANSLATED_BUFFERS 5
#define ARRAY_OFFSET G_GUINT64_CONSTANT (0x80000000)

#define PREEMPT_LEVELS 4

typedef enum {
  WRITE = 0,
  BLOCK_WRITE = 1,
  MASK_WRITE = 3,
  PREEMPT = 6,
  SYNC = 128,
  PATCH = 129
} Code;

typedef struct {
  const gchar *path;
  const guint8 *data;
  gsize size;
  const NpuInstsLimits *limits;
  NpuInsts *insts;
  gsize at;       /* the current operation, in bytes */
  guint n;        /* its number */
  gsize op_bytes; /* its size */
} Reader;

static guint32
word (const Reader *r, guint i)
{
  return npu_bytes_u32 (r->data + r->at + i * WORD);
}

/* "<path>: operation 3 at byte 64 (WRITE): <text>; …" */
G_GNUC_PRINTF (4, 5)
static gboolean
refuse (const Reader *r, GError **error, const gchar *name, const gchar *format,
    ...)
{
  va_list args;
  gchar *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  npu_design_error_corrupt (error, r->path,
      "operation %u at byte %" G_GSIZE_FORMAT " (%s): %s", r->n, r->at, name,
      text);
  g_free (text);
  return FALSE;
}

/* The tile and @bytes of registers from its address on. */
static gboolean
check_address (const Reader *r, const gchar *name, guint32 address,
    guint64 bytes, GError **error)
{
  guint column = address >> COLUMN_SHIFT;
  guint row = address >> ROW_SHIFT & ROW_MASK;
  guint offset = address & (TILE_BYTES - 1);

  if (column >= r->insts->columns)
    return refuse (r, error, name, "address 0x%x is in column %u, not 0 to %u",
        address, column, r->insts->columns - 1);
  if (row >= ROWS)
    return refuse (r, error, name, "address 0x%x is in row %u, not 0 to %d",
        address, row, ROWS - 1);
  if (offset % WORD != 0)
    return refuse (
        r, error, name, "address 0x%x is not a multiple of %d", address, WORD);
  if (bytes > TILE_BYTES - offset)
    return refuse (r, error, name,
        "%" G_GUINT64_FORMAT " bytes at address 0x%x leave the tile", bytes,
        address);
  return TRUE;
}

/* The size that the operation itself tells in word @i must be @bytes. */
static gboolean
check_size (const Reader *r, const gchar *name, guint i, GError **error)
{
  if (word (r, i) != r->op_bytes)
    return refuse (r, error, name, "operation size is %u, not %" G_GSIZE_FORMAT,
        word (r, i), r->op_bytes);
  return TRUE;
}

/* WRITE: -, -, address, address' upper half, value, size.
 * MASK_WRITE: a mask before the size. */
static gboolean
check_write (const Reader *r, const gchar *name, GError **error)
{
  if (!check_size (r, name, r->op_bytes / WORD - 1, error))
    return FALSE;
  if (word (r, 3) != 0)
    return refuse (r, error, name, "address 0x%x%08x is beyond the NPU",
        word (r, 3), word (r, 2));
  return check_address (r, name, word (r, 2), WORD, error);
}

/* -, tile (column and row, or 0), address, size, data. */
static gboolean
check_block_write (const Reader *r, const gchar *name, GError **error)
{
  guint32 address = word (r, 2);
  guint32 column = word (r, 1) & 0xff, row = word (r, 1) >> 8 & 0xff;

  if (!check_address (r, name, address, r->op_bytes - 4 * WORD, error))
    return FALSE;
  if ((column != 0 || row != 0)
      && (column != address >> COLUMN_SHIFT
          || row != (address >> ROW_SHIFT & ROW_MASK)))
    return refuse (r, error, name, "tile (%u, %u) is not that of address 0x%x",
        column, row, address);
  return TRUE;
}

/* The code and the level, and no more. */
static gboolean
check_preempt (const Reader *r, const gchar *name, GError **error)
{
  guint32 level = word (r, 0) >> 8;

  if (level >= PREEMPT_LEVELS)
    return refuse (
        r, error, name, "level is %u, not 0 to %d", level, PREEMPT_LEVELS - 1);
  return TRUE;
}

/* How many DMA channels of one direction a tile has. */
static guint
channels (guint row)
{
  return row == 1 ? 6 : 2;
}

/* -, size, then bytes: direction, row, column, -; -, rows, columns, channel. */
static gboolean
check_sync (const Reader *r, const gchar *name, GError **error)
{
  const guint8 *from = r->data + r->at + 2 * WORD;
  guint direction = from[0], row = from[1], column = from[2];
  guint n_rows = from[5], n_columns = from[6], channel = from[7];

  if (!check_size (r, name, 1, error))
    return FALSE;
  if (direction > 1)
    return refuse (r, error, name, "direction is %u, not 0 or 1", direction);
  if (n_columns == 0 || column + n_columns > r->insts->columns)
    return refuse (r, error, name, "%u columns from column %u on are not in %u",
        n_columns, column, r->insts->columns);
  if (n_rows == 0 || row + n_rows > ROWS)
    return refuse (r, error, name, "%u rows from row %u on are not in %d",
        n_rows, row, ROWS);
  if (channel >= channels (row))
    return refuse (r, error, name, "channel is %u, not 0 to %u", channel,
        channels (row) - 1);
  r->insts->n_syncs++;
  return TRUE;
}

static gboolean
check_descriptor (
    const Reader *r, const gchar *name, guint32 address, GError **error)
{
  guint offset = address & (TILE_BYTES - 1);

  if (!check_address (r, name, address, WORD, error))
    return FALSE;
  if ((address >> ROW_SHIFT & ROW_MASK) != 0 || offset < SHIM_BD_FIRST
      || offset >= SHIM_BD_FIRST + SHIM_BDS * SHIM_BD_BYTES
      || offset % SHIM_BD_BYTES > SHIM_BD_ADDRESS)
    return refuse (r, error, name,
        "address 0x%x is not that of a shim's buffer descriptor", address);
  return TRUE;
}

/* -, size, -, -, -, action, address, -, buffer, 0, offset in it, 0. */
static gboolean
check_patch (const Reader *r, const gchar *name, GError **error)
{
  guint64 buffer = word (r, 8) | (guint64) word (r, 9) << 32;
  guint64 offset = word (r, 10) | (guint64) word (r, 11) << 32;

  if (!check_size (r, name, 1, error))
    return FALSE;
  if (word (r, 5) != 0)
    return refuse (r, error, name, "action is %u, not 0", word (r, 5));
  if (!check_descriptor (r, name, word (r, 6), error))
    return FALSE;
  if (buffer >= r->limits->n_buffers)
    return refuse (r, error, name,
        "argument is %" G_GUINT64_FORMAT ", but there are %u buffers", buffer,
        r->limits->n_buffers);
  if (buffer >= TRANSLATED_BUFFERS && offset >= ARRAY_OFFSET)
    offset -= ARRAY_OFFSET;
  if (offset >= r->limits->buffer_bytes[buffer])
    return refuse (r, error, name,
        "offset %" G_GUINT64_FORMAT " is beyond the %" G_GUINT64_FORMAT
        " bytes of argument %" G_GUINT64_FORMAT,
        offset, r->limits->buffer_bytes[buffer], buffer);
  r->insts->buffers |= 1u << buffer;
  return TRUE;
}

/* What mlir-aie writes for an xclbin.  Other operations load or patch what
 * only its ELF files bring along. */
static const struct {
  Code code;
  const gchar *name;
  guint words; /* at least, for BLOCK_WRITE */
  gboolean (*check) (const Reader *r, const gchar *name, GError **error);
} operations[] = {
  { WRITE, "WRITE", 6, check_write },
  { BLOCK_WRITE, "BLOCKWRITE", 5, check_block_write },
  { MASK_WRITE, "MASKWRITE", 7, check_write },
  { PREEMPT, "PREEMPT", 1, check_preempt },
  { SYNC, "TCT", 4, check_sync },
  { PATCH, "DDR_PATCH", 12, check_patch },
};

/* Sets op_bytes, or FALSE with @error. */
static gboolean
measure (Reader *r, guint i, GError **error)
{
  const gchar *name = operations[i].name;
  gsize least = operations[i].words * WORD;

  r->op_bytes = least;
  if (!npu_bytes_fit (r->at, least, 1, r->size))
    return refuse (r, error, name,
        "needs %" G_GSIZE_FORMAT " bytes, but %" G_GSIZE_FORMAT " are left",
        least, r->size - r->at);
  if (operations[i].code != BLOCK_WRITE)
    return TRUE;
  r->op_bytes = word (r, 3);
  if (r->op_bytes < least || r->op_bytes % WORD != 0
      || !npu_bytes_fit (r->at, r->op_bytes, 1, r->size))
    return refuse (r, error, name,
        "operation size is %" G_GSIZE_FORMAT ", but %" G_GSIZE_FORMAT
        " bytes are left",
        r->op_bytes, r->size - r->at);
  return TRUE;
}

static gboolean
check_operation (Reader *r, GError **error)
{
  guint code = r->data[r->at];
  guint i;

  for (i = 0; i < G_N_ELEMENTS (operations); i++) {
    if (operations[i].code == code)
      return measure (r, i, error)
             && operations[i].check (r, operations[i].name, error);
  }
  return npu_design_error_corrupt (error, r->path,
      "operation %u at byte %" G_GSIZE_FORMAT
      ": opcode is %u, which no xclbin's instructions have",
      r->n, r->at, code);
}

/* Bytes: major, minor, generation, rows, columns, memory tile rows, -, -. */
static gboolean
check_device (Reader *r, GError **error)
{
  const guint8 *h = r->data;

  if (h[0] != 0 || h[1] != 1)
    return npu_design_error_set (error, NPU_DESIGN_ERROR_UNSUPPORTED, r->path,
        "version is %u.%u, not 0.1", h[0], h[1]);
  if (h[2] != NPU_GENERATION_PHOENIX && h[2] != NPU_GENERATION_STRIX)
    return npu_design_error_set (error, NPU_DESIGN_ERROR_UNSUPPORTED, r->path,
        "device generation is %u, not %d (Phoenix, Hawk Point) or %d (Strix)",
        h[2], NPU_GENERATION_PHOENIX, NPU_GENERATION_STRIX);
  if (h[2] != r->limits->generation)
    return npu_design_error_set (error, NPU_DESIGN_ERROR_MISMATCH, r->path,
        "device generation is %u, but the design is for %u", h[2],
        r->limits->generation);
  if (h[3] != ROWS || h[5] != MEMORY_TILE_ROWS)
    return npu_design_error_corrupt (error, r->path,
        "number of rows is %u and of memory tile rows %u, not %d and %d", h[3],
        h[5], ROWS, MEMORY_TILE_ROWS);
  if (h[4] < 1 || h[4] > r->limits->columns)
    return npu_design_error_corrupt (error, r->path,
        "number of columns is %u, not 1 to %u", h[4], r->limits->columns);
  r->insts->columns = h[4];
  return TRUE;
}

static gboolean
check_header (Reader *r, GError **error)
{
  if (r->size > NPU_INSTS_MAX_BYTES)
    return npu_design_error_corrupt (error, r->path,
        "%" G_GSIZE_FORMAT " bytes are too many (at most %d)", r->size,
        NPU_INSTS_MAX_BYTES);
  if (r->size < HEADER_BYTES)
    return npu_design_error_corrupt (error, r->path,
        "%" G_GSIZE_FORMAT " bytes are too few for the header of %d", r->size,
        HEADER_BYTES);
  if (r->size % WORD != 0)
    return npu_design_error_corrupt (error, r->path,
        "file size %" G_GSIZE_FORMAT " is not a multiple of %d", r->size, WORD);
  if (!check_device (r, error))
    return FALSE;
  if (npu_bytes_u32 (r->data + 12) != r->size)
    return npu_design_error_corrupt (error, r->path,
        "transaction size is %u, but the file has %" G_GSIZE_FORMAT " bytes",
        npu_bytes_u32 (r->data + 12), r->size);
  return TRUE;
}

gboolean
npu_insts_parse (const guint8 *data, gsize size, const NpuInstsLimits *limits,
    const gchar *path, NpuInsts *insts, GError **error)
{
  Reader r = { .path = path,
    .data = data,
    .size = size,
    .limits = limits,
    .insts = insts,
    .at = HEADER_BYTES };

  memset (insts, 0, sizeof *insts);
  if (!check_header (&r, error))
    return FALSE;
  for (; r.at < size; r.at += r.op_bytes, r.n++) {
    if (!check_operation (&r, error))
      return FALSE;
  }
  insts->n_operations = r.n;
  if (npu_bytes_u32 (data + 8) != r.n)
    return npu_design_error_corrupt (error, path,
        "number of operations is %u, but there are %u",
        npu_bytes_u32 (data + 8), r.n);
  if (insts->n_syncs == 0)
    return npu_design_error_corrupt (error, path,
        "no operation waits for the results (TCT, of npu.dma_wait)");
  return TRUE;
}
