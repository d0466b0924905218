/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubenchpeak.c: how fast the processor multiplies and adds when nothing else
 * is in the way, and what part of that the stages reach.
 */
#include "npubench.h"

#include <time.h>

#include "npucpu.h"

#define ROUNDS 400000
#define REPEATS 12

typedef struct {
  const NpuProduct *product;
  gdouble gops;
} Burn;

static gdouble
thread_ns (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gdouble) time.tv_sec * 1e9 + (gdouble) time.tv_nsec;
}

static gpointer
burn_thread (gpointer data)
{
  Burn *burn = data;
  gdouble start = thread_ns ();
  guint64 operations = burn->product->burn (ROUNDS);

  burn->gops = (gdouble) operations / (thread_ns () - start);
  return NULL;
}

/* The best of some runs, in processor time: what others take from the processor
 * is no part of its peak. */
static gdouble
measure (const NpuProduct *product, guint threads)
{
  GThread **others = g_new (GThread *, threads);
  Burn *burns = g_new (Burn, threads);
  gdouble best = 0;

  for (guint repeat = 0; product->burn != NULL && repeat < REPEATS; repeat++) {
    gdouble gops = 0;

    for (guint i = 0; i < threads; i++) {
      burns[i].product = product;
      others[i] = i > 0 ? g_thread_new ("burn", burn_thread, &burns[i]) : NULL;
    }
    burn_thread (&burns[0]);
    for (guint i = 0; i < threads; i++) {
      if (others[i] != NULL)
        g_thread_join (others[i]);
      gops += burns[i].gops;
    }
    best = MAX (best, gops);
  }
  g_free (burns);
  g_free (others);
  return best;
}

gboolean
bench_peak_measure (
    const gchar *isa, guint threads, BenchPeak *peak, GError **error)
{
  NpuBackend *backend = npu_cpu_backend_new (isa, error);
  const NpuKernels *kernels;

  if (backend == NULL)
    return FALSE;
  kernels = &((NpuCpuBackend *) backend)->kernels;
  for (guint i = 0; i < NPU_N_FORMATS; i++) {
    peak->gops[i] = measure (&kernels->product[i], threads);
    peak->scores[i] = kernels->attention[i].scores;
    peak->values[i] = kernels->attention[i].values;
  }
  backend->ops->free (backend);
  return TRUE;
}

gdouble
bench_peak_count_gflop (const NpuEncoderShape *shape, guint positions, NpuOp op)
{
  gdouble p = positions, d = shape->width, n = shape->layers;

  switch (op) {
    case NPU_OP_CONV_STEM:
      return 2e-9 * p * d * (2 * 3 * shape->n_mels + 3 * d);
    case NPU_OP_LN_QKV:
      return 2e-9 * n * p * d * 3 * d;
    case NPU_OP_ATTENTION:
      return 4e-9 * n * p * p * d;
    case NPU_OP_OUT_RESIDUAL:
      return 2e-9 * n * p * d * d;
    case NPU_OP_LN_FC1_GELU:
    case NPU_OP_FC2_RESIDUAL:
      return 2e-9 * n * p * d * shape->ffn;
    default:
      return 0;
  }
}

gdouble
bench_peak_count_ms (
    const BenchPeak *peak, NpuPrecision precision, NpuOp op, gdouble gflop)
{
  NpuFormat linear = precision == NPU_PRECISION_F32    ? NPU_FORMAT_F32
                     : precision == NPU_PRECISION_BF16 ? NPU_FORMAT_BF16
                                                       : NPU_FORMAT_INT8;
  NpuFormat first = linear, second;

  if (op == NPU_OP_CONV_STEM && linear != NPU_FORMAT_F32)
    first = NPU_FORMAT_BF16;
  second = first;
  /* Half of the work is scores, half is values. */
  if (op == NPU_OP_ATTENTION) {
    first = peak->scores[linear];
    second = peak->values[linear];
  }
  if (peak->gops[first] == 0 || peak->gops[second] == 0)
    return 0;
  return gflop / 2 * 1e3 / peak->gops[first]
         + gflop / 2 * 1e3 / peak->gops[second];
}

void
bench_peak_apply (
    const BenchCase *bench_case, const BenchInput *input, BenchRow *rows)
{
  for (guint i = 0; i < NPU_N_FORMATS; i++)
    rows[0].peak_gops[i] = bench_case->core_peak.gops[i];
  for (guint op = 0; op < NPU_N_OPS; op++) {
    BenchRow *row = &rows[1 + op];

    row->gflop = bench_peak_count_gflop (&input->shape, input->positions, op);
    row->peak_ms = bench_peak_count_ms (
        &bench_case->peak, bench_case->precision, op, row->gflop);
    rows[0].gflop += row->gflop;
    rows[0].peak_ms += row->peak_ms;
  }
}
