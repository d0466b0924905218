/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubench.h: what gst-npu-bench measures and how it tells.
 *
 *   gst-npu-bench.c   options, which rows to measure
 *   npubenchinput.c   what goes in, and what must come out
 *   npubenchrun.c     checks a row's output, then times it
 *   npubenchpeak.c    the processor's own speed, and each stage's share of work
 *   npubenchpipeline.c  whole pipelines: start-up, memory, overhead, many at once
 *   npubenchfiles.c   … their sound files
 *   npubenchchild.c   … each of which is a process of its own
 *   npubenchstats.c   times and how they are summed up
 *   npubenchreport.c  the table, and JSON
 *   npubenchplot.c    the table as a picture
 *   npubenchmodels.c  --list-models
 */
#ifndef NPU_BENCH_H
#define NPU_BENCH_H

#include <glib.h>

#include "npubackend.h"
#include "npubenchpeak.h"
#include "pool.h"
#include "whisperencoder.h"
#include "whispermodel.h"

G_BEGIN_DECLS

/* The input of every row, and the results that it is held against. */
typedef struct {
  WhisperModel *model;
  NpuEncoderShape shape;
  guint positions;          /* of a window: audio-ctx, or all that there are */
  gfloat *samples;          /* 30 s at 16 kHz, exact in 16 bits */
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
  BenchPeak peak, core_peak; /* of that many threads, of one */
} BenchCase;

typedef struct {
  gdouble median_ms, min_ms, max_ms; /* 0 if there is none */
  gdouble
      cpu_ms; /* processor time of all threads, the least; 0: not measured */
} BenchTime;

#define BENCH_MAX_FIGURES 5

typedef struct {
  const gchar *stage; /* "mel", "encoder", an operation's name, "pipeline", … */
  const gchar *isa, *precision;
  guint threads;
  gboolean passed;      /* the output met its gate; else no time */
  const gchar *skipped; /* why it was not measured, or NULL */
  BenchTime time;
  gdouble gflop;   /* of work in the stage, 0 if it is not counted */
  gdouble peak_ms; /* that work at the peak measured, 0 if unknown */
  gdouble peak_gops[NPU_N_FORMATS]; /* encoder: what one thread can do */
  gsize packed_bytes;               /* encoder: weights in memory */
  gdouble max_abs;                  /* mel: of the normalised frames */
  gdouble cosine, rel_rms;          /* encoder */
  /* Whatever else a stage has to tell. */
  struct {
    const gchar *name;
    gdouble value;
  } figures[BENCH_MAX_FIGURES];
  guint n_figures;
} BenchRow;

void bench_row_add (BenchRow *row, const gchar *name, gdouble value);

/* Wall-clock time; processor time of this process. */
gdouble bench_now_ms (void);
gdouble bench_cpu_ms (void);

/* Sorts @ms. */
BenchTime bench_summarize (gdouble *ms, guint n);

/* A checksum of states, to tell whether others are the same bits. */
guint64 bench_digest (gconstpointer states, gsize size);

/* Fills in what there is to do in each stage and what the peak makes of it:
 * [1 + NPU_N_OPS] rows, the encoder first. */
void bench_peak_apply (
    const BenchCase *bench_case, const BenchInput *input, BenchRow *rows);

/* Takes over @model.  Computes the reference (seconds).  @audio_ctx: 0 for all
 * positions. */
BenchInput *bench_input_new (
    WhisperModel *model, guint audio_ctx, GError **error);
void bench_input_free (BenchInput *input);

/* Append BenchRow: log-mel, which runs on one thread; the encoder and its
 * operations. */
gboolean bench_run_mel (const BenchInput *input, const BenchCase *bench_case,
    GArray *rows, GError **error);
gboolean bench_run_encoder (const BenchInput *input,
    const BenchCase *bench_case, GArray *rows, GError **error);

#define BENCH_MANY_WINDOWS 41
#define BENCH_PIPELINES 8

/* One window, to take start and end away from; many; and what several
 * pipelines get each, so that they have as many after their first. */
enum { BENCH_FEW, BENCH_MANY, BENCH_EACH, BENCH_N_FILES };

extern const guint bench_file_windows[BENCH_N_FILES];

/* Sound files of the input, in a folder for this process. */
typedef struct {
  gchar *folder;
  gchar *wavs[BENCH_N_FILES];
} BenchFiles;

BenchFiles *bench_files_new (const BenchInput *input, GError **error);
void bench_files_free (BenchFiles *files);

/* Appends what whole pipelines take; needs the rows of log-mel and encoder. */
gboolean bench_run_pipelines (const BenchInput *input, const BenchFiles *files,
    const BenchCase *bench_case, GArray *rows, GError **error);

/* What bench_run_pipelines() starts this program again with. */
typedef struct {
  const gchar *wav, *model, *precision;
  guint pipelines, threads, audio_ctx;
} BenchChild;

int bench_child_main (const BenchChild *options);

/* TRUE if an element without a model would find weights. */
gboolean bench_list_models (void);

void bench_print_table (const BenchInput *input, const GArray *rows);
void bench_print_json (const BenchInput *input, const GArray *rows);

/* FALSE if @path is none that bench_plot() could write: before all is run. */
gboolean bench_plot_check (const gchar *path, GError **error);
/* A picture: SVG, or PNG if @path ends so. */
gboolean bench_plot (const BenchInput *input, const GArray *rows,
    const gchar *path, GError **error);

/* Whole-stream log-mel: [3000][n_mels], silence after the stream's end. */
gboolean bench_mel (
    NpuBackend *backend, const BenchInput *input, gfloat *out, GError **error);

G_END_DECLS
#endif /* NPU_BENCH_H */
