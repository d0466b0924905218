/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* avx2.c: the kernels for AVX2, FMA and F16C. */
#include "int8avx2.h"
#include "veckernels.h"

void
npu_avx2_init (NpuKernels *kernels)
{
  vec_kernels_init (kernels);
}
