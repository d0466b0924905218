/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-amx.c: the emulation of AMX itself, and what the AMX kernels' source does
 * on it beyond what every table is tested for: several chunks of panels, rows
 * that overlap, the raising of attention's shift, the tiles' release.
 *
 * Where results can be exact they are compared bit for bit: int8 with
 * avx512vnni, bf16 with sums of small integers, which have no roundings.
 */
#include "testutil.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "amxemulation.h"

#define HEAD NPU_HEAD_SIZE

/* LDTILECFG's operand. */
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} Config;

static void
configure (const Config *config)
{
  amx_emulation_loadconfig (config);
}

/* Tile 0 [rows][columns of 4 bytes] += tile 1 [rows][depth] tile 2. */
static Config
config_of (unsigned rows, unsigned columns, unsigned depth)
{
  Config config = { .palette = 1 };

  config.rows[0] = config.rows[1] = (uint8_t) rows;
  config.rows[2] = (uint8_t) depth;
  config.row_bytes[0] = config.row_bytes[2] = (uint16_t) (4 * columns);
  config.row_bytes[1] = (uint16_t) (4 * depth);
  return config;
}

static void
check_int8_tiles (unsigned rows, unsigned columns, unsigned depth)
{
  Config config = config_of (rows, columns, depth);
  int8_t a[16][64], b[16][64];
  int32_t c[16][16], before[16][16];

  test_name ("TDPBSSD %u x %u x %u", rows, columns, 4 * depth);
  for (unsigned i = 0; i < 16 * 64; i++) {
    a[i / 64][i % 64] = (int8_t) (test_random () & 0xff);
    b[i / 64][i % 64] = (int8_t) (test_random () & 0xff);
  }
  for (unsigned i = 0; i < 16 * 16; i++)
    before[i / 16][i % 16] = (int32_t) test_random_below (1000) - 500;
  memcpy (c, before, sizeof c);
  configure (&config);
  amx_emulation_load (0, before, sizeof before[0]);
  amx_emulation_load (1, a, sizeof a[0]);
  amx_emulation_load (2, b, sizeof b[0]);
  amx_emulation_dpbssd (0, 1, 2);
  amx_emulation_store (0, c, sizeof c[0]);
  amx_emulation_release ();
  for (unsigned i = 0; i < 16; i++)
    for (unsigned j = 0; j < 16; j++) {
      int32_t sum = before[i][j];

      for (unsigned p = 0; i < rows && j < columns && p < 4 * depth; p++)
        sum += a[i][p] * b[p / 4][4 * j + p % 4];
      test_check (c[i][j] == sum, "[%u][%u] is %d, not %d", i, j, c[i][j], sum);
    }
}

/* One sum of one row: a[0] b[0] + a[1] b[1] + … + c, as float bits. */
static uint32_t
dot_bf16 (const uint16_t a[4], const uint16_t b[4], uint32_t c)
{
  Config config = config_of (1, 1, 2);
  uint32_t result;

  configure (&config);
  amx_emulation_load (0, &c, sizeof c);
  amx_emulation_load (1, a, 4 * sizeof *a);
  amx_emulation_load (2, b, 2 * sizeof *b);
  amx_emulation_dpbf16ps (0, 1, 2);
  amx_emulation_store (0, &result, sizeof result);
  amx_emulation_release ();
  return result;
}

static void
check_bf16_tiles (void)
{
  static const struct {
    const char *what;
    uint16_t a[4], b[4];
    uint32_t c, expected;
  } cases[] = {
    { "1 2 + 3 4 + 5 6 + 7 8 + 0.5", { 0x3f80, 0x4040, 0x40a0, 0x40e0 },
        { 0x4000, 0x4080, 0x40c0, 0x4100 }, 0x3f000000, 0x42c90000 },
    /* in the order of k the 1s would be lost in 2^24 */
    { "even and odd values are summed apart",
        { 0x4b80, 0x3f80, 0xcb80, 0x3f80 }, { 0x3f80, 0x3f80, 0x3f80, 0x3f80 },
        0, 0x40000000 },
    { "ties go to even", { 0x4b80, 0x3f80, 0, 0 }, { 0x3f80, 0x3f80, 0, 0 }, 0,
        0x4b800000 },
    { "denormal values are zeros", { 0x0040, 0, 0, 0 }, { 0x7f00, 0, 0, 0 }, 0,
        0 },
    { "denormal products are zeros", { 0x0080, 0, 0, 0 }, { 0x3f00, 0, 0, 0 },
        0, 0 },
    { "denormal sums are zeros", { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, 0x00400000,
        0 },
    { "infinity times zero", { 0x7f80, 0, 0, 0 }, { 0, 0, 0, 0 }, 0,
        0x7fc00000 },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t result = dot_bf16 (cases[i].a, cases[i].b, cases[i].c);

    test_name ("TDPBF16PS: %s", cases[i].what);
    test_check ((result & 0x7fffffff) == cases[i].expected,
        "0x%08x, not 0x%08x", result, cases[i].expected);
  }
}

static void
use_unconfigured (Config *config)
{
  amx_emulation_zero (0);
}

static void
use_released (Config *config)
{
  configure (config);
  amx_emulation_release ();
  amx_emulation_zero (0);
}

static void
use_missing_tile (Config *config)
{
  configure (config);
  amx_emulation_zero (3);
}

static void
use_tile_twice (Config *config)
{
  configure (config);
  amx_emulation_dpbssd (0, 1, 1);
}

static void
differ_in_rows (Config *config)
{
  config->rows[1]--;
  configure (config);
  amx_emulation_dpbssd (0, 1, 2);
}

static void
differ_in_columns (Config *config)
{
  config->row_bytes[2] -= 4;
  configure (config);
  amx_emulation_dpbf16ps (0, 1, 2);
}

static void
differ_in_depth (Config *config)
{
  config->rows[2]--;
  configure (config);
  amx_emulation_dpbf16ps (0, 1, 2);
}

static void
configure_other_palette (Config *config)
{
  config->palette = 2;
  configure (config);
}

static void
configure_17_rows (Config *config)
{
  config->rows[0] = 17;
  configure (config);
}

static void
configure_rows_without_bytes (Config *config)
{
  config->row_bytes[0] = 0;
  configure (config);
}

/* What faults on a processor must end the emulation: in a child. */
static void
check_fault (const char *what, void (*cause) (Config *config))
{
  Config config = config_of (8, 8, 8);
  int status = 0;
  pid_t child;

  test_name ("emulated fault: %s", what);
  fflush (NULL);
  child = fork ();
  if (child == 0) {
    if (!freopen ("/dev/null", "w", stderr))
      _exit (EXIT_FAILURE);
    cause (&config);
    _exit (EXIT_SUCCESS);
  }
  test_check (child > 0 && waitpid (child, &status, 0) == child
                  && WIFSIGNALED (status) && WTERMSIG (status) == SIGABRT,
      "status 0x%x", (unsigned) status);
}

static void
check_emulation (void)
{
  check_int8_tiles (16, 16, 16);
  check_int8_tiles (1, 1, 1);
  for (int i = 0; i < 20; i++)
    check_int8_tiles (1 + (unsigned) test_random_below (16),
        1 + (unsigned) test_random_below (16),
        1 + (unsigned) test_random_below (16));
  check_bf16_tiles ();
  check_fault ("no configuration", use_unconfigured);
  check_fault ("released", use_released);
  check_fault ("a tile without rows", use_missing_tile);
  check_fault ("a tile twice", use_tile_twice);
  check_fault ("rows", differ_in_rows);
  check_fault ("columns", differ_in_columns);
  check_fault ("depth", differ_in_depth);
  check_fault ("palette", configure_other_palette);
  check_fault ("17 rows", configure_17_rows);
  check_fault ("rows without bytes", configure_rows_without_bytes);
}

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

/* Scores in log2 units that bf16 holds exactly, below 256: q = ln 2 in one column, and the
 * score in k's. */
static void
check_scores (const NpuAttention *attention, const float *scores, size_t n)
{
  float *k = calloc (n * HEAD, sizeof *k), *v = calloc (n * HEAD, sizeof *v);
  float q[2 * HEAD] = { 0.0f }, out[2 * HEAD];
  Guarded packed_memory, scratch_memory;
  void *packed = guarded_alloc (
      &packed_memory, attention->packed_bytes (n), NPU_ALIGNMENT);
  void *scratch =
      guarded_alloc (&scratch_memory, attention->scratch_bytes, NPU_ALIGNMENT);
  double highest = -INFINITY, total = 0.0, sum = 0.0, size = 0.0;

  q[0] = 0.693147181f; /* the second query's scores are all 0 */
  for (size_t i = 0; i < n; i++) {
    k[i * HEAD] = scores[i];
    v[i * HEAD] = test_random_float (2.0f);
    highest = fmax (highest, scores[i]);
  }
  for (size_t i = 0; i < n; i++) {
    double weight = exp2 (scores[i] - highest);

    total += weight;
    sum += weight * v[i * HEAD];
    size += weight * fabs (v[i * HEAD]);
  }
  attention->pack (k, v, HEAD, n, packed);
  attention->attend (q, HEAD, 2, packed, n, out, HEAD, scratch);
  test_check (!amx_emulation_in_use (), "the tiles were not released");
  test_check (fabs (out[0] - sum / total) <= 0x1.1p-7 * size / total,
      "%.9g, not %.9g", (double) out[0], sum / total);
  sum = size = 0.0;
  for (size_t i = 0; i < n; i++) {
    sum += v[i * HEAD];
    size += fabs (v[i * HEAD]);
  }
  test_check (fabs (out[HEAD] - sum / (double) n) <= 0x1p-8 * size / (double) n,
      "flat: %.9g, not %.9g", (double) out[HEAD], sum / (double) n);
  guarded_free (&packed_memory);
  guarded_free (&scratch_memory);
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
  check_emulation ();
  check_products (&kernels);
  check_attention (&kernels);
  check_burn (&kernels);
  if (test_check (pthread_create (&thread, NULL, run_in_thread, &kernels) == 0,
          "no thread"))
    pthread_join (thread, NULL);
  return test_result ();
}
