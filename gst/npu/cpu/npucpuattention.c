/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucpuattention.c: attention per head and block of queries. */
#include "npucpu.h"

static const NpuAttention *
get_attention (NpuCpuWindow *window)
{
  NpuFormat format = npu_cpu_window_program (window)->linear;

  return &npu_cpu_window_backend (window)->kernels.attention[format];
}

/* Each head's K and V are packed once, before any query needs them. */
static void
pack_task (gpointer data, guint head, guint worker)
{
  NpuCpuWindow *window = data;
  const NpuAttention *attention = get_attention (window);
  gsize d = window->parent.program->shape.width;
  const float *k = window->qkv + d + (gsize) head * NPU_HEAD_SIZE;

  attention->pack (k, k + d, 3 * d, window->parent.positions,
      window->packed_kv + head * window->packed_kv_stride);
}

/* Consecutive tasks work on the same head, whose K and V stay in the cache. */
static void
attend_task (gpointer data, guint task, guint worker)
{
  NpuCpuWindow *window = data;
  const NpuAttention *attention = get_attention (window);
  gsize d = window->parent.program->shape.width;
  gsize positions = window->parent.positions;
  gsize block = attention->queries;
  gsize n_blocks = (positions + block - 1) / block;
  gsize head = task / n_blocks;
  gsize query = task % n_blocks * block;
  gsize column = head * NPU_HEAD_SIZE;

  attention->attend (window->qkv + query * 3 * d + column, 3 * d,
      MIN (block, positions - query),
      window->packed_kv + head * window->packed_kv_stride, positions,
      window->attention + query * d + column, d,
      window->attention_scratch + worker * window->attention_scratch_stride);
}

void
npu_cpu_attention (NpuWindow *base, guint layer)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;
  gsize block = get_attention (window)->queries;
  guint heads = base->program->shape.heads;

  npu_cpu_window_run (window, NPU_OP_ATTENTION, pack_task, window, heads);
  npu_cpu_window_run (window, NPU_OP_ATTENTION, attend_task, window,
      heads * ((base->positions + block - 1) / block));
}
