/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucpunorm.c: the final LayerNorm, straight into the caller's memory. */
#include "npucpu.h"

#define ROWS_PER_TASK 64

typedef struct {
  NpuCpuWindow *window;
  float *states;
} FinalNorm;

static void
final_norm_task (gpointer data, guint task, guint worker)
{
  const FinalNorm *job = data;
  NpuCpuWindow *window = job->window;
  const NpuCpuNorm *norm = &npu_cpu_window_program (window)->final_norm;
  gsize d = window->parent.program->shape.width;
  gsize row = (gsize) task * ROWS_PER_TASK;

  npu_cpu_window_backend (window)->kernels.layernorm (window->x + row * d, d,
      MIN (ROWS_PER_TASK, window->parent.positions - row), d, norm->gamma,
      norm->beta, job->states + row * d, d);
}

void
npu_cpu_final_norm (NpuWindow *base, gfloat *states)
{
  FinalNorm job = { (NpuCpuWindow *) base, states };

  npu_cpu_window_run (job.window, NPU_OP_FINAL_NORM, final_norm_task, &job,
      (base->positions + ROWS_PER_TASK - 1) / ROWS_PER_TASK);
}
