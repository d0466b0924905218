/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* avx512.c: the kernels for 512-bit vectors of AVX-512 F, BW, CD, DQ and VL. */
#include "int8avx512.h"
#include "veckernels.h"

void
npu_avx512_init (NpuKernels *kernels)
{
  vec_kernels_init (kernels);
}
