/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npukernels.h: the arithmetic of the project, as a table of functions.
 *
 * Pure C11: no GLib, no GStreamer, no allocation, no global state.  Callers own
 * every byte of memory, sizes come in as arguments, and all functions may run
 * on any number of threads at once as long as their outputs do not overlap.
 *
 * kernels/ref/ gives the plain C meaning of each entry and is the
 * specification; an instruction set's file in kernels/x86/ overrides entries
 * with faster ones of the same meaning (tests/kernels compares them).
 * Results of one table depend on the inputs only, never on how the work was
 * cut into calls by rows, panels, frames or queries.
 *
 * Matrices are row-major; "ld" is the distance between rows in elements.
 * d is a model's width; a head always has NPU_HEAD_SIZE columns.
 */
#ifndef NPU_KERNELS_H
#define NPU_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NPU_HEAD_SIZE 64
#define NPU_LAYERNORM_EPSILON 1e-5f

/* The log-mel front end (OpenAI's audio.py). */
#define NPU_MEL_RATE 16000
#define NPU_MEL_WINDOW 400 /* samples in a frame, and the DFT's length */
#define NPU_MEL_HOP 160    /* samples from one frame to the next */
#define NPU_MEL_BINS 201   /* NPU_MEL_WINDOW / 2 + 1 */
#define NPU_MEL_MAX_BANDS 128
#define NPU_MEL_FLOOR 1e-10f   /* power below this counts as silence */
#define NPU_MEL_SILENCE -10.0f /* log10 (NPU_MEL_FLOOR) */

/* Every buffer that a kernel packs into or takes as scratch is aligned so. */
#define NPU_ALIGNMENT 64

/* Storage of weights as they lie in a file, little-endian, at any alignment.
 * The quantised types are ggml's blocks of 32 values of a row (ref/dequantize.c
 * tells their layout). */
typedef enum {
  NPU_DTYPE_F32,
  NPU_DTYPE_F16,
  NPU_DTYPE_BF16,
  NPU_DTYPE_Q4_0,
  NPU_DTYPE_Q4_1,
  NPU_DTYPE_Q5_0,
  NPU_DTYPE_Q5_1,
  NPU_DTYPE_Q8_0
} NpuDtype;

/* Values that are stored together: 1, or 32 for the quantised types. */
size_t npu_dtype_block (NpuDtype dtype);

/* Bytes of @n values, whole blocks. */
size_t npu_dtype_bytes (NpuDtype dtype, size_t n);

/*
 * A filter bank: band b weighs the bins first[b] … first[b] + count[b] - 1 of
 * the power spectrum by weights[offset[b] …].  Slaney's mel scale and area
 * normalisation from 0 to 8000 Hz, computed in double precision.
 */
typedef struct {
  unsigned n_bands;
  uint16_t first[NPU_MEL_MAX_BANDS];
  uint16_t count[NPU_MEL_MAX_BANDS];
  uint16_t offset[NPU_MEL_MAX_BANDS];
  float weights[2 * NPU_MEL_BINS]; /* a bin falls in two bands at most */
  float window[NPU_MEL_WINDOW];    /* periodic Hann */
  float cosine[NPU_MEL_WINDOW];    /* cos (2 pi i / 400) */
  float sine[NPU_MEL_WINDOW];      /* sin (2 pi i / 400) */
} NpuMelPlan;

/* Fills @plan for 1 … NPU_MEL_MAX_BANDS bands. */
void npu_mel_plan_init (NpuMelPlan *plan, unsigned n_bands);

/* Values of a row of a product's left side that share a scale in int8. */
#define NPU_INT8_GROUP 128

/* How the numbers of a matrix product are stored. */
typedef enum {
  NPU_FORMAT_F32,
  NPU_FORMAT_BF16, /* both sides bfloat16, or the weights only */
  /* Weights: symmetric, a scale per column of C.  Left side: symmetric, a scale
   * per row and NPU_INT8_GROUP columns.  Sums of products are exact integers
   * within a group, and float32 from there on. */
  NPU_FORMAT_INT8,
  NPU_N_FORMATS
} NpuFormat;

/*
 * A packed right-hand side: W, stored [n][k] in models, as panels of as many
 * columns each as the product says, padded with zeros.
 * n_panels = ceil (n / panel).
 */
typedef struct {
  size_t n, k;
  const void *panels; /* NPU_ALIGNMENT; n_panels * panel_bytes (k) */
  const float *bias;  /* n_panels * panel values */
} NpuPacked;

typedef enum {
  NPU_ACTIVATION_NONE,
  NPU_ACTIVATION_GELU /* x / 2 * (1 + erf (x / sqrt 2)) */
} NpuActivation;

/* C = activation (A * W^T + bias) + addend, for the panels asked
 * for. */
typedef struct {
  const void *a;   /* m rows, as prepare() makes them */
  size_t a_stride; /* bytes; rows of F32 and BF16 may overlap */
  size_t m;
  const NpuPacked *w;
  size_t first_panel, n_panels; /* the columns of C to compute */
  NpuActivation activation;
  const float *addend; /* [m][n] or NULL; may be c itself */
  size_t ld_addend;
  float *c; /* [m][n], points at column 0 */
  size_t ldc;
} NpuGemm;

/* The matrix product of one format. */
typedef struct {
  unsigned panel; /* columns of a packed panel */
  unsigned rows;  /* rows per task that use the caches best */

  /* Bytes of a packed panel and of a prepared row, which is aligned to four
   * bytes. */
  size_t (*panel_bytes) (size_t k);
  size_t (*row_bytes) (size_t k);

  /* Packs n_rows rows of W, at @w, as columns first … first + n_rows - 1 of C
   * into @panels, those of the whole W.  first and n_rows are multiples of
   * panel, save n_rows at W's end. */
  void (*pack) (const float *w, size_t ldw, size_t k, size_t first,
      size_t n_rows, void *panels);

  /* Rows of floats to rows of A.  Where @in_place is set, a row of A is a row
   * of floats, and prepare() a copy that callers do without. */
  int in_place;
  void (*prepare) (const float *x, size_t ldx, size_t rows, size_t k, void *out,
      size_t out_stride);
  /* The same of LayerNorm's result. */
  void (*layernorm) (const float *x, size_t ldx, size_t rows, size_t d,
      const float *gamma, const float *beta, void *out, size_t out_stride);

  void (*gemm) (const NpuGemm *args);

  /* For measuring: the multiply-add that gemm() is made of, out of registers,
   * as fast as the processor can.  Returns the number of operations, two per
   * product.  NULL where that is the compiler's choice. */
  uint64_t (*burn) (uint64_t rounds);
} NpuProduct;

/*
 * Attention of one head over all keys, softmax (Q K^T) V, online: no row of
 * scores is ever held whole.  The scale 1 / sqrt (64) is already in Q.
 * K and V are packed once per head and then read by every block of queries.
 */
typedef struct {
  NpuFormat scores, values; /* how the two products are computed */
  unsigned queries;         /* queries per task that use the caches best */
  size_t (*packed_bytes) (size_t n_keys);
  size_t scratch_bytes;
  void (*pack) (
      const float *k, const float *v, size_t ld, size_t n_keys, void *packed);
  void (*attend) (const float *q, size_t ldq, size_t n_queries,
      const void *packed, size_t n_keys, float *out, size_t ldo, void *scratch);
} NpuAttention;

typedef struct {
  const char *isa; /* "c", "avx2", …: what NPU_ISA selects */

  /* out[i] = (float) in[i], n values stored as @dtype, whole blocks. */
  void (*to_f32) (NpuDtype dtype, const void *in, size_t n, float *out);

  /*
   * n_frames un-normalised log-mel frames: frame i looks at
   * samples[160 i … 160 i + 399] and fills out[i * n_bands …].
   */
  void (*mel) (const NpuMelPlan *plan, const float *samples, size_t n_frames,
      float *out);

  /* out[r] = (x[r] - mean) / sqrt (variance + epsilon) * gamma + beta. */
  void (*layernorm) (const float *x, size_t ldx, size_t rows, size_t d,
      const float *gamma, const float *beta, float *out, size_t ldo);

  NpuProduct product[NPU_N_FORMATS];
  /* What each format's accuracy allows; several may be the same. */
  NpuAttention attention[NPU_N_FORMATS];

  /* Whether BF16 products are faster than F32 ones: "auto" chooses by it. */
  int bf16_is_fast;
} NpuKernels;

/*
 * Fills @kernels with the best entries for @flags.  @isa limits the choice
 * ("c", "avx2", …); NULL means no limit.  Returns 0, or -1 if @isa is
 * unknown or the processor lacks it; then @kernels is not touched.
 */
int npu_kernels_init (NpuKernels *kernels, NpuCpuFlags flags, const char *isa);

/* The names that @isa may have, best last, ended by NULL. */
const char *const *npu_kernels_isas (void);

#ifdef __cplusplus
}
#endif
#endif /* NPU_KERNELS_H */
