/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucpuwindow.c: activations and scratch memory of one window on the CPU. */
#include "npucpu.h"

#include <gst/gst.h>

static void
lay_out (NpuCpuWindow *window)
{
  const NpuEncoderShape *shape = &window->parent.program->shape;
  const NpuKernels *kernels = &npu_cpu_window_backend (window)->kernels;
  NpuArena *arena = &window->arena;
  gsize rows = window->parent.positions;
  gsize d = shape->width;
  gsize workers = window->parent.threads;

  window->mel = npu_arena_take_floats (arena, (2 * rows + 2) * shape->n_mels);
  window->conv1 = npu_arena_take_floats (arena, (2 * rows + 2) * d);
  window->x = npu_arena_take_floats (arena, rows * d);
  window->qkv = npu_arena_take_floats (arena, rows * 3 * d);
  window->packed_kv =
      npu_arena_take_floats (arena, window->packed_kv_floats * shape->heads);
  window->attention = npu_arena_take_floats (arena, rows * d);
  window->hidden = npu_arena_take_floats (arena, rows * shape->ffn);
  window->norm_scratch =
      npu_arena_take_floats (arena, workers * kernels->gemm_rows * d);
  window->attention_scratch =
      npu_arena_take_floats (arena, workers * window->attention_scratch_stride);
}

/* The next multiple of the alignment, so that each part of an array that is
 * cut by heads or workers is aligned too. */
static gsize
aligned_floats (gsize n)
{
  gsize line = NPU_ALIGNMENT / sizeof (float);

  return (n + line - 1) / line * line;
}

NpuWindow *
npu_cpu_window_new (
    NpuProgram *program, guint positions, guint threads, GError **error)
{
  NpuCpuBackend *backend = (NpuCpuBackend *)program->backend;
  NpuCpuWindow *window = g_new0 (NpuCpuWindow, 1);

  window->parent.program = program;
  window->parent.positions = positions;
  window->parent.threads = MIN (
      threads > 0 ? threads : backend->default_threads, NPU_POOL_MAX_THREADS);
  window->packed_kv_floats =
      aligned_floats (backend->kernels.attention_packed_floats (positions));
  window->attention_scratch_stride =
      aligned_floats (backend->kernels.attention_scratch_floats);

  lay_out (window);
  if (!npu_arena_allocate (&window->arena, error)) {
    g_free (window);
    return NULL;
  }
  lay_out (window);
  return &window->parent;
}

void
npu_cpu_window_free (NpuWindow *base)
{
  NpuCpuWindow *window = (NpuCpuWindow *)base;

  npu_arena_clear (&window->arena);
  g_free (window);
}

gfloat *
npu_cpu_begin_window (NpuWindow *base)
{
  NpuCpuWindow *window = (NpuCpuWindow *)base;

  for (guint op = 0; op < NPU_N_OPS; op++)
    base->op_ns[op] = 0;
  return window->mel + base->program->shape.n_mels;
}

void
npu_cpu_window_run (NpuCpuWindow *window, NpuOp op, NpuPoolTask task,
    gpointer data, guint n_tasks)
{
  GstClockTime start = gst_util_get_timestamp ();

  npu_pool_run (npu_cpu_window_backend (window)->pool, window->parent.threads,
      task, data, n_tasks);
  window->parent.op_ns[op] += gst_util_get_timestamp () - start;
}
