/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gemmint8.c: the product of gemm.c with both sides quantised to int8.
 *
 * A value is scale * q with q = -127 … 127: W has a scale per row (a column of
 * C), A one per row and NPU_INT8_GROUP columns, each the largest magnitude
 * divided by 127.  Within a group products are summed as integers.
 *
 * A panel: scales [PANEL], then q [k][PANEL].
 * A row: q [k], padded to a multiple of 4, then the scales of its groups.
 */
#include "refgemm.h"

#include <string.h>

#define GROUP NPU_INT8_GROUP
#define MAX_Q 127.0f
/* Smaller magnitudes count as zero, so that their inverse is finite. */
#define SMALLEST 1e-30f

static size_t
panel_bytes (size_t k)
{
  return PANEL * sizeof (float) + (k + 3) / 4 * 4 * PANEL;
}

static size_t
scales_offset (size_t k)
{
  return (k + 3) / 4 * 4;
}

static size_t
row_bytes (size_t k)
{
  return scales_offset (k) + (k + GROUP - 1) / GROUP * sizeof (float);
}

/* Returns the scale.  Finite weights may overflow where the packer scales them:
 * then there is no right result, but the conversion must be defined. */
static float
quantize (const float *x, size_t n, int8_t *q, size_t step)
{
  float largest = 0.0f, inverse;

  for (size_t i = 0; i < n; i++)
    largest = fabsf (x[i]) > largest ? fabsf (x[i]) : largest;
  inverse = largest > SMALLEST ? MAX_Q / largest : 0.0f;
  for (size_t i = 0; i < n; i++)
    q[i * step] =
        (int8_t) nearbyintf (fminf (fmaxf (x[i] * inverse, -MAX_Q), MAX_Q));
  return largest > SMALLEST ? largest / MAX_Q : 0.0f;
}

static void
pack (const float *w, size_t ldw, size_t k, size_t first, size_t n_rows,
    void *panels)
{
  for (size_t n = 0; n < n_rows; n += PANEL) {
    float *scales =
        (float *) ((char *) panels + (first + n) / PANEL * panel_bytes (k));
    int8_t *q = (int8_t *) (scales + PANEL);

    memset (scales, 0, panel_bytes (k));
    for (size_t j = 0; j < PANEL && n + j < n_rows; j++)
      scales[j] = quantize (w + (n + j) * ldw, k, q + j, PANEL);
  }
}

static void
prepare_row (const float *x, size_t k, int8_t *out)
{
  float *scales = (float *) (out + scales_offset (k));

  for (size_t i = 0; i < k; i += GROUP)
    *scales++ = quantize (x + i, k - i < GROUP ? k - i : GROUP, out + i, 1);
}

static void
prepare (const float *x, size_t ldx, size_t rows, size_t k, void *out,
    size_t out_stride)
{
  for (size_t r = 0; r < rows; r++)
    prepare_row (x + r * ldx, k, (int8_t *) out + r * out_stride);
}

static void
layernorm_row (const float *x, size_t d, const float *gamma, const float *beta,
    int8_t *out)
{
  float *scales = (float *) (out + scales_offset (d));
  NpuRefNorm norm = npu_ref_norm (x, d);
  float group[GROUP];

  for (size_t i = 0; i < d; i += GROUP) {
    size_t n = d - i < GROUP ? d - i : GROUP;

    for (size_t j = 0; j < n; j++)
      group[j] = npu_ref_normalize (&norm, x[i + j], gamma[i + j], beta[i + j]);
    *scales++ = quantize (group, n, out + i, 1);
  }
}

static void
layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, void *out, size_t out_stride)
{
  for (size_t r = 0; r < rows; r++)
    layernorm_row (
        x + r * ldx, d, gamma, beta, (int8_t *) out + r * out_stride);
}

/* q of one row times q of one panel, times the row's scales. */
static void
multiply_row (const int8_t *a, size_t k, const int8_t *q, float sums[PANEL])
{
  const float *scales = (const float *) (a + scales_offset (k));

  for (size_t j = 0; j < PANEL; j++)
    sums[j] = 0.0f;
  for (size_t i = 0; i < k; i += GROUP) {
    size_t end = k - i < GROUP ? k : i + GROUP;
    int32_t s[PANEL] = { 0 };

    for (size_t p = i; p < end; p++)
      for (size_t j = 0; j < PANEL; j++)
        s[j] += a[p] * q[p * PANEL + j];
    for (size_t j = 0; j < PANEL; j++)
      sums[j] += (float) s[j] * scales[i / GROUP];
  }
}

static void
gemm (const NpuGemm *args)
{
  size_t k = args->w->k;
  size_t end = args->first_panel + args->n_panels;
  float sums[PANEL];

  for (size_t p = args->first_panel; p < end; p++) {
    const char *panel = (const char *) args->w->panels + p * panel_bytes (k);
    const float *scales = (const float *) panel;

    for (size_t row = 0; row < args->m; row++) {
      multiply_row ((const int8_t *) args->a + row * args->a_stride, k,
          (const int8_t *) (scales + PANEL), sums);
      for (size_t j = 0; j < PANEL; j++)
        sums[j] *= scales[j];
      finish_row (args, row, p * PANEL, sums);
    }
  }
}

void
npu_ref_gemm_int8_init (NpuKernels *kernels)
{
  kernels->product[NPU_FORMAT_INT8] = (NpuProduct){ .panel = PANEL,
    .rows = ROWS_PER_TASK,
    .panel_bytes = panel_bytes,
    .row_bytes = row_bytes,
    .pack = pack,
    .prepare = prepare,
    .layernorm = layernorm,
    .gemm = gemm };
}
