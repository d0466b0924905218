/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucpusmooth.h: even ranges for int8, from the weights alone. */
#ifndef NPU_CPU_SMOOTH_H
#define NPU_CPU_SMOOTH_H

#include "npucpu.h"

G_BEGIN_DECLS

/* scale[j], what channel j of a left side is to be divided by, and the weights
 * that it meets multiplied by, given the sizes of both. */
void npu_cpu_smooth_balance (
    const float *activation, const float *weight, gsize n, float *scale);

/* size[j] of the weights that meet channel j: begin with zeros, add all rows. */
void npu_cpu_smooth_add_row (const float *row, gsize n, float *size);

/* Sizes of LayerNorm's results. */
void npu_cpu_smooth_norm_size (const NpuCpuNorm *norm, gsize n, float *size);

G_END_DECLS
#endif /* NPU_CPU_SMOOTH_H */
