/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* layernorm.c: LayerNorm of rows (refnorm.h).  @out may be @x. */
#include "refnorm.h"

static void
layernorm (const float *x, size_t ldx, size_t rows, size_t d,
    const float *gamma, const float *beta, float *out, size_t ldo)
{
  for (size_t r = 0; r < rows; r++)
    npu_ref_layernorm_row (x + r * ldx, d, gamma, beta, out + r * ldo);
}

void
npu_ref_layernorm_init (NpuKernels *kernels)
{
  kernels->layernorm = layernorm;
}
