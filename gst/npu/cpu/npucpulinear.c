/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucpulinear.c: the matrix products, cut by rows into tasks for the worker
 * pool.
 *
 * A task takes its rows through everything: LayerNorm and quantisation into
 * scratch memory, the product with all of W, the epilogue, and quantisation of
 * the result where the next product wants that.  The rows stay in the thread's
 * second level cache meanwhile, and W passes by.
 */
#include "npucpu.h"

/* Tasks that each thread should get, so that none waits long for the last. */
#define TASKS_PER_THREAD 4
/* Task sizes are multiples of this: the rows of the tallest tile. */
#define ROW_STEP 12

typedef struct {
  NpuCpuWindow *window;
  const NpuCpuLinear *linear;
  const NpuProduct *product;
  gsize rows; /* per task */
} Job;

/* Points @part's left side at its rows, prepared. */
static void
prepare_input (const Job *job, NpuGemm *part, gsize row, guint worker)
{
  const NpuCpuLinear *linear = job->linear;
  const NpuProduct *product = job->product;
  const float *x = linear->x + row * linear->ldx;
  guint8 *scratch =
      job->window->input_scratch + worker * job->window->input_scratch_stride;
  gsize k = part->w->k;

  if (linear->norm == NULL && product->in_place) {
    part->a = x;
    part->a_stride = linear->ldx * sizeof (float);
    return;
  }
  part->a = scratch;
  part->a_stride = npu_cpu_row_stride (product, k);
  if (linear->norm != NULL)
    product->layernorm (x, linear->ldx, part->m, k, linear->norm->gamma,
        linear->norm->beta, scratch, part->a_stride);
  else
    product->prepare (x, linear->ldx, part->m, k, scratch, part->a_stride);
}

static void
linear_task (gpointer data, guint task, guint worker)
{
  const Job *job = data;
  const NpuCpuLinear *linear = job->linear;
  const NpuProduct *product = job->product;
  NpuGemm part = linear->gemm;
  gsize row = task * job->rows;
  guint8 *out = linear->out;

  if (out != NULL)
    out += row * linear->out_stride;
  part.m = MIN (job->rows, part.m - row);
  part.n_panels = (part.w->n + product->panel - 1) / product->panel;
  if (part.addend != NULL)
    part.addend += row * part.ld_addend;
  if (linear->x != NULL)
    prepare_input (job, &part, row, worker);
  else
    part.a = (const guint8 *) part.a + row * part.a_stride;

  if (out == NULL) {
    part.c += row * part.ldc;
    product->gemm (&part);
  } else if (product->in_place) {
    part.c = (float *) out;
    part.ldc = linear->out_stride / sizeof (float);
    product->gemm (&part);
  } else {
    part.c = job->window->output_scratch
             + worker * job->window->output_scratch_stride;
    part.ldc = part.w->n;
    product->gemm (&part);
    product->prepare (
        part.c, part.ldc, part.m, part.w->n, out, linear->out_stride);
  }
}

void
npu_cpu_linear (NpuCpuWindow *window, NpuOp op, const NpuCpuLinear *linear)
{
  Job job = { window, linear, npu_cpu_product (window, linear->format), 0 };
  gsize m = linear->gemm.m;
  gsize tasks = TASKS_PER_THREAD * window->parent.threads;
  gsize rows = (m + tasks - 1) / tasks;

  rows = (rows + ROW_STEP - 1) / ROW_STEP * ROW_STEP;
  job.rows = MIN (rows, job.product->rows);
  npu_cpu_window_run (
      window, op, linear_task, &job, (m + job.rows - 1) / job.rows);
}

void
npu_cpu_ln_qkv (NpuWindow *base, guint index)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;
  NpuCpuProgram *program = npu_cpu_window_program (window);
  const NpuCpuLayer *layer = &program->layers[index];
  gsize d = base->program->shape.width;
  NpuCpuLinear linear = { .format = program->linear,
    .norm = &layer->attention_norm,
    .x = window->x,
    .ldx = d,
    .gemm = { .m = base->positions,
        .w = &layer->qkv,
        .c = window->qkv,
        .ldc = 3 * d } };

  npu_cpu_linear (window, NPU_OP_LN_QKV, &linear);
}

void
npu_cpu_out_residual (NpuWindow *base, guint index)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;
  NpuCpuProgram *program = npu_cpu_window_program (window);
  const NpuCpuLayer *layer = &program->layers[index];
  gsize d = base->program->shape.width;
  NpuCpuLinear linear = { .format = program->linear,
    .x = window->attention,
    .ldx = d,
    .gemm = { .m = base->positions,
        .w = &layer->o,
        .addend = window->x,
        .ld_addend = d,
        .c = window->x,
        .ldc = d } };

  npu_cpu_linear (window, NPU_OP_OUT_RESIDUAL, &linear);
}

void
npu_cpu_ln_fc1_gelu (NpuWindow *base, guint index)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;
  NpuCpuProgram *program = npu_cpu_window_program (window);
  const NpuCpuLayer *layer = &program->layers[index];
  NpuCpuLinear linear = { .format = program->linear,
    .norm = &layer->ffn_norm,
    .x = window->x,
    .ldx = base->program->shape.width,
    .out = window->hidden,
    .out_stride = window->hidden_stride,
    .gemm = { .m = base->positions,
        .w = &layer->fc1,
        .activation = NPU_ACTIVATION_GELU } };

  npu_cpu_linear (window, NPU_OP_LN_FC1_GELU, &linear);
}

void
npu_cpu_fc2_residual (NpuWindow *base, guint index)
{
  NpuCpuWindow *window = (NpuCpuWindow *) base;
  NpuCpuProgram *program = npu_cpu_window_program (window);
  const NpuCpuLayer *layer = &program->layers[index];
  gsize d = base->program->shape.width;
  NpuCpuLinear linear = { .format = program->linear,
    .gemm = { .a = window->hidden,
        .a_stride = window->hidden_stride,
        .m = base->positions,
        .w = &layer->fc2,
        .addend = window->x,
        .ld_addend = d,
        .c = window->x,
        .ldc = d } };

  npu_cpu_linear (window, NPU_OP_FC2_RESIDUAL, &linear);
}
