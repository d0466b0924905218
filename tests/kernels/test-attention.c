/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-attention.c: attention of every table against softmax (Q K^T) V as it is
 * written, in double precision.
 *
 * Bound: a score s has an error of at most e = 2^-24 16 sum |q k|, which makes
 * a weight wrong by the factor e^e; with the exponential's own error and the
 * sums', an output is within (e^(2 e_max) - 1 + 4e-6) times the weighted |v|.
 */
#include "testutil.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD NPU_HEAD_SIZE
#define MAX_KEYS 1500

static const size_t key_counts[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33,
  63, 64, 65, 127, 128, 129, 150, 250, 255, 257, 500, 1024, 1499, 1500 };

/* What a score's error is of sum |q k| and of int8's, and what the rest adds. */
typedef struct {
  double score, steps, rest;
} Accuracy;

static char table[64]; /* being tested */
static const Accuracy *accuracy;

typedef struct {
  size_t n_queries, n_keys, ld, ldo;
  Guarded q_memory, k_memory, v_memory, packed_memory, scratch_memory,
      out_memory;
  float *q, *k, *v, *out;
  void *packed, *scratch;
} Case;

static void
case_init (Case *data, const NpuAttention *attention, size_t n_queries,
    size_t n_keys, float scale)
{
  size_t ld = HEAD + test_random_below (2) * 5;
  size_t ldo = HEAD + test_random_below (2) * 3;

  *data =
      (Case){ .n_queries = n_queries, .n_keys = n_keys, .ld = ld, .ldo = ldo };
  data->q = guarded_floats (&data->q_memory, (n_queries - 1) * ld + HEAD);
  data->k = guarded_floats (&data->k_memory, (n_keys - 1) * ld + HEAD);
  data->v = guarded_floats (&data->v_memory, (n_keys - 1) * ld + HEAD);
  data->packed = guarded_alloc (
      &data->packed_memory, attention->packed_bytes (n_keys), NPU_ALIGNMENT);
  data->scratch = guarded_alloc (
      &data->scratch_memory, attention->scratch_bytes, NPU_ALIGNMENT);
  data->out = guarded_floats (&data->out_memory, (n_queries - 1) * ldo + HEAD);
  test_fill_random (data->q, (n_queries - 1) * ld + HEAD, scale);
  test_fill_random (data->k, (n_keys - 1) * ld + HEAD, 1.0f);
  test_fill_random (data->v, (n_keys - 1) * ld + HEAD, 2.0f);
  attention->pack (data->k, data->v, ld, n_keys, data->packed);
}

static void
case_clear (Case *data)
{
  test_check (guarded_intact (&data->packed_memory), "packed keys overrun");
  test_check (guarded_intact (&data->scratch_memory), "scratch overrun");
  test_check (guarded_intact (&data->out_memory), "output overrun");
  guarded_free (&data->q_memory);
  guarded_free (&data->k_memory);
  guarded_free (&data->v_memory);
  guarded_free (&data->packed_memory);
  guarded_free (&data->scratch_memory);
  guarded_free (&data->out_memory);
}

/* Half a step of int8 in every value of a query and a key: what that changes in
 * their product at most. */
static double
quantization_error (const Case *data, const float *q, size_t key)
{
  const float *k = data->k + key * data->ld;
  double q_sum = 0.0, k_sum = 0.0, q_largest = 0.0, k_largest = 0.0;

  for (size_t i = 0; i < HEAD; i++) {
    q_sum += fabs (q[i]);
    k_sum += fabs (k[i]);
    q_largest = fmax (q_largest, fabs (q[i]));
    k_largest = fmax (k_largest, fabs (k[i]));
  }
  return (q_sum * k_largest + k_sum * q_largest) / 254.0;
}

/* The weights of one query, not normalised; returns the bound's factor. */
static double
weigh (const Case *data, const float *q, double *weights)
{
  double highest = -INFINITY, error = 0.0;

  for (size_t key = 0; key < data->n_keys; key++) {
    double score = 0.0, size = 0.0;

    for (size_t i = 0; i < HEAD; i++) {
      double product = (double) q[i] * data->k[key * data->ld + i];

      score += product;
      size += fabs (product);
    }
    weights[key] = score;
    highest = fmax (highest, score);
    error = fmax (error, accuracy->score * size);
    error = fmax (error, accuracy->steps * quantization_error (data, q, key));
  }
  for (size_t key = 0; key < data->n_keys; key++)
    weights[key] = exp (weights[key] - highest);
  return expm1 (2.0 * error) + accuracy->rest;
}

static void
compare_query (const Case *data, size_t row)
{
  double weights[MAX_KEYS], total = 0.0;
  double factor = weigh (data, data->q + row * data->ld, weights);

  for (size_t key = 0; key < data->n_keys; key++)
    total += weights[key];
  for (size_t i = 0; i < HEAD; i++) {
    double sum = 0.0, size = 0.0, value = data->out[row * data->ldo + i];

    for (size_t key = 0; key < data->n_keys; key++) {
      double product = weights[key] * data->v[key * data->ld + i];

      sum += product;
      size += fabs (product);
    }
    /* Weights below 2^-125 may count as none. */
    test_check (fabs (value - sum / total) <= factor * size / total + 1e-30,
        "query %zu column %zu is %.9g, not %.9g (bound %.2g)", row, i, value,
        sum / total, factor * size / total);
  }
}

/* Rows of integers of -127 … 127, one of these among them, times a power of two
 * of 2^low … 2^high for each row: exact in every format. */
static void
fill_exact (float *x, size_t rows, size_t ld, int low, int high)
{
  for (size_t r = 0; r < rows; r++, x += ld) {
    int exponent = low + (int) test_random_below ((size_t) (high - low + 1));

    for (size_t i = 0; i < HEAD; i++)
      x[i] = ldexpf ((float) test_random_below (255) - 127.0f, exponent);
    x[test_random_below (HEAD)] =
        ldexpf (test_random_below (2) ? 127.0f : -127.0f, exponent);
  }
}

/* With inputs that quantise without an error, the scores must be right and not
 * only near: scales that are mixed up, or left out, show. */
static void
check_exact (const NpuAttention *attention, size_t n_queries, size_t n_keys)
{
  const Accuracy exact = { 0x1p-20, 0.0, accuracy->rest };
  const Accuracy *before = accuracy;
  Case data;

  test_name ("%s exact queries=%zu keys=%zu", table, n_queries, n_keys);
  accuracy = &exact;
  case_init (&data, attention, n_queries, n_keys, 1.0f);
  fill_exact (data.q, n_queries, data.ld, -14, -9);
  fill_exact (data.k, n_keys, data.ld, -4, 0);
  fill_exact (data.v, n_keys, data.ld, -6, -6);
  attention->pack (data.k, data.v, data.ld, n_keys, data.packed);
  attention->attend (data.q, data.ld, n_queries, data.packed, n_keys, data.out,
      data.ldo, data.scratch);
  for (size_t row = 0; row < n_queries; row++)
    compare_query (&data, row);
  case_clear (&data);
  accuracy = before;
}

static void
check_case (
    const NpuAttention *attention, size_t n_queries, size_t n_keys, float scale)
{
  Case data;
  size_t rows;

  test_name ("%s attention queries=%zu keys=%zu scale=%g", table, n_queries,
      n_keys, (double) scale);
  case_init (&data, attention, n_queries, n_keys, scale);
  attention->attend (data.q, data.ld, n_queries, data.packed, n_keys, data.out,
      data.ldo, data.scratch);
  for (size_t row = 0; row < n_queries; row++) {
    compare_query (&data, row);
    for (size_t i = HEAD; i < data.ldo && row + 1 < n_queries; i++)
      test_check (test_is_untouched (data.out[row * data.ldo + i]),
          "wrote behind row %zu", row);
  }
  for (size_t row = 0; row < n_queries; row += rows) {
    float part[100 * HEAD];

    rows = 1 + test_random_below (n_queries - row);
    attention->attend (data.q + row * data.ld, data.ld, rows, data.packed,
        n_keys, part, HEAD, data.scratch);
    for (size_t i = 0; i < rows; i++)
      test_check (memcmp (part + i * HEAD, data.out + (row + i) * data.ldo,
                      HEAD * sizeof (float))
                      == 0,
          "query %zu of another cut differs", row + i);
  }
  case_clear (&data);
}

/*
 * Two keys with the scores 0 and x and the values 0 and 1: out = 1 / (1 + e^-x)
 * shows the exponential alone.  Its relative error: 4e-7 + 2^-23 |x|.
 */
static void
check_exponential (const NpuAttention *attention)
{
  float q[HEAD] = { 0.0f }, k[2 * HEAD] = { 0.0f }, v[2 * HEAD] = { 0.0f };
  float out[HEAD];
  Guarded packed_memory, scratch_memory;
  void *packed = guarded_alloc (
      &packed_memory, attention->packed_bytes (2), NPU_ALIGNMENT);
  void *scratch =
      guarded_alloc (&scratch_memory, attention->scratch_bytes, NPU_ALIGNMENT);

  test_name ("%s exponential", table);
  k[HEAD] = 1.0f;
  v[HEAD] = 1.0f;
  attention->pack (k, v, HEAD, 2, packed);
  for (int i = 0; i < 20000; i++) {
    double expected, bound;

    q[0] = test_random_float (i % 2 ? 80.0f : 3.0f);
    expected = 1.0 / (1.0 + exp (-(double) q[0]));
    bound = expected * (4e-7 + 0x1p-23 * fabs (q[0]));
    attention->attend (q, HEAD, 1, packed, 2, out, HEAD, scratch);
    test_check (fabs (out[0] - expected) <= bound,
        "exp (%.9g) leads to %.9g, not %.9g", (double) q[0], (double) out[0],
        expected);
  }
  guarded_free (&packed_memory);
  guarded_free (&scratch_memory);
}

/* bf16 rounds each value to 8 bits: a score s is wrong by up to 2^-7 sum |q k|
 * (two roundings of 2^-8), a weight and a value by 2^-8 each. */
static const Accuracy accuracies[NPU_N_FORMATS] = {
  [NPU_FORMAT_F32] = { 0x1p-24 * 16.0, 0.0, 4e-6 },
  [NPU_FORMAT_BF16] = { 0x1.02p-7, 0.0, 0x1.1p-7 },
  [NPU_FORMAT_INT8] = { 0x1.02p-7, 1.02, 0x1.1p-7 },
};

static void
check_format (const NpuAttention *attention)
{
  float nothing;

  memset (&nothing, 0xff, sizeof nothing);
  test_name ("%s attention of no queries", table);
  attention->attend (NULL, HEAD, 0, NULL, 1, &nothing, HEAD, NULL);
  test_check (test_is_untouched (nothing), "wrote");
  for (size_t i = 0; i < sizeof key_counts / sizeof key_counts[0]; i++) {
    /* flat, sharp and hard softmax: logits of about 1, 10 and 60 */
    check_case (attention, 1 + test_random_below (14), key_counts[i], 0.3f);
    check_case (attention, 1 + test_random_below (14), key_counts[i], 3.0f);
    check_case (attention, 1, key_counts[i], 20.0f);
    check_exact (attention, 1 + test_random_below (14), key_counts[i]);
  }
  for (size_t queries = 45; queries <= 100; queries += 11)
    check_case (attention, queries, 140, 1.0f);
}

static void
check (const NpuKernels *c, const NpuKernels *kernels)
{
  static const char *const names[] = { "f32", "bf16", "int8" };

  for (int format = 0; format < NPU_N_FORMATS; format++) {
    snprintf (table, sizeof table, "%s %s", kernels->isa, names[format]);
    accuracy = &accuracies[format];
    if (format == NPU_FORMAT_F32)
      check_exponential (&kernels->attention[format]);
    check_format (&kernels->attention[format]);
  }
}

int
main (void)
{
  npu_cpu_enter_float_mode ();
  test_each_isa (check);
  return test_result ();
}
