/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubackend.h: what a device must be able to do for a Whisper encoder.
 *
 * The seam of the house: whisper/ writes the encoder once over these
 * operations, and a backend carries them out (gst/npu/cpu on the kernels,
 * gst/npu/xrt as dispatches of NPU designs).
 *
 * The three objects:
 *   NpuBackend  a device.  Shared, thread-safe.
 *   NpuProgram  the weights of one model, packed for one backend and precision.
 *               Immutable once made, shared by any number of windows.
 *   NpuWindow   the activations of one window in flight: residual stream, QKV,
 *               attention output, FFN hidden.  They stay inside the backend,
 *               in whatever layout, precision and memory suits it; only the
 *               mel input and the states at the end are seen from outside.
 *               Used by one thread at a time.
 */
#ifndef NPU_BACKEND_H
#define NPU_BACKEND_H

#include <glib.h>

#include "npukernels.h"

G_BEGIN_DECLS

typedef struct _NpuBackend NpuBackend;
typedef struct _NpuBackendOps NpuBackendOps;
typedef struct _NpuProgram NpuProgram;
typedef struct _NpuWindow NpuWindow;

typedef enum {
  NPU_PRECISION_AUTO, /* the fastest that meets the bf16 gate */
  NPU_PRECISION_F32,
  NPU_PRECISION_BF16, /* weights, and where that is faster activations */
  NPU_PRECISION_INT8  /* layers' weights and activations; the rest bf16 */
} NpuPrecision;

/* The sizes of an encoder, all read from its weights. */
typedef struct {
  guint n_mels; /* 80 or 128 */
  guint width;  /* d, a multiple of NPU_HEAD_SIZE */
  guint ffn;    /* columns of the FFN's hidden layer, 4 d */
  guint heads;  /* d / NPU_HEAD_SIZE */
  guint layers;
  guint positions; /* rows of the position table: 1500 */
} NpuEncoderShape;

/* Matrices are [rows][cols]; a convolution is [out][in * 3], tap innermost;
 * vectors have one row. */
typedef enum {
  /* once per model */
  NPU_WEIGHT_CONV1,
  NPU_WEIGHT_CONV1_BIAS,
  NPU_WEIGHT_CONV2,
  NPU_WEIGHT_CONV2_BIAS,
  NPU_WEIGHT_POSITIONS,
  NPU_WEIGHT_FINAL_NORM_GAMMA,
  NPU_WEIGHT_FINAL_NORM_BETA,
  /* once per layer; k_proj has no bias */
  NPU_WEIGHT_ATTENTION_NORM_GAMMA,
  NPU_WEIGHT_ATTENTION_NORM_BETA,
  NPU_WEIGHT_Q,
  NPU_WEIGHT_Q_BIAS,
  NPU_WEIGHT_K,
  NPU_WEIGHT_V,
  NPU_WEIGHT_V_BIAS,
  NPU_WEIGHT_O,
  NPU_WEIGHT_O_BIAS,
  NPU_WEIGHT_FFN_NORM_GAMMA,
  NPU_WEIGHT_FFN_NORM_BETA,
  NPU_WEIGHT_FC1,
  NPU_WEIGHT_FC1_BIAS,
  NPU_WEIGHT_FC2,
  NPU_WEIGHT_FC2_BIAS,
  NPU_N_WEIGHTS
} NpuWeightId;

#define NPU_WEIGHT_FIRST_OF_LAYER NPU_WEIGHT_ATTENTION_NORM_GAMMA

/* One tensor as its file stores it, row after row (npu_dtype_bytes() of cols
 * each), at any alignment.  The data stays valid while the NpuWeights that
 * handed it out does. */
typedef struct {
  gsize rows, cols;
  NpuDtype dtype;
  gconstpointer data;
} NpuWeightView;

/* Where a backend gets the weights that it packs. */
typedef struct {
  NpuEncoderShape shape;
  /* @layer is ignored for weights that a model has once. */
  NpuWeightView (*get) (gpointer model, NpuWeightId id, guint layer);
  gpointer model;
} NpuWeights;

/* The stages that a window's time is told by. */
typedef enum {
  NPU_OP_CONV_STEM,
  NPU_OP_LN_QKV,
  NPU_OP_ATTENTION,
  NPU_OP_OUT_RESIDUAL,
  NPU_OP_LN_FC1_GELU,
  NPU_OP_FC2_RESIDUAL,
  NPU_OP_FINAL_NORM,
  NPU_N_OPS
} NpuOp;

struct _NpuBackend {
  const NpuBackendOps *ops;
  gchar *description;          /* for people: "AVX2, 2 threads" */
  NpuPrecision auto_precision; /* what AUTO means here; never AUTO */
  /* Of all programs that exist now; atomic. */
  gint n_programs;
  gsize packed_bytes;
};

struct _NpuProgram {
  NpuBackend *backend;
  NpuEncoderShape shape;
  NpuPrecision precision; /* never AUTO */
  gsize packed_bytes;
};

struct _NpuWindow {
  NpuProgram *program;
  guint positions;          /* 1 … shape.positions (audio-ctx) */
  guint threads;            /* limit for this window's work */
  guint64 op_ns[NPU_N_OPS]; /* of the last window, summed over layers */
  guint64 queue_ns;         /* that the last window waited for others */
  guint64 download_ns;      /* that wait() then took to fetch the states; 0 if
                               the last operation puts them in their place */
};

/* What a backend has done so far, for all its windows. */
typedef struct {
  guint64 windows;
  guint64 queue_ns; /* that windows waited for others, in all */
  guint waiting;    /* windows that wait now */
} NpuUse;

struct _NpuBackendOps {
  const gchar *name;    /* "cpu", "xrt": what active-backend says */
  gboolean is_hardware; /* an NPU */

  void (*free) (NpuBackend *backend);

  /* Packs @weights.  Slow (tens to hundreds of milliseconds). */
  NpuProgram *(*program_new) (NpuBackend *backend, const NpuWeights *weights,
      NpuPrecision precision, GError **error);
  void (*program_free) (NpuProgram *program);

  /* @threads: 0 for as many as the process may use. */
  NpuWindow *(*window_new) (
      NpuProgram *program, guint positions, guint threads, GError **error);
  void (*window_free) (NpuWindow *window);

  /* Begins a window: the caller fills [2 * positions][n_mels] float32,
   * frame-major, normalised, before the first operation.  Waits while as many
   * windows as the device can work on are between this and submit(); so a
   * thread that has begun one submits it before it begins another. */
  gfloat *(*begin_window) (NpuWindow *window);

  /* The operations, in the encoder's order.  They are queued or carried out,
   * as the backend likes; what fails is told by wait(). */
  void (*conv_stem) (NpuWindow *window);
  void (*ln_qkv) (NpuWindow *window, guint layer);
  void (*attention) (NpuWindow *window, guint layer);
  void (*out_residual) (NpuWindow *window, guint layer);
  void (*ln_fc1_gelu) (NpuWindow *window, guint layer);
  void (*fc2_residual) (NpuWindow *window, guint layer);
  /* @states: [positions][width] float32, the caller's, complete after wait. */
  void (*final_norm) (NpuWindow *window, gfloat *states);

  /* Starts what was queued. */
  void (*submit) (NpuWindow *window);
  /* Returns when the window's states are complete. */
  gboolean (*wait) (NpuWindow *window, GError **error);

  /* n_frames un-normalised log-mel frames [n_frames][n_bands]; frame i looks
   * at samples[160 i … 160 i + 399].  Synchronous; any thread. */
  gboolean (*mel) (NpuBackend *backend, const NpuMelPlan *plan,
      const gfloat *samples, gsize n_frames, gfloat *out, GError **error);

  /* Any thread. */
  NpuUse (*get_use) (NpuBackend *backend);
};

const gchar *npu_op_name (NpuOp op);
const gchar *npu_precision_name (NpuPrecision precision);
/* FALSE if @name is none of "auto", "f32", "bf16", "int8". */
gboolean npu_precision_from_name (const gchar *name, NpuPrecision *precision);

/* The fastest that meets the bf16 gate on this backend, if @precision is AUTO;
 * else @precision. */
static inline NpuPrecision
npu_backend_resolve_precision (
    const NpuBackend *backend, NpuPrecision precision)
{
  return precision == NPU_PRECISION_AUTO ? backend->auto_precision : precision;
}

/* The CPU backend.  @isa: NULL for the best that the processor has. */
NpuBackend *npu_cpu_backend_new (const gchar *isa, GError **error);

G_END_DECLS
#endif /* NPU_BACKEND_H */
