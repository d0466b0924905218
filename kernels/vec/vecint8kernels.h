/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vecint8kernels.h: the int8 kernels of kernels/vec/ alone, for the vectors that
 * have been included before.
 */
#ifndef NPU_VECINT8KERNELS_H
#define NPU_VECINT8KERNELS_H

#include "npukernels-private.h"

#include <string.h>

#include "vecmath.h"
#include "veclayernorm.h"
#include "vecfinish.h"
#include "vecgemm.h"
#include "vecgemmint8.h"
#include "vecattention.h"
#include "vecattentionint8.h"

static inline void
vec_int8_kernels_init (NpuKernels *kernels)
{
  vec_gemm_int8_init (kernels);
  vec_attention_int8_init (kernels);
}

#endif /* NPU_VECINT8KERNELS_H */
