/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubench.h: what gst-npu-bench measures and how it tells.
 *
 *   gst-npu-bench.c   options, which rows to measure
 *   npubenchinput.c   what goes in, and what must come out
 *   npubenchrun.c     checks a row's output, then times it
 *   npubenchpeak.c    the processor's own speed, and each stage's share of work
 *   npubenchreport.c  the table, and JSON
 *   npubenchmodels.c  --list-models
 */
#ifndef NPU_BENCH_H
#define NPU_BENCH_H

#include <glib.h>

#include "npubackend.h"
#include "pool.h"
#include "whisperencoder.h"
#include "whispermodel.h"

G_BEGIN_DECLS

/* The input of every row, and the results that it is held against. */
typedef struct {
  WhisperModel *model;
  NpuEncoderShape shape;
  gfloat *samples;          /* 30 s at 16 kHz */
  gfloat *mel;              /* [3000][n_mels], un-normalised, by "c" */
  gfloat *reference_mel;    /* [3000][n_mels], normalised */
  gfloat *reference_states; /* [positions][width] */
  const gchar *reference;   /* where those two come from */
} BenchInput;

/* What to measure. */
typedef struct {
  const gchar *isa;
  NpuPrecision precision;
  guint threads;
  guint warm_ups, runs;
} BenchCase;

typedef struct {
  gdouble median_ms, min_ms, max_ms;
} BenchTime;

typedef struct {
  const gchar *stage; /* "mel", "encoder" or an operation's name */
  const gchar *isa, *precision;
  guint threads;
  gboolean passed; /* the output met its gate; else no time */
  BenchTime time;
  gdouble gflop;   /* of work in the stage, 0 if it is not counted */
  gdouble peak_ms; /* that work at the peak measured, 0 if unknown */
  gdouble peak_gops[NPU_N_FORMATS]; /* encoder: what the machine can do */
  gsize packed_bytes;               /* encoder: weights in memory */
  gdouble max_abs;                  /* mel: of the normalised frames */
  gdouble cosine, rel_rms;          /* encoder */
} BenchRow;

/* Operations per nanosecond, by format; 0 where they are not known. */
typedef struct {
  gdouble gops[NPU_N_FORMATS];
  NpuFormat
      attention[NPU_N_FORMATS]; /* what attention of a format computes in */
} BenchPeak;

/* Runs the multiply-adds of @backend's kernels on @threads threads. */
BenchPeak bench_peak_measure (NpuBackend *backend, guint threads);

/* Fills in what there is to do in each stage and what the peak makes of it:
 * [1 + NPU_N_OPS] rows, the encoder first. */
void bench_peak_apply (const BenchPeak *peak, const NpuEncoderShape *shape,
    NpuPrecision precision, BenchRow *rows);

/* Takes over @model.  Computes the reference (seconds). */
BenchInput *bench_input_new (WhisperModel *model, GError **error);
void bench_input_free (BenchInput *input);

/* Append BenchRow: log-mel, which runs on one thread; the encoder and its
 * operations. */
gboolean bench_run_mel (const BenchInput *input, const BenchCase *bench_case,
    GArray *rows, GError **error);
gboolean bench_run_encoder (const BenchInput *input,
    const BenchCase *bench_case, GArray *rows, GError **error);

/* TRUE if an element without a model would find weights. */
gboolean bench_list_models (void);

void bench_print_table (const BenchInput *input, const GArray *rows);
void bench_print_json (const BenchInput *input, const GArray *rows);

/* Whole-stream log-mel: [3000][n_mels], silence after the stream's end. */
gboolean bench_mel (
    NpuBackend *backend, const BenchInput *input, gfloat *out, GError **error);

G_END_DECLS
#endif /* NPU_BENCH_H */
