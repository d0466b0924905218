/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * amxgemmint8.h: the product of int8 values (ref/gemmint8.c) in tiles: a group of
 * NPU_INT8_GROUP columns of A, two steps, is summed in them, and then turned
 * into float32 as kernels/vec/vecgemmint8.h does, so that the results are the
 * same bits.
 *
 * A row: see vecint8rows.h.
 * A panel: scales [PANEL], then for each step of 64 values two tiles,
 * [16 quads][16 columns][4] each, padded with zeros.
 */
#ifndef NPU_X86_AMXGEMMINT8_H
#define NPU_X86_AMXGEMMINT8_H

#define INT8_STEP 64 /* values of a row in a tile */
#define SCALES_BYTES (PANEL * sizeof (float))

static size_t
amx_int8_panel_bytes (size_t k)
{
  return SCALES_BYTES + n_steps (k) * STEP_BYTES;
}

/* Sixteen rows of W, @n_rows of them there, as tiles that lie STEP_BYTES from
 * each other, and their scales. */
static void
pack_int8_tiles (const float *w, size_t ldw, size_t k, size_t n_rows,
    float *scales, char *tiles)
{
  float inverses[VEC_LANES] = { 0.0f };

  for (size_t i = 0; i < n_rows; i++) {
    float largest = largest_magnitude (w + i * ldw, k);

    scales[i] = int8_scale (largest);
    inverses[i] = int8_inverse (largest);
  }
  for (size_t p = 0; p < k; p += INT8_STEP) {
    size_t n = k - p < INT8_STEP ? k - p : INT8_STEP;
    _Alignas(NPU_ALIGNMENT) int8_t q[VEC_LANES][INT8_STEP] = { 0 };
    vec v[VEC_LANES];

    for (size_t i = 0; i < n_rows; i++)
      quantize (w + i * ldw + p, n, inverses[i], q[i]);
    for (size_t i = 0; i < VEC_LANES; i++)
      v[i] = _mm512_load_ps (q[i]);
    vec_transpose (v);
    for (size_t i = 0; i < TILE_ROWS; i++)
      _mm512_store_ps (tiles + i * TILE_ROW_BYTES, v[i]);
    tiles += STEP_BYTES;
  }
}

static void
amx_int8_pack (const float *w, size_t ldw, size_t k, size_t first,
    size_t n_rows, void *panels)
{
  char *panel = (char *) panels + first / PANEL * amx_int8_panel_bytes (k);

  for (size_t n = 0; n < n_rows; n += PANEL) {
    size_t left = n_rows - n < VEC_LANES ? n_rows - n : VEC_LANES;
    size_t right =
        n_rows - n - left < VEC_LANES ? n_rows - n - left : VEC_LANES;
    float *scales = (float *) panel;
    char *tiles = panel + SCALES_BYTES;

    memset (scales, 0, SCALES_BYTES);
    pack_int8_tiles (w + n * ldw, ldw, k, left, scales, tiles);
    pack_int8_tiles (w + (n + left) * ldw, ldw, k, right, scales + VEC_LANES,
        tiles + TILE_BYTES);
    panel += amx_int8_panel_bytes (k);
  }
}

/* A block between its groups, and a group whose sums have left the tiles: vectors
 * next … end - 1, two to a row, wait to be added to the block's. */
typedef struct {
  _Alignas(NPU_ALIGNMENT) int32_t products[BLOCK * PANEL];
  _Alignas(NPU_ALIGNMENT) float sums[BLOCK * PANEL];
  const NpuGemm *args;
  size_t row, column;
  const char *row_scales; /* of the group; a_stride apart */
  const float *column_scales;
  int first, last; /* of the block's groups */
  unsigned next, end;
} Int8State;

/* The float32 step of vector @i. */
static inline vec
add_group (const Int8State *state, unsigned i)
{
  const char *scale = state->row_scales + i / 2 * state->args->a_stride;
  vec before =
      state->first ? vec_zero () : vec_load (state->sums + i * VEC_LANES);

  return vec_fma (ivec_to_float (ivec_load (state->products + i * VEC_LANES)),
      vec_set1 (*(const float *) scale), before);
}

static void
finish_some_int8 (Int8State *state, unsigned n)
{
  unsigned end = state->end - state->next < n ? state->end : state->next + n;

  for (unsigned i = state->next; i < end; i++) {
    float *sums = state->sums + i * VEC_LANES;
    unsigned half = i % 2 * VEC_LANES;
    vec sum = add_group (state, i);

    if (state->last) {
      vec_store (sums, sum * vec_load (state->column_scales + half));
      finish_vector (
          state->args, sums, state->row + i / 2, state->column + half);
    } else {
      vec_store (sums, sum);
    }
  }
  state->next = end;
}

/* Products of one step of up to 16 rows, or of 32, where @tall; with each, @n
 * vectors of the group before are done. */
static inline __attribute__ ((always_inline)) void
int8_step (const int tall, const char *a, size_t stride, const char *w,
    Int8State *state, unsigned n)
{
  tile_load (4, a, stride);
  tile_load (6, w, TILE_ROW_BYTES);
  tile_dot_int8 (0, 4, 6);
  finish_some_int8 (state, n);
  tile_load (7, w + TILE_BYTES, TILE_ROW_BYTES);
  tile_dot_int8 (1, 4, 7);
  finish_some_int8 (state, n);
  if (tall) {
    tile_load (5, a + TILE_ROWS * stride, stride);
    tile_dot_int8 (2, 5, 6);
    finish_some_int8 (state, n);
    tile_dot_int8 (3, 5, 7);
    finish_some_int8 (state, n);
  }
}

static inline __attribute__ ((always_inline)) void
int8_sums (const int tall, const char *a, size_t stride, size_t steps,
    const char *w, Int8State *state)
{
  unsigned n = share (state->end - state->next, steps * (tall ? 4 : 2));

  clear_sums (tall);
  for (size_t i = 0; i < steps; i++)
    int8_step (
        tall, a + i * TILE_ROW_BYTES, stride, w + i * STEP_BYTES, state, n);
  finish_some_int8 (state, BLOCK_VECTORS);
  store_sums (tall, state->products);
}

static void
int8_block (
    void *data, const NpuGemm *args, size_t row, size_t rows, size_t panel)
{
  Int8State *state = data;
  size_t k = args->w->k, stride = args->a_stride;
  const char *a = (const char *) args->a + row * stride;
  const char *w =
      (const char *) args->w->panels + panel * amx_int8_panel_bytes (k);

  for (size_t first = 0; first < k; first += GROUP) {
    size_t steps = n_steps (k - first < GROUP ? k - first : GROUP);
    const char *tiles = w + SCALES_BYTES + first / INT8_STEP * STEP_BYTES;

    if (rows > TILE_ROWS)
      int8_sums (1, a + first, stride, steps, tiles, state);
    else
      int8_sums (0, a + first, stride, steps, tiles, state);
    state->row = row;
    state->column = panel * PANEL;
    state->row_scales =
        a + int8_scales_offset (k) + first / GROUP * sizeof (float);
    state->column_scales = (const float *) w;
    state->first = first == 0;
    state->last = k - first <= GROUP;
    state->next = 0;
    state->end = (unsigned) (rows * PANEL / VEC_LANES);
  }
}

static void
amx_int8_gemm (const NpuGemm *args)
{
  Int8State state;

  state.args = args;
  state.next = state.end = 0;
  for_each_block (args, amx_int8_panel_bytes (args->w->k), int8_block, &state);
  finish_some_int8 (&state, BLOCK_VECTORS);
}

/* Four products side by side hide the latency of each. */
static uint64_t
amx_int8_burn (uint64_t rounds)
{
  configure_block (BLOCK);
  for (uint64_t round = 0; round < rounds; round++) {
    tile_dot_int8 (0, 4, 6);
    tile_dot_int8 (1, 4, 7);
    tile_dot_int8 (2, 5, 6);
    tile_dot_int8 (3, 5, 7);
  }
  tile_release ();
  return rounds * 2 * BLOCK * PANEL * INT8_STEP;
}

static inline void
amx_gemm_int8_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_INT8] = (NpuProduct){ .panel = PANEL,
    .rows = TASK_ROWS,
    .panel_bytes = amx_int8_panel_bytes,
    .row_bytes = gemm_int8_row_bytes,
    .pack = amx_int8_pack,
    .prepare = gemm_int8_prepare,
    .layernorm = gemm_int8_layernorm,
    .gemm = amx_int8_gemm,
    .burn = amx_int8_burn };
}

#endif /* NPU_X86_AMXGEMMINT8_H */
