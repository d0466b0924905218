/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucpulinear.c: the matrix products, cut into tasks for the worker pool. */
#include "npucpu.h"

typedef struct {
  NpuCpuWindow *window;
  const NpuCpuNorm *norm;
  NpuGemmF32 gemm; /* the whole product */
  gsize row_block, panel_block;
  guint n_panel_blocks, n_row_blocks;
} Linear;

static void
linear_task (gpointer data, guint task, guint worker)
{
  const Linear *linear = data;
  const NpuKernels *kernels = &npu_cpu_window_backend (linear->window)->kernels;
  NpuGemmF32 part = linear->gemm;
  gsize row = (task % linear->n_row_blocks) * linear->row_block;
  gsize panel = (task / linear->n_row_blocks) * linear->panel_block;

  part.m = MIN (linear->row_block, part.m - row);
  part.a += row * part.lda;
  part.c += row * part.ldc;
  if (part.addend != NULL)
    part.addend += row * part.ld_addend;
  part.first_panel = panel;
  part.n_panels = MIN (linear->panel_block, part.n_panels - panel);

  if (linear->norm != NULL) {
    gsize d = part.w->k;
    float *normed =
        linear->window->norm_scratch + worker * kernels->gemm_rows * d;

    kernels->layernorm (part.a, part.lda, part.m, d, linear->norm->gamma,
        linear->norm->beta, normed, d);
    part.a = normed;
    part.lda = d;
  }
  kernels->gemm (&part);
}

void
npu_cpu_linear (NpuCpuWindow *window, NpuOp op, const NpuCpuNorm *norm,
    const NpuGemmF32 *gemm)
{
  const NpuKernels *kernels = &npu_cpu_window_backend (window)->kernels;
  gsize panels = (gemm->w->n + kernels->gemm_panel - 1) / kernels->gemm_panel;
  /* Enough tasks that no thread waits long for the last one. */
  gsize wanted = 4 * window->parent.threads;
  gsize splits;
  Linear linear = { window, norm, *gemm, kernels->gemm_rows, 0, 0, 0 };

  linear.gemm.n_panels = panels;
  linear.n_row_blocks = (gemm->m + linear.row_block - 1) / linear.row_block;
  splits =
      MIN ((wanted + linear.n_row_blocks - 1) / linear.n_row_blocks, panels);
  linear.panel_block = (panels + splits - 1) / splits;
  linear.n_panel_blocks =
      (panels + linear.panel_block - 1) / linear.panel_block;

  npu_cpu_window_run (window, op, linear_task, &linear,
      linear.n_row_blocks * linear.n_panel_blocks);
}

void
npu_cpu_ln_qkv (NpuWindow *base, guint index)
{
  NpuCpuWindow *window = (NpuCpuWindow *)base;
  const NpuCpuLayer *layer = &npu_cpu_window_program (window)->layers[index];
  gsize d = base->program->shape.width;
  NpuGemmF32 gemm = { .a = window->x,
    .lda = d,
    .m = base->positions,
    .w = &layer->qkv,
    .c = window->qkv,
    .ldc = 3 * d };

  npu_cpu_linear (window, NPU_OP_LN_QKV, &layer->attention_norm, &gemm);
}

void
npu_cpu_out_residual (NpuWindow *base, guint index)
{
  NpuCpuWindow *window = (NpuCpuWindow *)base;
  const NpuCpuLayer *layer = &npu_cpu_window_program (window)->layers[index];
  gsize d = base->program->shape.width;
  NpuGemmF32 gemm = { .a = window->attention,
    .lda = d,
    .m = base->positions,
    .w = &layer->o,
    .addend = window->x,
    .ld_addend = d,
    .c = window->x,
    .ldc = d };

  npu_cpu_linear (window, NPU_OP_OUT_RESIDUAL, NULL, &gemm);
}

void
npu_cpu_ln_fc1_gelu (NpuWindow *base, guint index)
{
  NpuCpuWindow *window = (NpuCpuWindow *)base;
  const NpuCpuLayer *layer = &npu_cpu_window_program (window)->layers[index];
  gsize d = base->program->shape.width;
  NpuGemmF32 gemm = { .a = window->x,
    .lda = d,
    .m = base->positions,
    .w = &layer->fc1,
    .activation = NPU_ACTIVATION_GELU,
    .c = window->hidden,
    .ldc = layer->fc1.n };

  npu_cpu_linear (window, NPU_OP_LN_FC1_GELU, &layer->ffn_norm, &gemm);
}

void
npu_cpu_fc2_residual (NpuWindow *base, guint index)
{
  NpuCpuWindow *window = (NpuCpuWindow *)base;
  const NpuCpuLayer *layer = &npu_cpu_window_program (window)->layers[index];
  gsize d = base->program->shape.width;
  NpuGemmF32 gemm = { .a = window->hidden,
    .lda = layer->fc2.k,
    .m = base->positions,
    .w = &layer->fc2,
    .addend = window->x,
    .ld_addend = d,
    .c = window->x,
    .ldc = d };

  npu_cpu_linear (window, NPU_OP_FC2_RESIDUAL, NULL, &gemm);
}
