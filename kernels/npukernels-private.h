/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npukernels-private.h: what fills the table, best last.
 *
 * Each kind of operation in kernels/ref/ sets its own entries; an instruction
 * set's init overrides those that it has faster code for.
 */
#ifndef NPU_KERNELS_PRIVATE_H
#define NPU_KERNELS_PRIVATE_H

#include "npukernels.h"

void npu_ref_convert_init (NpuKernels *kernels);
void npu_ref_mel_init (NpuKernels *kernels);
void npu_ref_layernorm_init (NpuKernels *kernels);
void npu_ref_gemm_init (NpuKernels *kernels);
void npu_ref_gemm_bf16_init (NpuKernels *kernels);
void npu_ref_gemm_int8_init (NpuKernels *kernels);
void npu_ref_attention_init (NpuKernels *kernels);

/* Parts of to_f32 that every table shares: the bits of one F16, and the
 * quantised types. */
float npu_ref_from_f16 (uint32_t half);
void npu_ref_dequantize (NpuDtype dtype, const void *in, size_t n, float *out);

/* Only where the build has them (NPU_HAVE_AVX2, …). */
void npu_avx2_init (NpuKernels *kernels);
void npu_avxvnni_init (NpuKernels *kernels);
void npu_avx512_init (NpuKernels *kernels);
void npu_avx512vnni_init (NpuKernels *kernels);
void npu_avx512bf16_init (NpuKernels *kernels);
void npu_amx_init (NpuKernels *kernels);

#endif /* NPU_KERNELS_PRIVATE_H */
