/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-amx.c: what the AMX kernels' source does on emulated tiles beyond what every
 * table is tested for: several chunks of panels, rows that overlap, the raising
 * of attention's shift, the tiles' release.
 *
 * Where results can be exact they are compared bit for bit: int8 with
 * avx512vnni, bf16 with sums of small integers, which have no roundings.
 */
#include "testutil.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "amxemulation.h"

#define HEAD NPU_HEAD_SIZE

/* Integers from -8 to 8. */
static void
fill_integers (float *x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    x[i] = (float) test_random_below (17) - 8.0f;
}

typedef struct {
  size_t m, n, k;
  size_t step; /* values from row to row of A; 0: prepared rows */
} Shape;

/* The first column that is computed: a third of them are left out, in panels of
 * 32 and thus in those of 8. */
static size_t
first_column (const Shape *shape)
{
  return shape->n / 3 / 32 * 32;
}

/* A W^T + bias + addend from the first column on, into zeros.
 * The rows of A overlap where the shape says so, end where k ends, and nobody
 * may read on. */
static float *
multiply (const NpuProduct *product, const Shape *shape, const float *x,
    const float *w, const float *bias, const float *addend)
{
  size_t m = shape->m, n = shape->n, k = shape->k;
  size_t values = (m - 1) * shape->step + k;
  size_t bytes = shape->step > 0 ? product->row_bytes (values)
                                 : m * product->row_bytes (k);
  float *c = calloc (m * n, sizeof *c);
  Guarded memory;
  PackedWeights weights;
  NpuGemm args = { .m = m, .c = c, .ldc = n, .addend = addend, .ld_addend = n };

  args.a = guarded_alloc (&memory, bytes, 4);
  if (shape->step > 0) {
    args.a_stride = product->row_bytes (shape->step);
    product->prepare (x, values, 1, values, (void *) args.a, bytes);
  } else {
    args.a_stride = product->row_bytes (k);
    product->prepare (x, k, m, k, (void *) args.a, args.a_stride);
  }
  packed_weights_init (&weights, product, w, bias, n, k);
  args.w = &weights.packed;
  args.first_panel = first_column (shape) / product->panel;
  args.n_panels = weights.n_panels - args.first_panel;
  product->gemm (&args);
  packed_weights_clear (&weights);
  test_check (guarded_intact (&memory), "A was written to");
  guarded_free (&memory);
  return c;
}

static void
check_same (const Shape *shape, const float *c, const float *expected)
{
  for (size_t i = 0; i < shape->m; i++)
    for (size_t j = 0; j < shape->n; j++)
      test_check (c[i * shape->n + j] == expected[i * shape->n + j],
          "C[%zu][%zu] is %.9g, not %.9g", i, j, (double) c[i * shape->n + j],
          (double) expected[i * shape->n + j]);
}

/* bf16 with ref/, where nothing is rounded; int8 with avx512vnni, whose float32
 * steps are the same. */
static void
check_product (const NpuKernels *kernels, const NpuKernels *reference,
    NpuFormat format, const Shape *shape)
{
  const NpuProduct *product = &kernels->product[format];
  size_t m = shape->m, n = shape->n, k = shape->k, products;
  float *x = malloc (m * k * sizeof *x), *w = malloc (n * k * sizeof *w);
  float *addend = malloc (m * n * sizeof *addend);
  float *bias = malloc (n * sizeof *bias), *c, *expected;

  test_name ("amx format %d m=%zu n=%zu k=%zu step=%zu", (int) format, m, n, k,
      shape->step);
  fill_integers (x, m * k);
  fill_integers (w, n * k);
  fill_integers (addend, m * n);
  fill_integers (bias, n);
  products = amx_emulation_products ();
  c = multiply (product, shape, x, w, bias, addend);
  test_check (amx_emulation_products () > products, "no tile was multiplied");
  test_check (!amx_emulation_in_use (), "the tiles were not released");
  expected = multiply (&reference->product[format], shape, x, w, bias, addend);
  check_same (shape, c, expected);
  free (x);
  free (w);
  free (addend);
  free (bias);
  free (c);
  free (expected);
}

static void
check_products (const NpuKernels *kernels)
{
  /* heights around the tiles' and blocks'; depths around their steps */
  static const Shape shapes[] = { { 1, 300, 64, 0 }, { 15, 100, 384, 0 },
    { 16, 96, 512, 0 }, { 17, 33, 128, 0 }, { 31, 32, 192, 0 },
    { 32, 64, 1, 0 }, { 33, 70, 500, 0 }, { 70, 300, 2048, 0 },
    { 300, 40, 130, 0 } };
  /* convolutions: three frames of 80, two of three of 128 */
  static const Shape overlapping[] = { { 50, 100, 240, 80 },
    { 33, 40, 384, 256 }, { 17, 32, 6, 2 } };
  NpuKernels c, vnni;

  npu_kernels_init (&c, 0, "c");
  npu_kernels_init (&vnni, npu_cpu_flags (), "avx512vnni");
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    check_product (kernels, &c, NPU_FORMAT_BF16, &shapes[i]);
    check_product (kernels, &vnni, NPU_FORMAT_INT8, &shapes[i]);
  }
  for (size_t i = 0; i < sizeof overlapping / sizeof overlapping[0]; i++)
    check_product (kernels, &c, NPU_FORMAT_BF16, &overlapping[i]);
}

/* @column of the output against the softmax of @scores. */
static void
check_column (const float *out, const float *scores, size_t n, const float *v,
    size_t column)
{
  double highest = -INFINITY, total = 0.0, sum = 0.0, size = 0.0;

  for (size_t i = 0; i < n; i++)
    highest = fmax (highest, scores[i]);
  for (size_t i = 0; i < n; i++) {
    double weight = exp (scores[i] - highest), value = v[i * HEAD + column];

    total += weight;
    sum += weight * value;
    size += weight * fabs (value);
  }
  test_check (
      fabs (out[column] - sum / total) <= 0x1.1p-7 * size / total + 1e-30,
      "column %zu: %.9g, not %.9g", column, (double) out[column], sum / total);
}

/* Scores that bf16 holds exactly, integers below 256: q = 1 in one column, and
 * the score in k's.  The second column has the values of what is far below the
 * highest score only; the second query's scores are all 0. */
static void
check_scores (const NpuAttention *attention, const float *scores, size_t n)
{
  float *k = calloc (n * HEAD, sizeof *k), *v = calloc (n * HEAD, sizeof *v);
  float *zeros = calloc (n, sizeof *zeros);
  float q[2 * HEAD] = { 1.0f }, out[2 * HEAD], highest = -INFINITY;
  Guarded packed_memory, scratch_memory;
  void *packed = guarded_alloc (
      &packed_memory, attention->packed_bytes (n), NPU_ALIGNMENT);
  void *scratch =
      guarded_alloc (&scratch_memory, attention->scratch_bytes, NPU_ALIGNMENT);

  for (size_t i = 0; i < n; i++)
    highest = fmaxf (highest, scores[i]);
  for (size_t i = 0; i < n; i++) {
    k[i * HEAD] = scores[i];
    v[i * HEAD] = test_random_float (2.0f);
    v[i * HEAD + 1] = scores[i] < highest - 30.0f ? v[i * HEAD] : 0.0f;
  }
  attention->pack (k, v, HEAD, n, packed);
  attention->attend (q, HEAD, 2, packed, n, out, HEAD, scratch);
  test_check (!amx_emulation_in_use (), "the tiles were not released");
  for (size_t column = 0; column < 3; column++) {
    check_column (out, scores, n, v, column);
    check_column (out + HEAD, zeros, n, v, column);
  }
  guarded_free (&packed_memory);
  guarded_free (&scratch_memory);
  free (zeros);
  free (k);
  free (v);
}

static void
check_attention (const NpuKernels *kernels)
{
  const NpuAttention *attention = &kernels->attention[NPU_FORMAT_BF16];
  float scores[200];

  for (size_t n = 1; n <= 200; n += n < 70 ? 3 : 13) {
    test_name ("amx attention, %zu scores that rise", n);
    for (size_t i = 0; i < n; i++)
      scores[i] = (float) i;
    check_scores (attention, scores, n);
    test_name ("amx attention, %zu scores that rise in jumps", n);
    for (size_t i = 0; i < n; i++)
      scores[i] = (float) (i / 32 % 4 * 160 + test_random_below (3)) - 240.0f;
    check_scores (attention, scores, n);
    test_name ("amx attention, %zu scores that rise in two jumps", n);
    for (size_t i = 0; i < n; i++)
      scores[i] = i < 32 ? 0.0f : i < 96 ? 40.0f : 100.0f;
    check_scores (attention, scores, n);
    test_name ("amx attention, %zu scores that fall", n);
    for (size_t i = 0; i < n; i++)
      scores[i] = 100.0f - (float) i;
    check_scores (attention, scores, n);
    test_name ("amx attention, %zu scores with peaks", n);
    for (size_t i = 0; i < n; i++)
      scores[i] = (float) test_random_below (4)
                  + (test_random_below (40) == 0 ? 60.0f : -60.0f);
    check_scores (attention, scores, n);
    test_name ("amx attention, %zu scores far below zero", n);
    for (size_t i = 0; i < n; i++)
      scores[i] = -240.0f + (float) test_random_below (4);
    check_scores (attention, scores, n);
  }
}

static void
check_burn (const NpuKernels *kernels)
{
  static const uint64_t depth[NPU_N_FORMATS] = {
    [NPU_FORMAT_BF16] = 32,
    [NPU_FORMAT_INT8] = 64,
  };

  for (NpuFormat format = NPU_FORMAT_BF16; format < NPU_N_FORMATS; format++) {
    size_t before = amx_emulation_products ();
    uint64_t operations = kernels->product[format].burn (3);
    uint64_t products = amx_emulation_products () - before;

    test_name ("amx burn of format %d", (int) format);
    test_check (
        products > 0 && operations == products * 2 * 256 * depth[format],
        "%llu operations in %llu products", (unsigned long long) operations,
        (unsigned long long) products);
    test_check (!amx_emulation_in_use (), "the tiles were not released");
  }
}

/* Tiles belong to threads: another's are neither used nor left configured. */
static void *
run_in_thread (void *data)
{
  check_products (data);
  return NULL;
}

int
main (void)
{
  NpuKernels kernels;
  pthread_t thread;

  npu_cpu_enter_float_mode ();
  if (!test_amx_emulated (&kernels)) {
    printf ("skipped: the emulation needs AVX-512 with VNNI and BF16\n");
    return TEST_SKIPPED;
  }
  check_products (&kernels);
  check_attention (&kernels);
  check_burn (&kernels);
  if (test_check (pthread_create (&thread, NULL, run_in_thread, &kernels) == 0,
          "no thread"))
    pthread_join (thread, NULL);
  return test_result ();
}
