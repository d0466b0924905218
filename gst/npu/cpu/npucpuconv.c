/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucpuconv.c: the two convolutions before the blocks.
 *
 * A kernel of 3 over frame-major rows reads three rows that lie one behind the
 * other in memory, so the convolution is a product whose A has overlapping
 * rows: lda is one row (stride 1) or two (stride 2), k is three.  Rows of zeros
 * before and after stand for the padding; no im2col is made.
 */
#include "npucpu.h"

void
npu_cpu_conv_stem (NpuWindow *base)
{
  NpuCpuWindow *window = (NpuCpuWindow *)base;
  NpuCpuProgram *program = npu_cpu_window_program (window);
  gsize d = base->program->shape.width;
  NpuGemmF32 conv1 = { .a = window->mel,
    .lda = base->program->shape.n_mels,
    .m = 2 * (gsize)base->positions,
    .w = &program->conv1,
    .activation = NPU_ACTIVATION_GELU,
    .c = window->conv1 + d,
    .ldc = d };
  NpuGemmF32 conv2 = { .a = window->conv1,
    .lda = 2 * d,
    .m = base->positions,
    .w = &program->conv2,
    .activation = NPU_ACTIVATION_GELU,
    .addend = program->positions,
    .ld_addend = d,
    .c = window->x,
    .ldc = d };

  npu_cpu_linear (window, NPU_OP_CONV_STEM, NULL, &conv1);
  npu_cpu_linear (window, NPU_OP_CONV_STEM, NULL, &conv2);
}
