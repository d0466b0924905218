/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucpuconv.c: the two convolutions before the blocks.
 *
 * A kernel of 3 over frame-major rows reads three rows that lie one behind the
 * other in memory, so the convolution is a product whose A has overlapping
 * rows: its stride is one row (stride 1) or two (stride 2), k is three.  Rows of
 * zeros before and after stand for the padding; no im2col is made.
 */
#include "npucpu.h"

#define FRAMES_PER_TASK 192

/* The mel as rows that the product reads, padding included. */
static void
frames_task (gpointer data, guint task, guint worker)
{
  NpuCpuWindow *window = data;
  const NpuProduct *product =
      npu_cpu_product (window, npu_cpu_window_program (window)->conv);
  gsize n_mels = window->parent.program->shape.n_mels;
  gsize stride = product->row_bytes (n_mels);
  gsize n_frames = 2 * (gsize) window->parent.positions + 2;
  gsize frame = (gsize) task * FRAMES_PER_TASK;

  product->prepare (window->mel + frame * n_mels, n_mels,
      MIN (FRAMES_PER_TASK, n_frames - frame), n_mels,
      (guint8 *) window->frames + frame * stride, stride);
}

void
npu_cpu_conv_stem (NpuWindow *base)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;
  NpuCpuProgram *program = npu_cpu_window_program (window);
  const NpuProduct *product = npu_cpu_product (window, program->conv);
  gsize d = base->program->shape.width;
  gsize stride = product->row_bytes (d);
  gsize n_frames = 2 * (gsize) base->positions;
  NpuCpuLinear conv1 = { .format = program->conv,
    .out = (guint8 *) window->conv1 + stride,
    .out_stride = stride,
    .gemm = { .a = window->frames,
        .a_stride = product->row_bytes (base->program->shape.n_mels),
        .m = n_frames,
        .w = &program->conv1,
        .activation = NPU_ACTIVATION_GELU } };
  NpuCpuLinear conv2 = { .format = program->conv,
    .gemm = { .a = window->conv1,
        .a_stride = 2 * stride,
        .m = base->positions,
        .w = &program->conv2,
        .activation = NPU_ACTIVATION_GELU,
        .addend = program->positions,
        .ld_addend = d,
        .c = window->x,
        .ldc = d } };

  if (!product->in_place)
    npu_cpu_window_run (window, NPU_OP_CONV_STEM, frames_task, window,
        (n_frames + 2 + FRAMES_PER_TASK - 1) / FRAMES_PER_TASK);
  npu_cpu_linear (window, NPU_OP_CONV_STEM, &conv1);
  npu_cpu_linear (window, NPU_OP_CONV_STEM, &conv2);
}
