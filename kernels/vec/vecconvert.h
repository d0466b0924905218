/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vecconvert.h: weights as files store them, to float (ref/convert.c). */
#ifndef NPU_VECCONVERT_H
#define NPU_VECCONVERT_H

#include <string.h>

/* F16 or BF16.  The last values are copied, so that no byte beyond them is
 * read. */
static void
to_f32_from_16 (const uint8_t *in, size_t n, float *out, int is_half)
{
  uint16_t last[VEC_LANES] = { 0 };
  size_t i = 0;
  vec v;

  for (; i + VEC_LANES <= n; i += VEC_LANES) {
    v = is_half ? vec_load_f16 (in + 2 * i) : vec_load_bf16 (in + 2 * i);
    vec_store (out + i, v);
  }
  if (i == n)
    return;
  memcpy (last, in + 2 * i, 2 * (n - i));
  v = is_half ? vec_load_f16 (last) : vec_load_bf16 (last);
  vec_store_n (out + i, v, n - i);
}

static void
to_f32 (NpuDtype dtype, const void *in, size_t n, float *out)
{
  switch (dtype) {
    case NPU_DTYPE_F32:
      if (n > 0)
        memcpy (out, in, n * sizeof *out);
      break;
    case NPU_DTYPE_F16:
      to_f32_from_16 (in, n, out, 1);
      break;
    case NPU_DTYPE_BF16:
      to_f32_from_16 (in, n, out, 0);
      break;
    default:
      npu_ref_dequantize (dtype, in, n, out);
  }
}

#endif /* NPU_VECCONVERT_H */
