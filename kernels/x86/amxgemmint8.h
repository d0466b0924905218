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

/* A block between its groups, and a group whose sums have left the tiles: rows
 * next … end - 1 wait to be added to the block's. */
typedef struct {
  _Alignas(NPU_ALIGNMENT) int32_t products[BLOCK * PANEL];
  _Alignas(NPU_ALIGNMENT) float sums[BLOCK * PANEL];
  const NpuGemm *args;
  size_t row, column;
  const char *row_scales; /* of the group; a_stride apart */
  const float *column_scales;
  int first, last; /* of the block's groups */
  size_t next, end;
} Int8State;

/* The float32 step of rows next … @end - 1.  Inlined with constant @first. */
static inline __attribute__ ((always_inline)) void
add_rows (Int8State *state, const int first, size_t end)
{
  size_t stride = state->args->a_stride;
  const char *scales = state->row_scales;

  for (size_t row = state->next; row < end; row++) {
    const int32_t *products = state->products + row * PANEL;
    float *sums = state->sums + row * PANEL;
    vec scale = vec_set1 (*(const float *) (scales + row * stride));

    for (size_t i = 0; i < PANEL; i += VEC_LANES)
      vec_store (
          sums + i, vec_fma (ivec_to_float (ivec_load (products + i)), scale,
                        first ? vec_zero () : vec_load (sums + i)));
  }
}

/* The same rows of the whole sums. */
static inline void
finish_rows (const Int8State *state, size_t end)
{
  const NpuGemm args = *state->args; /* so that it can stay in registers */
  vec left = vec_load (state->column_scales);
  vec right = vec_load (state->column_scales + VEC_LANES);

  for (size_t row = state->next; row < end; row++) {
    const float *sums = state->sums + row * PANEL;
    float scaled[PANEL];

    vec_store (scaled, vec_load (sums) * left);
    vec_store (scaled + VEC_LANES, vec_load (sums + VEC_LANES) * right);
    finish_sums (&args, scaled, state->row + row, state->column);
  }
}

static void
finish_some_int8 (Int8State *state, size_t n)
{
  size_t end = state->end - state->next < n ? state->end : state->next + n;

  if (end == state->next)
    return;
  if (state->first)
    add_rows (state, 1, end);
  else
    add_rows (state, 0, end);
  if (state->last)
    finish_rows (state, end);
  state->next = end;
}

/* Products of one step of up to 16 rows, or of 32, where @tall; with each, @n
 * rows of the group before are done. */
static inline __attribute__ ((always_inline)) void
int8_step (const int tall, const char *a, size_t stride, const char *w,
    Int8State *state, size_t n)
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
  size_t n = share (state->end - state->next, steps * (tall ? 4 : 2));

  clear_sums (tall);
  for (size_t i = 0; i < steps; i++)
    int8_step (
        tall, a + i * TILE_ROW_BYTES, stride, w + i * STEP_BYTES, state, n);
  finish_some_int8 (state, BLOCK);
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
    state->end = rows;
  }
}

static void
amx_int8_gemm (const NpuGemm *args)
{
  Int8State state;

  state.args = args;
  state.next = state.end = 0;
  for_each_block (args, amx_int8_panel_bytes (args->w->k), int8_block, &state);
  finish_some_int8 (&state, BLOCK);
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
