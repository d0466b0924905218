/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubenchpeak.c: how fast the processor multiplies and adds when nothing else
 * is in the way, and what part of that the stages reach.
 */
#include "npubench.h"

#include "npucpu.h"

#define ROUNDS 1000000
#define REPEATS 20

typedef struct {
  const NpuProduct *product;
  guint64 operations;
} Burn;

static gpointer
burn_thread (gpointer data)
{
  Burn *burn = data;

  burn->operations = burn->product->burn (ROUNDS);
  return NULL;
}

/* The best of some runs: what others take from the processor is no part of its
 * peak. */
static gdouble
measure (const NpuProduct *product, guint threads)
{
  GThread **others = g_new (GThread *, threads);
  Burn *burns = g_new (Burn, threads);
  gdouble best = 0;

  for (guint repeat = 0; product->burn != NULL && repeat < REPEATS; repeat++) {
    gint64 start = g_get_monotonic_time ();
    guint64 operations = 0;

    for (guint i = 0; i < threads; i++) {
      burns[i].product = product;
      others[i] = i > 0 ? g_thread_new ("burn", burn_thread, &burns[i]) : NULL;
    }
    burn_thread (&burns[0]);
    for (guint i = 0; i < threads; i++) {
      if (others[i] != NULL)
        g_thread_join (others[i]);
      operations += burns[i].operations;
    }
    best = MAX (best, (gdouble) operations / 1e3
                          / (gdouble) (g_get_monotonic_time () - start));
  }
  g_free (burns);
  g_free (others);
  return best;
}

BenchPeak
bench_peak_measure (NpuBackend *backend, guint threads)
{
  const NpuKernels *kernels = &((NpuCpuBackend *) backend)->kernels;
  const NpuAttention *attention = kernels->attention;
  BenchPeak peak;

  for (guint i = 0; i < NPU_N_FORMATS; i++) {
    peak.gops[i] = measure (&kernels->product[i], threads);
    peak.attention[i] = attention[i].attend == attention[NPU_FORMAT_F32].attend
                            ? NPU_FORMAT_F32
                            : NPU_FORMAT_BF16;
  }
  return peak;
}

static gdouble
count_gflop (const NpuEncoderShape *shape, NpuOp op)
{
  gdouble p = shape->positions, d = shape->width, n = shape->layers;

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

static NpuFormat
format_of (const BenchPeak *peak, NpuPrecision precision, NpuOp op)
{
  NpuFormat linear = precision == NPU_PRECISION_F32    ? NPU_FORMAT_F32
                     : precision == NPU_PRECISION_BF16 ? NPU_FORMAT_BF16
                                                       : NPU_FORMAT_INT8;

  if (op == NPU_OP_ATTENTION)
    return peak->attention[linear];
  if (op == NPU_OP_CONV_STEM && linear != NPU_FORMAT_F32)
    return NPU_FORMAT_BF16;
  return linear;
}

void
bench_peak_apply (const BenchPeak *peak, const NpuEncoderShape *shape,
    NpuPrecision precision, BenchRow *rows)
{
  for (guint i = 0; i < NPU_N_FORMATS; i++)
    rows[0].peak_gops[i] = peak->gops[i];
  for (guint op = 0; op < NPU_N_OPS; op++) {
    BenchRow *row = &rows[1 + op];
    gdouble gops = peak->gops[format_of (peak, precision, op)];

    row->gflop = count_gflop (shape, op);
    row->peak_ms = gops > 0 ? row->gflop * 1e3 / gops : 0;
    rows[0].gflop += row->gflop;
    rows[0].peak_ms += row->peak_ms;
  }
}
