/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-attention.c: attention of every table against softmax (Q K^T) V as it is
 * written, in double precision.
 *
 * Bound: a score s has an error of at most e = 2^-24 16 sum |q k|, which makes
 * a weight wrong by the factor 1 + e; with the exponential's own error and the
 * sums', an output is within (2 e_max + 4e-6) times the weighted |v|.
 */
#include "testutil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAD NPU_HEAD_SIZE
#define MAX_KEYS 1500

static const size_t key_counts[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33,
  63, 64, 65, 127, 128, 129, 150, 250, 255, 257, 500, 1024, 1499, 1500 };

typedef struct {
  size_t n_queries, n_keys, ld, ldo;
  Guarded q_memory, k_memory, v_memory, packed_memory, scratch_memory,
      out_memory;
  float *q, *k, *v, *packed, *scratch, *out;
} Case;

static void
case_init (Case *data, const NpuKernels *kernels, size_t n_queries,
    size_t n_keys, float scale)
{
  size_t ld = HEAD + test_random_below (2) * 5;
  size_t ldo = HEAD + test_random_below (2) * 3;

  *data =
      (Case){ .n_queries = n_queries, .n_keys = n_keys, .ld = ld, .ldo = ldo };
  data->q = guarded_floats (&data->q_memory, (n_queries - 1) * ld + HEAD);
  data->k = guarded_floats (&data->k_memory, (n_keys - 1) * ld + HEAD);
  data->v = guarded_floats (&data->v_memory, (n_keys - 1) * ld + HEAD);
  data->packed = guarded_aligned (
      &data->packed_memory, kernels->attention_packed_floats (n_keys));
  data->scratch = guarded_aligned (
      &data->scratch_memory, kernels->attention_scratch_floats);
  data->out = guarded_floats (&data->out_memory, (n_queries - 1) * ldo + HEAD);
  test_fill_random (data->q, (n_queries - 1) * ld + HEAD, scale);
  test_fill_random (data->k, (n_keys - 1) * ld + HEAD, 1.0f);
  test_fill_random (data->v, (n_keys - 1) * ld + HEAD, 2.0f);
  kernels->attention_pack (data->k, data->v, ld, n_keys, data->packed);
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

/* The weights of one query, not normalised; returns the bound's factor. */
static double
weigh (const Case *data, const float *q, double *weights)
{
  double highest = -INFINITY, error = 0.0;

  for (size_t key = 0; key < data->n_keys; key++) {
    double score = 0.0, size = 0.0;

    for (size_t i = 0; i < HEAD; i++) {
      double product = (double)q[i] * data->k[key * data->ld + i];

      score += product;
      size += fabs (product);
    }
    weights[key] = score;
    highest = fmax (highest, score);
    error = fmax (error, 0x1p-24 * 16.0 * size);
  }
  for (size_t key = 0; key < data->n_keys; key++)
    weights[key] = exp (weights[key] - highest);
  return 2.0 * error + 4e-6;
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
    test_check (fabs (value - sum / total) <= factor * size / total,
        "query %zu column %zu is %.9g, not %.9g (bound %.2g)", row, i, value,
        sum / total, factor * size / total);
  }
}

static void
check_case (
    const NpuKernels *kernels, size_t n_queries, size_t n_keys, float scale)
{
  Case data;
  size_t rows;

  test_name ("%s attention queries=%zu keys=%zu scale=%g", kernels->isa,
      n_queries, n_keys, (double)scale);
  case_init (&data, kernels, n_queries, n_keys, scale);
  kernels->attention (data.q, data.ld, n_queries, data.packed, n_keys, data.out,
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
    kernels->attention (data.q + row * data.ld, data.ld, rows, data.packed,
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
check_exponential (const NpuKernels *kernels)
{
  float q[HEAD] = { 0.0f }, k[2 * HEAD] = { 0.0f }, v[2 * HEAD] = { 0.0f };
  float out[HEAD];
  Guarded packed_memory, scratch_memory;
  float *packed =
      guarded_aligned (&packed_memory, kernels->attention_packed_floats (2));
  float *scratch =
      guarded_aligned (&scratch_memory, kernels->attention_scratch_floats);

  test_name ("%s exponential", kernels->isa);
  k[HEAD] = 1.0f;
  v[HEAD] = 1.0f;
  kernels->attention_pack (k, v, HEAD, 2, packed);
  for (int i = 0; i < 20000; i++) {
    double expected, bound;

    q[0] = test_random_float (i % 2 ? 80.0f : 3.0f);
    expected = 1.0 / (1.0 + exp (-(double)q[0]));
    bound = expected * (4e-7 + 0x1p-23 * fabs (q[0]));
    kernels->attention (q, HEAD, 1, packed, 2, out, HEAD, scratch);
    test_check (fabs (out[0] - expected) <= bound,
        "exp (%.9g) leads to %.9g, not %.9g", (double)q[0], (double)out[0],
        expected);
  }
  guarded_free (&packed_memory);
  guarded_free (&scratch_memory);
}

static void
check (const NpuKernels *c, const NpuKernels *kernels)
{
  float nothing;

  memset (&nothing, 0xff, sizeof nothing);
  test_name ("%s attention of no queries", kernels->isa);
  kernels->attention (NULL, HEAD, 0, NULL, 1, &nothing, HEAD, NULL);
  test_check (test_is_untouched (nothing), "wrote");
  check_exponential (kernels);
  for (size_t i = 0; i < sizeof key_counts / sizeof key_counts[0]; i++) {
    /* flat, sharp and hard softmax: logits of about 1, 10 and 60 */
    check_case (kernels, 1 + test_random_below (14), key_counts[i], 0.3f);
    check_case (kernels, 1 + test_random_below (14), key_counts[i], 3.0f);
    check_case (kernels, 1, key_counts[i], 20.0f);
  }
  for (size_t queries = 45; queries <= 100; queries += 11)
    check_case (kernels, queries, 140, 1.0f);
}

int
main (void)
{
  npu_cpu_enter_float_mode ();
  test_each_isa (check);
  return test_result ();
}
