/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-gemm.c: the packed GEMM of every table against sums in double precision.
 *
 * Bound for sums of k products in float: 2^-24 (8 + sqrt k) sum |a w|, which is
 * far below the size of one product for every k here, so that a lost or doubled
 * one is seen.  GELU has a slope of at most 1.13 and an error of its own:
 * 6e-7 + 2^-23 |x|.
 */
#include "testutil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GELU_SLOPE 1.13

static const char *isa;

typedef struct {
  size_t m, n, k, lda, ldc;
  NpuActivation activation;
  int addend; /* 0: none, 1: another matrix, 2: C itself */
} Shape;

static double
gelu (double x)
{
  return 0.5 * x * erfc (-x / sqrt (2.0));
}

static void
compare (const Shape *shape, const float *a, const float *w, const float *bias,
    const float *addend, const float *c)
{
  for (size_t i = 0; i < shape->m; i++)
    for (size_t j = 0; j < shape->n; j++) {
      double sum = bias[j], size = fabs (bias[j]), bound;
      double extra = addend ? addend[i * shape->ldc + j] : 0.0;
      double value = c[i * shape->ldc + j];

      for (size_t p = 0; p < shape->k; p++) {
        double product = (double) a[i * shape->lda + p] * w[j * shape->k + p];

        sum += product;
        size += fabs (product);
      }
      bound = 0x1p-24 * (8.0 + sqrt ((double) shape->k)) * size;
      if (shape->activation == NPU_ACTIVATION_GELU) {
        bound = GELU_SLOPE * bound + 6e-7 + 0x1p-23 * fabs (sum);
        sum = gelu (sum);
      }
      bound += 0x1p-23 * (fabs (sum) + fabs (extra));
      test_check (fabs (value - sum - extra) <= bound,
          "C[%zu][%zu] is %.9g, not %.9g (bound %.2g)", i, j, value,
          sum + extra, bound);
    }
}

/* The same product by random cuts of rows and panels must be the same bits. */
static void
check_cuts (const NpuProduct *product, const NpuGemm *whole,
    const float *initial, const float *expected, size_t size)
{
  float *c = malloc (size * sizeof *c);
  size_t rows, panels;

  memcpy (c, initial, size * sizeof *c);
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
        part.addend = (whole->addend == whole->c ? c : whole->addend)
                      + row * whole->ld_addend;
      product->gemm (&part);
    }
  }
  test_check (memcmp (c, expected, size * sizeof *c) == 0,
      "another cut gives other bits");
  free (c);
}

/* No column beyond n, no value between rows. */
static void
check_gaps (const Shape *shape, const float *c)
{
  for (size_t i = 0; i + 1 < shape->m; i++)
    for (size_t j = shape->n; j < shape->ldc; j++)
      test_check (
          test_is_untouched (c[i * shape->ldc + j]), "wrote behind row %zu", i);
}

static void
check_product (const NpuProduct *product, const Shape *shape,
    const PackedWeights *weights, const float *a, const float *w,
    const float *bias)
{
  size_t size = (shape->m - 1) * shape->ldc + shape->n;
  Guarded c_memory, addend_memory;
  float *c = guarded_floats (&c_memory, size);
  float *addend = guarded_floats (&addend_memory, size);
  float *initial = malloc (size * sizeof *initial);
  NpuGemm args = { .a = a,
    .a_stride = shape->lda * sizeof (float),
    .m = shape->m,
    .w = &weights->packed,
    .n_panels = weights->n_panels,
    .activation = shape->activation,
    .c = c,
    .ldc = shape->ldc,
    .ld_addend = shape->ldc };

  for (size_t i = 0; i < shape->m; i++)
    test_fill_random (addend + i * shape->ldc, shape->n, 3.0f);
  if (shape->addend == 2)
    memcpy (c, addend, size * sizeof *c);
  memcpy (initial, c, size * sizeof *c);
  args.addend = shape->addend == 0 ? NULL : shape->addend == 1 ? addend : c;
  product->gemm (&args);
  compare (shape, a, w, bias, shape->addend ? addend : NULL, c);
  check_gaps (shape, c);
  test_check (guarded_intact (&c_memory), "output overrun");
  check_cuts (product, &args, initial, c, size);
  free (initial);
  guarded_free (&c_memory);
  guarded_free (&addend_memory);
}

static void
check_shape (const NpuProduct *product, const Shape *shape)
{
  Guarded a_memory, w_memory;
  float *a = guarded_floats (&a_memory, (shape->m - 1) * shape->lda + shape->k);
  float *w = guarded_floats (&w_memory, shape->n * shape->k);
  float *bias = malloc (shape->n * sizeof *bias);
  PackedWeights weights;

  test_name ("%s gemm m=%zu n=%zu k=%zu lda=%zu ldc=%zu activation=%d "
             "addend=%d",
      isa, shape->m, shape->n, shape->k, shape->lda, shape->ldc,
      (int) shape->activation, shape->addend);
  test_fill_random (a, (shape->m - 1) * shape->lda + shape->k, 2.0f);
  test_fill_random (w, shape->n * shape->k, 1.0f);
  test_fill_random (bias, shape->n, 1.0f);
  packed_weights_init (&weights, product, w, bias, shape->n, shape->k);
  check_product (product, shape, &weights, a, w, bias);
  packed_weights_clear (&weights);
  free (bias);
  guarded_free (&a_memory);
  guarded_free (&w_memory);
}

/* Packing in pieces gives the same panels as packing at once. */
static void
check_pack (const NpuProduct *product, size_t n, size_t k)
{
  size_t panel = product->panel, n_panels = (n + panel - 1) / panel;
  size_t size = n_panels * panel * k, rows;
  Guarded w_memory, whole_memory, parts_memory;
  float *w = guarded_floats (&w_memory, (n - 1) * (k + 3) + k);
  float *whole = guarded_aligned (&whole_memory, size);
  float *parts = guarded_aligned (&parts_memory, size);

  test_name ("%s gemm_pack n=%zu k=%zu", isa, n, k);
  test_fill_random (w, (n - 1) * (k + 3) + k, 1.0f);
  product->pack (w, k + 3, k, 0, n, whole);
  for (size_t i = 0; i < size; i++) {
    size_t column = i / (panel * k) * panel + i % panel;
    size_t row = i / panel % k;
    float expected = column < n ? w[column * (k + 3) + row] : 0.0f;

    test_check (whole[i] == expected, "column %zu row %zu is %g", column, row,
        (double) whole[i]);
  }
  for (size_t first = 0; first < n; first += rows) {
    rows = (1 + test_random_below (3)) * panel;
    rows = rows < n - first ? rows : n - first;
    product->pack (w + first * (k + 3), k + 3, k, first, rows, parts);
  }
  test_check (memcmp (whole, parts, size * sizeof *whole) == 0,
      "packing in pieces differs");
  test_check (guarded_intact (&whole_memory), "output overrun");
  guarded_free (&w_memory);
  guarded_free (&whole_memory);
  guarded_free (&parts_memory);
}

/* GELU alone: a product with k = 1 and W = 1 hands x over exactly. */
static void
check_gelu (const NpuProduct *product)
{
  enum { N = 40000 };
  float *x = malloc (N * sizeof *x), *y = malloc (N * sizeof *y);
  const float one = 1.0f, zero = 0.0f;
  PackedWeights weights;
  NpuGemm args = { .a = x,
    .a_stride = sizeof (float),
    .m = N,
    .w = &weights.packed,
    .n_panels = 1,
    .activation = NPU_ACTIVATION_GELU,
    .c = y,
    .ldc = 1 };

  test_name ("%s GELU", isa);
  packed_weights_init (&weights, product, &one, &zero, 1, 1);
  for (int i = 0; i < N; i++)
    x[i] = i < N / 2     ? test_random_float (8.0f)
           : i < N - 100 ? test_random_float (300.0f)
                         : test_random_float (1e-4f);
  product->gemm (&args);
  for (int i = 0; i < N; i++) {
    double bound = 6e-7 + 0x1p-24 * fabs (x[i]);

    test_check (fabs (y[i] - gelu (x[i])) <= bound, "gelu (%.9g) is %.9g",
        (double) x[i], (double) y[i]);
  }
  packed_weights_clear (&weights);
  free (x);
  free (y);
}

/* Sizes around the tiles, panels and chunks of every table. */
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
  static const size_t awkward[] = { 1, 2, 7, 8, 9, 64, 80, 240, 255, 256, 257,
    511, 512, 513, 769 };

  return awkward[test_random_below (sizeof awkward / sizeof awkward[0])];
}

static void
check_nothing (const NpuProduct *product)
{
  const float one = 1.0f;
  float c;
  PackedWeights weights;
  NpuGemm args = { .a = &one,
    .a_stride = sizeof (float),
    .w = &weights.packed,
    .n_panels = 1,
    .c = &c,
    .ldc = 1 };

  memset (&c, 0xff, sizeof c);
  test_name ("%s gemm of nothing", isa);
  packed_weights_init (&weights, product, &one, &one, 1, 1);
  product->gemm (&args);
  args.m = 1;
  args.n_panels = 0;
  product->gemm (&args);
  test_check (test_is_untouched (c), "wrote");
  packed_weights_clear (&weights);
}

static void
check (const NpuKernels *c, const NpuKernels *kernels)
{
  const NpuProduct *product = &kernels->product[NPU_FORMAT_F32];

  isa = kernels->isa;
  check_nothing (product);
  check_gelu (product);
  for (int i = 0; i < 30; i++) {
    size_t n = random_size ();

    check_pack (product, n, random_size ());
  }
  for (int i = 0; i < 250; i++) {
    Shape shape;

    shape.m = random_size ();
    shape.n = random_size ();
    shape.k = random_depth ();
    shape.activation = (NpuActivation) test_random_below (2);
    shape.addend = (int) test_random_below (3);
    /* sometimes overlapping rows, as a convolution reads them */
    shape.lda =
        i % 5 == 0 ? (shape.k + 2) / 3 : shape.k + test_random_below (3);
    shape.ldc = shape.n + test_random_below (3);
    check_shape (product, &shape);
  }
  check_shape (
      product, &(Shape){ 100, 96, 2048, 2048, 96, NPU_ACTIVATION_NONE, 2 });
}

int
main (void)
{
  npu_cpu_enter_float_mode ();
  test_each_isa (check);
  return test_result ();
}
