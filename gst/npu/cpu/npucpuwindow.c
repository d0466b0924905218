/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucpuwindow.c: activations and scratch memory of one window on the CPU. */
#include "npucpu.h"

#include <gst/gst.h>

static void *
take_bytes (NpuArena *arena, gsize n)
{
  return npu_arena_take_floats (
      arena, n / sizeof (float) + (n % sizeof (float) != 0));
}

/* Between the products of the convolutions and of the layers. */
static void
lay_out_products (NpuCpuWindow *window)
{
  NpuCpuProgram *program = npu_cpu_window_program (window);
  const NpuEncoderShape *shape = &program->parent.shape;
  const NpuProduct *linear = npu_cpu_product (window, program->linear);
  const NpuProduct *conv = npu_cpu_product (window, program->conv);
  NpuArena *arena = &window->arena;
  gsize rows = window->parent.positions;
  gsize workers = window->parent.threads;

  window->mel = npu_arena_take_floats (arena, (2 * rows + 2) * shape->n_mels);
  window->frames = window->mel;
  if (!conv->in_place)
    window->frames =
        take_bytes (arena, (2 * rows + 2) * conv->row_bytes (shape->n_mels));
  window->conv1 =
      take_bytes (arena, (2 * rows + 2) * conv->row_bytes (shape->width));
  window->hidden = take_bytes (arena, rows * window->hidden_stride);
  window->input_scratch =
      take_bytes (arena, workers * window->input_scratch_stride);
  if (!linear->in_place || !conv->in_place)
    window->output_scratch =
        npu_arena_take_floats (arena, workers * window->output_scratch_stride);
}

static void
lay_out (NpuCpuWindow *window)
{
  const NpuEncoderShape *shape = &window->parent.program->shape;
  NpuArena *arena = &window->arena;
  gsize rows = window->parent.positions;
  gsize d = shape->width;

  lay_out_products (window);
  window->x = npu_arena_take_floats (arena, rows * d);
  window->qkv = npu_arena_take_floats (arena, rows * 3 * d);
  window->packed_kv =
      take_bytes (arena, window->packed_kv_stride * shape->heads);
  window->attention = npu_arena_take_floats (arena, rows * d);
  window->attention_scratch = take_bytes (
      arena, window->parent.threads * window->attention_scratch_stride);
}

/* The next multiple of the alignment, so that each part of an array that is
 * cut by heads or workers is aligned too. */
static gsize
align (gsize bytes)
{
  return (bytes + NPU_ALIGNMENT - 1) & ~(gsize) (NPU_ALIGNMENT - 1);
}

static void
compute_strides (NpuCpuWindow *window)
{
  NpuCpuProgram *program = npu_cpu_window_program (window);
  const NpuEncoderShape *shape = &program->parent.shape;
  const NpuKernels *kernels = &npu_cpu_window_backend (window)->kernels;
  const NpuProduct *linear = npu_cpu_product (window, program->linear);
  const NpuProduct *conv = npu_cpu_product (window, program->conv);
  const NpuAttention *attention = &kernels->attention[program->linear];
  gsize rows = MAX (linear->rows, conv->rows);

  window->hidden_stride = npu_cpu_row_stride (linear, shape->ffn);
  window->input_scratch_stride =
      align (linear->rows * npu_cpu_row_stride (linear, shape->width));
  window->output_scratch_stride = align (rows * MAX (shape->ffn, shape->width));
  window->packed_kv_stride =
      align (attention->packed_bytes (window->parent.positions));
  window->attention_scratch_stride = align (attention->scratch_bytes);
}

NpuWindow *
npu_cpu_window_new (
    NpuProgram *program, guint positions, guint threads, GError **error)
{
  NpuCpuBackend *backend = (NpuCpuBackend *) program->backend;
  NpuCpuWindow *window = g_new0 (NpuCpuWindow, 1);

  window->parent.program = program;
  window->parent.positions = positions;
  window->parent.threads = MIN (
      threads > 0 ? threads : backend->default_threads, NPU_POOL_MAX_THREADS);
  compute_strides (window);

  lay_out (window);
  if (!npu_cpu_room_join (window, error)) {
    g_free (window);
    return NULL;
  }
  return &window->parent;
}

void
npu_cpu_window_free (NpuWindow *base)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;

  npu_cpu_room_leave (window);
  g_free (window);
}

gfloat *
npu_cpu_begin_window (NpuWindow *base)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;

  for (guint op = 0; op < NPU_N_OPS; op++)
    base->op_ns[op] = 0;
  base->queue_ns = npu_pool_begin_turn (npu_cpu_window_backend (window)->pool);
  npu_cpu_room_take (window);
  lay_out (window);
  return window->mel + base->program->shape.n_mels;
}

/* Every operation has run by the time it returns. */
void
npu_cpu_submit (NpuWindow *base)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;

  npu_cpu_room_give (window);
  npu_pool_end_turn (npu_cpu_window_backend (window)->pool);
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
