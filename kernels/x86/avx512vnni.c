/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* avx512vnni.c: the int8 kernels for AVX-512 VNNI; the others are those of
 * AVX-512. */
#include "int8avx512vnni.h"
#include "vecint8kernels.h"

void
npu_avx512vnni_init (NpuKernels *kernels)
{
  vec_int8_kernels_init (kernels);
}
