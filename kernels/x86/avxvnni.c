/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* avxvnni.c: the int8 kernels for AVX-VNNI; the others are those of AVX2. */
#include "int8avxvnni.h"
#include "vecint8kernels.h"

void
npu_avxvnni_init (NpuKernels *kernels)
{
  vec_int8_kernels_init (kernels);
}
