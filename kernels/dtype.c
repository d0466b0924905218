/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dtype.c: how much room stored weights take. */
#include "npukernels.h"

/* Bytes of a block: its F16 scale (and minimum), its fifth bits, its values. */
static const struct {
  uint8_t values, bytes;
} blocks[] = {
  [NPU_DTYPE_F32] = { 1, 4 },
  [NPU_DTYPE_F16] = { 1, 2 },
  [NPU_DTYPE_BF16] = { 1, 2 },
  [NPU_DTYPE_Q4_0] = { 32, 2 + 16 },
  [NPU_DTYPE_Q4_1] = { 32, 2 + 2 + 16 },
  [NPU_DTYPE_Q5_0] = { 32, 2 + 4 + 16 },
  [NPU_DTYPE_Q5_1] = { 32, 2 + 2 + 4 + 16 },
  [NPU_DTYPE_Q8_0] = { 32, 2 + 32 },
};

size_t
npu_dtype_block (NpuDtype dtype)
{
  return blocks[dtype].values;
}

size_t
npu_dtype_bytes (NpuDtype dtype, size_t n)
{
  return n / blocks[dtype].values * blocks[dtype].bytes;
}
