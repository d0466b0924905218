/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucpu.h: the CPU backend's own types, shared by its files.
 *
 *   npucpu.c           the device: kernels, worker pool, log-mel
 *   npucpuprogram.c    weights, packed once
 *   npucpusmooth.c     … and balanced for int8
 *   npucpuwindow.c     activations and scratch of one window
 *   npucpuroom.c       … and the memory for them, shared by windows
 *   npucpuconv.c, npucpulinear.c, npucpuattention.c, npucpunorm.c
 *                      the operations
 */
#ifndef NPU_CPU_BACKEND_H
#define NPU_CPU_BACKEND_H

#include "npubackend.h"
#include "npuarena.h"
#include "pool.h"

G_BEGIN_DECLS

typedef struct {
  NpuBackend parent;
  NpuKernels kernels;
  NpuPool *pool;
  guint default_threads;
} NpuCpuBackend;

typedef struct {
  const float *gamma, *beta; /* [d] */
} NpuCpuNorm;

typedef struct {
  NpuCpuNorm attention_norm, ffn_norm;
  NpuPacked qkv; /* [3 d][d]: Q (times 1 / sqrt (64)), K, V */
  NpuPacked o, fc1, fc2;
} NpuCpuLayer;

typedef struct _NpuCpuRoom NpuCpuRoom;

typedef struct {
  NpuProgram parent;
  GMutex lock;
  GPtrArray *rooms;       /* under the lock: NpuCpuRoom */
  NpuFormat linear, conv; /* how the products are computed */
  NpuArena arena;         /* holds every array below */
  NpuPacked conv1, conv2; /* [d][3 taps][in] */
  const float *positions; /* [positions][d] */
  NpuCpuNorm final_norm;
  NpuCpuLayer *layers;
} NpuCpuProgram;

typedef struct {
  NpuWindow parent;
  NpuCpuRoom *room;
  NpuArena arena; /* in the window's turn: holds every array below */
  /* The convolutions read a row before the first and after the last: both
   * inputs lie between two rows of zeros. */
  float *mel;   /* [1 + 2 positions + 1][n_mels] */
  void *frames; /* mel as the convolution's product reads it */
  void *conv1;  /* [1 + 2 positions + 1] rows of d, as the product reads them */
  float *x;     /* residual stream [positions][d] */
  float *qkv;   /* [positions][3 d] */
  guint8 *packed_kv; /* [heads][packed_kv_stride] */
  gsize packed_kv_stride;
  float *attention; /* [positions][d] */
  void *hidden;     /* [positions] rows of ffn, as the product reads them */
  gsize hidden_stride;
  /* For each thread: rows of a product's left side, and of its result. */
  guint8 *input_scratch;
  float *output_scratch;
  gsize input_scratch_stride, output_scratch_stride; /* bytes, floats */
  guint8 *attention_scratch;
  gsize attention_scratch_stride;
} NpuCpuWindow;

static inline NpuCpuBackend *
npu_cpu_window_backend (NpuCpuWindow *window)
{
  return (NpuCpuBackend *) window->parent.program->backend;
}

static inline NpuCpuProgram *
npu_cpu_window_program (NpuCpuWindow *window)
{
  return (NpuCpuProgram *) window->parent.program;
}

static inline const NpuProduct *
npu_cpu_product (NpuCpuWindow *window, NpuFormat format)
{
  return &npu_cpu_window_backend (window)->kernels.product[format];
}

/* Bytes from one prepared row to the next, where rows need not follow each other
 * at once: an odd number of cache lines, so that the same column of many rows
 * does not compete for a few of the cache's places. */
static inline gsize
npu_cpu_row_stride (const NpuProduct *product, gsize k)
{
  return ((product->row_bytes (k) + 63) / 64 | 1) * 64;
}

NpuProgram *npu_cpu_program_new (NpuBackend *backend, const NpuWeights *weights,
    NpuPrecision precision, GError **error);
void npu_cpu_program_free (NpuProgram *program);

NpuWindow *npu_cpu_window_new (
    NpuProgram *program, guint positions, guint threads, GError **error);
void npu_cpu_window_free (NpuWindow *window);
/* A window works from one to the other in a turn of its own: more windows than
 * CPUs wait for each other. */
gfloat *npu_cpu_begin_window (NpuWindow *window);
void npu_cpu_submit (NpuWindow *window);

/* Makes sure of memory for the arena, which was measured; FALSE if there is not
 * enough. */
gboolean npu_cpu_room_join (NpuCpuWindow *window, GError **error);
void npu_cpu_room_leave (NpuCpuWindow *window);
/* In the window's turn: an arena that windows of this shape only have used,
 * zeroed at first; and back. */
void npu_cpu_room_take (NpuCpuWindow *window);
void npu_cpu_room_give (NpuCpuWindow *window);

/* Runs tasks on the window's share of the pool, and counts the time as @op's. */
void npu_cpu_window_run (NpuCpuWindow *window, NpuOp op, NpuPoolTask task,
    gpointer data, guint n_tasks);

void npu_cpu_conv_stem (NpuWindow *window);
void npu_cpu_ln_qkv (NpuWindow *window, guint layer);
void npu_cpu_attention (NpuWindow *window, guint layer);
void npu_cpu_out_residual (NpuWindow *window, guint layer);
void npu_cpu_ln_fc1_gelu (NpuWindow *window, guint layer);
void npu_cpu_fc2_residual (NpuWindow *window, guint layer);
void npu_cpu_final_norm (NpuWindow *window, gfloat *states);

/* A product over all rows and columns, cut into tasks by rows. */
typedef struct {
  NpuFormat format;
  /* The left side: rows of floats @x, through @norm unless that is NULL, or, if
   * @x is NULL, gemm.a, prepared. */
  const NpuCpuNorm *norm;
  const float *x;
  gsize ldx;
  /* The result: gemm.c, or, if @out is not NULL, rows that the next product of
   * the same format reads. */
  void *out;
  gsize out_stride;
  /* The panel range is filled in by npu_cpu_linear(). */
  NpuGemm gemm;
} NpuCpuLinear;

void npu_cpu_linear (
    NpuCpuWindow *window, NpuOp op, const NpuCpuLinear *linear);

G_END_DECLS
#endif /* NPU_CPU_BACKEND_H */
