/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucpu.h: the CPU backend's own types, shared by its files.
 *
 *   npucpu.c           the device: kernels, worker pool, log-mel
 *   npucpuprogram.c    weights, packed once
 *   npucpuwindow.c     activations and scratch of one window
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
  NpuPackedF32 qkv; /* [3 d][d]: Q (times 1 / sqrt (64)), K, V */
  NpuPackedF32 o, fc1, fc2;
} NpuCpuLayer;

typedef struct {
  NpuProgram parent;
  NpuArena arena;            /* holds every array below */
  NpuPackedF32 conv1, conv2; /* [d][3 taps][in] */
  const float *positions;    /* [positions][d] */
  NpuCpuNorm final_norm;
  NpuCpuLayer *layers;
} NpuCpuProgram;

typedef struct {
  NpuWindow parent;
  NpuArena arena; /* holds every array below */
  /* The convolutions read a row before the first and after the last: both
   * inputs lie between two rows of zeros. */
  float *mel;       /* [1 + 2 positions + 1][n_mels] */
  float *conv1;     /* [1 + 2 positions + 1][d] */
  float *x;         /* residual stream [positions][d] */
  float *qkv;       /* [positions][3 d] */
  float *packed_kv; /* [heads][packed_kv_floats] */
  gsize packed_kv_floats;
  float *attention;         /* [positions][d] */
  float *hidden;            /* [positions][ffn] */
  float *norm_scratch;      /* [threads][gemm_rows][d] */
  float *attention_scratch; /* [threads][attention_scratch_stride] */
  gsize attention_scratch_stride;
} NpuCpuWindow;

static inline NpuCpuBackend *
npu_cpu_window_backend (NpuCpuWindow *window)
{
  return (NpuCpuBackend *)window->parent.program->backend;
}

static inline NpuCpuProgram *
npu_cpu_window_program (NpuCpuWindow *window)
{
  return (NpuCpuProgram *)window->parent.program;
}

NpuProgram *npu_cpu_program_new (NpuBackend *backend, const NpuWeights *weights,
    NpuPrecision precision, GError **error);
void npu_cpu_program_free (NpuProgram *program);

NpuWindow *npu_cpu_window_new (
    NpuProgram *program, guint positions, guint threads, GError **error);
void npu_cpu_window_free (NpuWindow *window);
gfloat *npu_cpu_begin_window (NpuWindow *window);
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

/* C = activation ([LN] (A) * W^T + bias) + addend over all rows and columns;
 * @norm may be NULL.  @gemm's panel range is filled in here. */
void npu_cpu_linear (NpuCpuWindow *window, NpuOp op, const NpuCpuNorm *norm,
    const NpuGemmF32 *gemm);

G_END_DECLS
#endif /* NPU_CPU_BACKEND_H */
