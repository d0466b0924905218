/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubenchpeak.h: how fast the processor multiplies and adds when nothing else
 * is in the way, and how long an operation would take at that speed.
 */
#ifndef NPU_BENCH_PEAK_H
#define NPU_BENCH_PEAK_H

#include "npubackend.h"

G_BEGIN_DECLS

/* Operations per nanosecond, by format; 0 where they are not known. */
typedef struct {
  gdouble gops[NPU_N_FORMATS];
  /* What attention of a format computes its two products in. */
  NpuFormat scores[NPU_N_FORMATS], values[NPU_N_FORMATS];
} BenchPeak;

/* Runs the multiply-adds of @isa's kernels (NULL: the best that the processor
 * has) on @threads threads. */
gboolean bench_peak_measure (
    const gchar *isa, guint threads, BenchPeak *peak, GError **error);

/* Billions of operations in one window of @positions, 0 where there are no
 * products to count. */
gdouble bench_peak_count_gflop (
    const NpuEncoderShape *shape, guint positions, NpuOp op);
/* Milliseconds of @gflop of one operation at the peak, 0 if that is not
 * known. */
gdouble bench_peak_count_ms (
    const BenchPeak *peak, NpuPrecision precision, NpuOp op, gdouble gflop);

G_END_DECLS
#endif /* NPU_BENCH_PEAK_H */
