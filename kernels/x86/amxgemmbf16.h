/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * amxgemmbf16.h: the product of bf16 values (ref/gemmbf16.c) in tiles: all of k is
 * summed in them, in float32.
 *
 * A row: see bf16rows.h.
 * A panel: for each step of 32 values two tiles, [16 pairs][16 columns][2] each,
 * padded with zeros.
 */
#ifndef NPU_X86_AMXGEMMBF16_H
#define NPU_X86_AMXGEMMBF16_H

#define BF16_STEP 32 /* values of a row in a tile */

static size_t
amx_bf16_panel_bytes (size_t k)
{
  return n_steps (k * sizeof (uint16_t)) * STEP_BYTES;
}

/* Sixteen rows of W, @n_rows of them there, as tiles that lie STEP_BYTES from
 * each other. */
static void
pack_bf16_tiles (
    const float *w, size_t ldw, size_t k, size_t n_rows, char *tiles)
{
  for (size_t p = 0; p < k; p += BF16_STEP) {
    vec v[VEC_LANES];

    for (size_t i = 0; i < VEC_LANES; i++)
      v[i] = i < n_rows
                 ? _mm512_castsi512_ps (bf16_load (w + i * ldw + p, k - p))
                 : vec_zero ();
    vec_transpose (v);
    for (size_t i = 0; i < TILE_ROWS; i++)
      _mm512_store_ps (tiles + i * TILE_ROW_BYTES, v[i]);
    tiles += STEP_BYTES;
  }
}

static void
amx_bf16_pack (const float *w, size_t ldw, size_t k, size_t first,
    size_t n_rows, void *panels)
{
  char *panel = (char *) panels + first / PANEL * amx_bf16_panel_bytes (k);

  for (size_t n = 0; n < n_rows; n += PANEL) {
    size_t left = n_rows - n < VEC_LANES ? n_rows - n : VEC_LANES;
    size_t right =
        n_rows - n - left < VEC_LANES ? n_rows - n - left : VEC_LANES;

    pack_bf16_tiles (w + n * ldw, ldw, k, left, panel);
    pack_bf16_tiles (w + (n + left) * ldw, ldw, k, right, panel + TILE_BYTES);
    panel += amx_bf16_panel_bytes (k);
  }
}

typedef struct {
  /* A block whose sums have left the tiles: its rows next … end - 1 wait to be
   * finished. */
  _Alignas(NPU_ALIGNMENT) float sums[BLOCK * PANEL];
  const NpuGemm *args;
  size_t row, column;
  size_t next, end;
  /* The last step of the rows from tail_row on, where k ends within it: what
   * lies behind k may be another row, or nobody's. */
  _Alignas(NPU_ALIGNMENT) uint16_t tail[BLOCK * BF16_STEP];
  size_t tail_row;
} Bf16State;

#define NO_ROW SIZE_MAX

static void
finish_some_bf16 (Bf16State *state, size_t n)
{
  const NpuGemm args = *state->args; /* so that it can stay in registers */
  size_t end = state->end - state->next < n ? state->end : state->next + n;

  for (size_t i = state->next; i < end; i++)
    finish_sums (&args, state->sums + i * PANEL, state->row + i, state->column);
  state->next = end;
}

/* Products of one step of up to 16 rows, or of 32, where @tall; with each, @n
 * rows of the block before are finished. */
static inline __attribute__ ((always_inline)) void
bf16_step (const int tall, const char *a, size_t stride, const char *w,
    Bf16State *state, size_t n)
{
  tile_load (4, a, stride);
  tile_load (6, w, TILE_ROW_BYTES);
  tile_dot_bf16 (0, 4, 6);
  finish_some_bf16 (state, n);
  tile_load (7, w + TILE_BYTES, TILE_ROW_BYTES);
  tile_dot_bf16 (1, 4, 7);
  finish_some_bf16 (state, n);
  if (tall) {
    tile_load (5, a + TILE_ROWS * stride, stride);
    tile_dot_bf16 (2, 5, 6);
    finish_some_bf16 (state, n);
    tile_dot_bf16 (3, 5, 7);
    finish_some_bf16 (state, n);
  }
}

static inline __attribute__ ((always_inline)) void
bf16_sums (const int tall, const char *a, size_t stride, size_t k,
    const char *w, Bf16State *state)
{
  size_t whole = k / BF16_STEP, steps = n_steps (k * sizeof (uint16_t));
  size_t n = share (state->end - state->next, steps * (tall ? 4 : 2));

  clear_sums (tall);
  for (size_t i = 0; i < whole; i++)
    bf16_step (
        tall, a + i * TILE_ROW_BYTES, stride, w + i * STEP_BYTES, state, n);
  if (whole < steps)
    bf16_step (tall, (const char *) state->tail, TILE_ROW_BYTES,
        w + whole * STEP_BYTES, state, n);
  finish_some_bf16 (state, BLOCK);
  store_sums (tall, state->sums);
}

static void
load_tail (
    Bf16State *state, const char *a, size_t stride, size_t rows, size_t k)
{
  size_t whole = k / BF16_STEP * BF16_STEP;
  __mmask32 rest = (__mmask32) ((UINT64_C (1) << (k - whole)) - 1);

  for (size_t i = 0; i < rows; i++)
    _mm512_store_si512 (state->tail + i * BF16_STEP,
        _mm512_maskz_loadu_epi16 (
            rest, (const uint16_t *) (a + i * stride) + whole));
}

static void
bf16_block (
    void *data, const NpuGemm *args, size_t row, size_t rows, size_t panel)
{
  Bf16State *state = data;
  size_t k = args->w->k, stride = args->a_stride;
  const char *a = (const char *) args->a + row * stride;
  const char *w =
      (const char *) args->w->panels + panel * amx_bf16_panel_bytes (k);

  if (k % BF16_STEP != 0 && state->tail_row != row) {
    load_tail (state, a, stride, rows, k);
    state->tail_row = row;
  }
  if (rows > TILE_ROWS)
    bf16_sums (1, a, stride, k, w, state);
  else
    bf16_sums (0, a, stride, k, w, state);
  state->row = row;
  state->column = panel * PANEL;
  state->next = 0;
  state->end = rows;
}

static void
amx_bf16_gemm (const NpuGemm *args)
{
  Bf16State state;

  state.args = args;
  state.next = state.end = 0;
  state.tail_row = NO_ROW;
  for_each_block (args, amx_bf16_panel_bytes (args->w->k), bf16_block, &state);
  finish_some_bf16 (&state, BLOCK);
}

/* Four products side by side hide the latency of each. */
static uint64_t
amx_bf16_burn (uint64_t rounds)
{
  configure_block (BLOCK);
  for (uint64_t round = 0; round < rounds; round++) {
    tile_dot_bf16 (0, 4, 6);
    tile_dot_bf16 (1, 4, 7);
    tile_dot_bf16 (2, 5, 6);
    tile_dot_bf16 (3, 5, 7);
  }
  tile_release ();
  return rounds * 2 * BLOCK * PANEL * BF16_STEP;
}

static inline void
amx_gemm_bf16_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_BF16] = (NpuProduct){ .panel = PANEL,
    .rows = TASK_ROWS,
    .panel_bytes = amx_bf16_panel_bytes,
    .row_bytes = bf16_row_bytes,
    .pack = amx_bf16_pack,
    .prepare = bf16_prepare,
    .layernorm = bf16_layernorm,
    .gemm = amx_bf16_gemm,
    .burn = amx_bf16_burn };
}

#endif /* NPU_X86_AMXGEMMBF16_H */
