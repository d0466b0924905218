/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-formats.c: the products of bf16 and int8, of every table.
 *
 * What a table stores is its own affair, but it can be asked for: the product of
 * A with the identity is the values that A's rows stand for, and the product of
 * the identity's rows with W those of W.  So three things are checked: that both
 * stand for what they were made from, within the format's rounding, that they
 * do so as ref/ says, and that products of others are those values' products.
 */
#include "testutil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUE 2.0f

typedef struct {
  const NpuProduct *product, *reference;
  NpuFormat format;
} Tested;

/* @rows rows of A, prepared in guarded memory. */
typedef struct {
  Guarded memory;
  void *rows;
  size_t stride;
} Prepared;

static void
prepared_init (Prepared *prepared, const NpuProduct *product, const float *x,
    size_t ldx, size_t rows, size_t k)
{
  size_t bytes = product->row_bytes (k);

  prepared->stride = bytes + 4 * test_random_below (3);
  prepared->rows = guarded_alloc (
      &prepared->memory, (rows - 1) * prepared->stride + bytes, 4);
  product->prepare (x, ldx, rows, k, prepared->rows, prepared->stride);
}

static void
prepared_clear (Prepared *prepared)
{
  test_check (guarded_intact (&prepared->memory), "prepared rows overrun");
  guarded_free (&prepared->memory);
}

static float *
identity (size_t n)
{
  float *matrix = calloc (n * n, sizeof *matrix);

  for (size_t i = 0; i < n; i++)
    matrix[i * n + i] = 1.0f;
  return matrix;
}

/* C = A W^T with nothing added, @w [n][k]. */
static float *
multiply (const NpuProduct *product, const Prepared *a, size_t m,
    const float *w, size_t n, size_t k)
{
  float *c = malloc (m * n * sizeof *c);
  float *zeros = calloc (n, sizeof *zeros);
  PackedWeights weights;
  NpuGemm args = { .a = a->rows, .a_stride = a->stride, .m = m, .c = c };

  packed_weights_init (&weights, product, w, zeros, n, k);
  args.w = &weights.packed;
  args.n_panels = weights.n_panels;
  args.ldc = n;
  product->gemm (&args);
  packed_weights_clear (&weights);
  free (zeros);
  return c;
}

/* The values that prepared rows stand for, [m][k]. */
static float *
values_of_rows (
    const NpuProduct *product, const Prepared *a, size_t m, size_t k)
{
  float *w = identity (k);
  float *values = multiply (product, a, m, w, k, k);

  free (w);
  return values;
}

/* The values that a packed W stands for, transposed: [k][n]. */
static float *
values_of_weights (
    const NpuProduct *product, const float *w, size_t n, size_t k)
{
  float *rows = identity (k);
  Prepared prepared;
  float *values;

  prepared_init (&prepared, product, rows, k, k, k);
  values = multiply (product, &prepared, k, w, n, k);
  prepared_clear (&prepared);
  free (rows);
  return values;
}

/* Half a step of int8, half of the last of the eight bits of bf16. */
static double
rounding (NpuFormat format, double value, double largest)
{
  return format == NPU_FORMAT_BF16 ? 0x1.01p-8 * fabs (value) + 1e-37
                                   : 0.5001 * largest / 127.0;
}

static double
largest_of (const float *x, size_t n, size_t step)
{
  double largest = 0.0;

  for (size_t i = 0; i < n; i++)
    largest = fmax (largest, fabs (x[i * step]));
  return largest;
}

static void
check_rows (const Tested *tested, const float *x, size_t ldx, size_t m,
    size_t k, const float *values)
{
  for (size_t i = 0; i < m; i++)
    for (size_t p = 0; p < k; p++) {
      size_t group = p / NPU_INT8_GROUP * NPU_INT8_GROUP;
      size_t n = k - group < NPU_INT8_GROUP ? k - group : NPU_INT8_GROUP;
      double from = x[i * ldx + p], value = values[i * k + p];
      double bound = rounding (
          tested->format, from, largest_of (x + i * ldx + group, n, 1));

      test_check (fabs (value - from) <= bound,
          "A[%zu][%zu] = %.9g counts as %.9g (bound %.2g)", i, p, from, value,
          bound);
    }
}

static void
check_weights (const Tested *tested, const float *w, size_t n, size_t k,
    const float *values)
{
  float *reference = values_of_weights (tested->reference, w, n, k);

  for (size_t j = 0; j < n; j++)
    for (size_t p = 0; p < k; p++) {
      double from = w[j * k + p], value = values[p * n + j];
      double bound =
          rounding (tested->format, from, largest_of (w + j * k, k, 1));

      test_check (fabs (value - from) <= bound,
          "W[%zu][%zu] = %.9g counts as %.9g (bound %.2g)", j, p, from, value,
          bound);
      /* bf16 tables may leave A's side float32, never W's */
      test_check (fabs (value - reference[p * n + j]) <= 1e-6 * fabs (value),
          "W[%zu][%zu] is %.9g, in plain C %.9g", j, p, value,
          (double) reference[p * n + j]);
    }
  free (reference);
}

static double
gelu (double x)
{
  return 0.5 * x * erfc (-x / sqrt (2.0));
}

/* C against the product of the values in double precision. */
static void
check_product (const NpuGemm *args, const float *a, const float *w)
{
  size_t n = args->w->n, k = args->w->k;

  for (size_t i = 0; i < args->m; i++)
    for (size_t j = 0; j < n; j++) {
      double sum = args->w->bias[j], size = fabs (sum), bound;
      double value = args->c[i * args->ldc + j];

      for (size_t p = 0; p < k; p++) {
        double product = (double) a[i * k + p] * w[p * n + j];

        sum += product;
        size += fabs (product);
      }
      bound = 0x1p-24 * (16.0 + 2.0 * sqrt ((double) k)) * size;
      if (args->activation == NPU_ACTIVATION_GELU) {
        bound = 1.13 * bound + 6e-7 + 0x1p-23 * fabs (sum);
        sum = gelu (sum);
      }
      if (args->addend)
        sum += args->addend[i * args->ld_addend + j];
      bound += 0x1p-22 * fabs (sum) + 1e-6;
      test_check (fabs (value - sum) <= bound,
          "C[%zu][%zu] is %.9g, not %.9g (bound %.2g)", i, j, value, sum,
          bound);
    }
}

/* The same product by random cuts of rows and panels must be the same bits. */
static void
check_cuts (const NpuProduct *product, const NpuGemm *whole)
{
  size_t size = whole->m * whole->ldc, rows, panels;
  float *c = malloc (size * sizeof *c);

  memset (c, 0xff, size * sizeof *c);
  for (size_t row = 0; row < whole->m; row += rows) {
    rows = 1 + test_random_below (whole->m - row);
    for (size_t p = 0; p < whole->n_panels; p += panels) {
      NpuGemm part = *whole;

      panels = 1 + test_random_below (whole->n_panels - p);
      part.a = (const char *) whole->a + row * whole->a_stride;
      part.m = rows;
      part.first_panel = p;
      part.n_panels = panels;
      part.c = c + row * whole->ldc;
      if (whole->addend)
        part.addend = whole->addend + row * whole->ld_addend;
      product->gemm (&part);
    }
  }
  test_check (memcmp (c, whole->c, size * sizeof *c) == 0,
      "another cut gives other bits");
  free (c);
}

static void
check_gemm (const NpuProduct *product, const Prepared *prepared, size_t m,
    const PackedWeights *weights, const float *a, const float *w)
{
  size_t n = weights->packed.n;
  size_t ldc = n + test_random_below (3);
  Guarded c_memory;
  float *c = guarded_floats (&c_memory, m * ldc);
  float *addend = malloc (m * ldc * sizeof *addend);
  NpuGemm args = { .a = prepared->rows,
    .a_stride = prepared->stride,
    .m = m,
    .w = &weights->packed,
    .n_panels = weights->n_panels,
    .activation = (NpuActivation) test_random_below (2),
    .addend = test_random_below (2) ? addend : NULL,
    .ld_addend = ldc,
    .c = c,
    .ldc = ldc };

  test_fill_random (addend, m * ldc, 3.0f);
  product->gemm (&args);
  check_product (&args, a, w);
  for (size_t i = 0; i < m; i++)
    for (size_t j = n; j < ldc; j++)
      test_check (
          test_is_untouched (c[i * ldc + j]), "wrote behind row %zu", i);
  test_check (guarded_intact (&c_memory), "output overrun");
  check_cuts (product, &args);
  guarded_free (&c_memory);
  free (addend);
}

/* Some rows and columns far larger or smaller than others, and zeros. */
static void
fill (float *x, size_t rows, size_t k, size_t ldx)
{
  static const float scales[] = { MAX_VALUE, 100.0f, 1e-3f, 0.0f };

  for (size_t i = 0; i < rows; i++)
    test_fill_random (
        x + i * ldx, k, scales[test_random_below (8) < 5 ? 0 : i % 4]);
}

static void
check_shape (const Tested *tested, size_t m, size_t n, size_t k)
{
  const NpuProduct *product = tested->product;
  size_t ldx = k + test_random_below (3);
  Guarded x_memory, w_memory;
  float *x = guarded_floats (&x_memory, (m - 1) * ldx + k);
  float *w = guarded_floats (&w_memory, n * k);
  float *bias = malloc (n * sizeof *bias), *a_values, *w_values;
  PackedWeights weights;
  Prepared prepared;

  fill (x, m, k, ldx);
  fill (w, n, k, k);
  test_fill_random (bias, n, 1.0f);
  prepared_init (&prepared, product, x, ldx, m, k);
  packed_weights_init (&weights, product, w, bias, n, k);
  a_values = values_of_rows (product, &prepared, m, k);
  w_values = values_of_weights (product, w, n, k);
  check_rows (tested, x, ldx, m, k, a_values);
  check_weights (tested, w, n, k, w_values);
  check_gemm (product, &prepared, m, &weights, a_values, w_values);
  free (a_values);
  free (w_values);
  free (bias);
  prepared_clear (&prepared);
  packed_weights_clear (&weights);
  guarded_free (&x_memory);
  guarded_free (&w_memory);
}

/* LayerNorm into rows of A is preparing LayerNorm's result. */
static void
check_layernorm (const Tested *tested, const NpuKernels *c, size_t m, size_t d)
{
  const NpuProduct *product = tested->product;
  float *x = malloc (m * d * sizeof *x), *y = malloc (m * d * sizeof *y);
  float *gamma = malloc (d * sizeof *gamma), *beta = malloc (d * sizeof *beta);
  float *values;
  Prepared prepared;

  test_fill_random (x, m * d, 5.0f);
  test_fill_random (gamma, d, 2.0f);
  test_fill_random (beta, d, 1.0f);
  c->layernorm (x, d, m, d, gamma, beta, y, d);
  prepared_init (&prepared, product, y, d, m, d);
  memset (prepared.memory.data, 0xff, prepared.memory.size);
  product->layernorm (x, d, m, d, gamma, beta, prepared.rows, prepared.stride);
  values = values_of_rows (product, &prepared, m, d);
  for (size_t i = 0; i < m * d; i++) {
    size_t row = i / d, group = i % d / NPU_INT8_GROUP * NPU_INT8_GROUP;
    size_t n = d - group < NPU_INT8_GROUP ? d - group : NPU_INT8_GROUP;
    double bound = 1e-5
                   + rounding (tested->format, y[i],
                       largest_of (y + row * d + group, n, 1));

    test_check (fabs (values[i] - y[i]) <= bound,
        "value %zu of row %zu is %.9g, not %.9g", i % d, row,
        (double) values[i], (double) y[i]);
  }
  prepared_clear (&prepared);
  free (values);
  free (x);
  free (y);
  free (gamma);
  free (beta);
}

/* Sums of the largest values there are: nothing saturates. */
static void
check_extremes (const Tested *tested)
{
  enum { K = 512, N = 33, M = 13 };
  float *x = malloc (M * K * sizeof *x), *w = malloc (N * K * sizeof *w);
  float *a_values, *w_values;
  float bias[N] = { 0.0f };
  PackedWeights weights;
  Prepared prepared;

  for (size_t i = 0; i < M * K; i++)
    x[i] = i / K % 3 == 0   ? 1.0f
           : i / K % 3 == 1 ? -1.0f
           : i % 2          ? 1.0f
                            : -1.0f;
  for (size_t i = 0; i < N * K; i++)
    w[i] = i / K % 3 == 0   ? 1.0f
           : i / K % 3 == 1 ? -1.0f
           : i % 2          ? 1.0f
                            : -1.0f;
  prepared_init (&prepared, tested->product, x, K, M, K);
  packed_weights_init (&weights, tested->product, w, bias, N, K);
  a_values = values_of_rows (tested->product, &prepared, M, K);
  w_values = values_of_weights (tested->product, w, N, K);
  check_gemm (tested->product, &prepared, M, &weights, a_values, w_values);
  free (a_values);
  free (w_values);
  prepared_clear (&prepared);
  packed_weights_clear (&weights);
  free (x);
  free (w);
}

static size_t
random_size (void)
{
  static const size_t awkward[] = { 1, 2, 3, 5, 6, 7, 8, 11, 12, 13, 15, 16, 17,
    31, 32, 33, 47, 48, 49, 53 };

  return awkward[test_random_below (sizeof awkward / sizeof awkward[0])];
}

static size_t
random_depth (void)
{
  static const size_t awkward[] = { 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 63, 64, 65,
    80, 127, 128, 129, 130, 240, 255, 256, 257 };

  return awkward[test_random_below (sizeof awkward / sizeof awkward[0])];
}

static void
check (const NpuKernels *c, const NpuKernels *kernels)
{
  static const char *const names[] = { "f32", "bf16", "int8" };

  for (NpuFormat format = NPU_FORMAT_BF16; format < NPU_N_FORMATS; format++) {
    const Tested tested = { &kernels->product[format], &c->product[format],
      format };

    test_name ("%s %s extremes", kernels->isa, names[format]);
    check_extremes (&tested);
    for (int i = 0; i < 80; i++) {
      size_t m = random_size (), n = random_size (), k = random_depth ();

      test_name (
          "%s %s m=%zu n=%zu k=%zu", kernels->isa, names[format], m, n, k);
      check_shape (&tested, m, n, k);
      check_layernorm (&tested, c, m, 1 + k);
    }
    test_name ("%s %s deep", kernels->isa, names[format]);
    check_shape (&tested, 49, 40, 1100);
  }
}

int
main (void)
{
  npu_cpu_enter_float_mode ();
  test_each_isa (check);
  return test_result ();
}
