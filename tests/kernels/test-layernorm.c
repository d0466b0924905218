/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-layernorm.c: LayerNorm of every table against its formula in double
 * precision, over awkward widths, at guard pages, in place, and cut by rows.
 *
 * Bound: 4e-7 (1 + |normalised|) |gamma| + 1e-7 (|gamma normalised| + |beta|),
 * where a mean far from zero adds what rounding it costs: 2^-23 |mean| / sigma.
 */
#include "testutil.h"

#include <math.h>
#include <string.h>

static const size_t widths[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64,
  65, 127, 384, 509, 512, 768, 1280 };

/* Checks one row. */
static void
compare (const float *x, size_t d, const float *gamma, const float *beta,
    const float *out)
{
  double mean = 0.0, variance = 0.0, sigma;

  for (size_t i = 0; i < d; i++)
    mean += x[i] / (double) d;
  for (size_t i = 0; i < d; i++)
    variance += (x[i] - mean) * (x[i] - mean) / (double) d;
  sigma = sqrt (variance + 1e-5);
  for (size_t i = 0; i < d; i++) {
    double normalised = (x[i] - mean) / sigma;
    double expected = normalised * gamma[i] + beta[i];
    double bound =
        fabs (gamma[i])
            * (4e-7 * (1.0 + fabs (normalised)) + 0x1p-23 * fabs (mean) / sigma)
        + 1e-7 * (fabs (normalised * gamma[i]) + fabs (beta[i]));

    test_check (fabs (out[i] - expected) <= bound,
        "column %zu is %.9g, not %.9g (bound %.2g)", i, (double) out[i],
        expected, bound);
  }
}

static void
check_size (
    const NpuKernels *kernels, size_t rows, size_t d, float scale, float offset)
{
  size_t ldx = d + test_random_below (5), ldo = d + test_random_below (5);
  Guarded x_memory, gamma_memory, beta_memory, out_memory;
  float *x = guarded_floats (&x_memory, (rows - 1) * ldx + d);
  float *gamma = guarded_floats (&gamma_memory, d);
  float *beta = guarded_floats (&beta_memory, d);
  float *out = guarded_floats (&out_memory, (rows - 1) * ldo + d);
  float again[1280];

  test_name ("%s layernorm rows=%zu d=%zu scale=%g offset=%g", kernels->isa,
      rows, d, (double) scale, (double) offset);
  test_fill_random (gamma, d, 3.0f);
  test_fill_random (beta, d, 1.0f);
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < d; i++)
      x[r * ldx + i] = test_random_float (scale) + offset;
  kernels->layernorm (x, ldx, rows, d, gamma, beta, out, ldo);
  for (size_t r = 0; r < rows; r++) {
    compare (x + r * ldx, d, gamma, beta, out + r * ldo);
    for (size_t i = d; i < ldo && r + 1 < rows; i++)
      test_check (test_is_untouched (out[r * ldo + i]), "wrote between rows");
    kernels->layernorm (x + r * ldx, ldx, 1, d, gamma, beta, again, d);
    test_check (memcmp (again, out + r * ldo, d * sizeof *out) == 0,
        "row %zu alone differs", r);
  }
  kernels->layernorm (x, ldx, rows, d, gamma, beta, x, ldx);
  for (size_t r = 0; r < rows; r++)
    test_check (memcmp (x + r * ldx, out + r * ldo, d * sizeof *out) == 0,
        "row %zu in place differs", r);
  test_check (guarded_intact (&out_memory), "output overrun");
  guarded_free (&x_memory);
  guarded_free (&gamma_memory);
  guarded_free (&beta_memory);
  guarded_free (&out_memory);
}

static void
check (const NpuKernels *c, const NpuKernels *kernels)
{
  float nothing;

  memset (&nothing, 0xff, sizeof nothing);
  test_name ("%s layernorm of no rows", kernels->isa);
  kernels->layernorm (NULL, 512, 0, 512, NULL, NULL, &nothing, 512);
  test_check (test_is_untouched (nothing), "wrote");
  for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
    check_size (kernels, 1, widths[i], 1.0f, 0.0f);
    check_size (kernels, 5, widths[i], 1e-3f, 0.0f);
    check_size (kernels, 3, widths[i], 500.0f, 10.0f);
    check_size (kernels, 2, widths[i], 1.0f, 100.0f);
  }
}

int
main (void)
{
  npu_cpu_enter_float_mode ();
  test_each_isa (check);
  return test_result ();
}
