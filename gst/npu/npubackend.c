/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npubackend.c: the names of operations and precisions. */
#include "npubackend.h"

static const gchar *const op_names[NPU_N_OPS] = {
  [NPU_OP_CONV_STEM] = "conv-stem",
  [NPU_OP_LN_QKV] = "ln-qkv",
  [NPU_OP_ATTENTION] = "attention",
  [NPU_OP_OUT_RESIDUAL] = "out-residual",
  [NPU_OP_LN_FC1_GELU] = "ln-fc1-gelu",
  [NPU_OP_FC2_RESIDUAL] = "fc2-residual",
  [NPU_OP_FINAL_NORM] = "final-norm",
};

static const gchar *const precision_names[] = {
  [NPU_PRECISION_AUTO] = "auto",
  [NPU_PRECISION_F32] = "f32",
  [NPU_PRECISION_BF16] = "bf16",
  [NPU_PRECISION_INT8] = "int8",
};

const gchar *
npu_op_name (NpuOp op)
{
  return op_names[op];
}

const gchar *
npu_precision_name (NpuPrecision precision)
{
  return precision_names[precision];
}

gboolean
npu_precision_from_name (const gchar *name, NpuPrecision *precision)
{
  for (guint i = 0; i < G_N_ELEMENTS (precision_names); i++) {
    if (g_strcmp0 (name, precision_names[i]) == 0) {
      *precision = i;
      return TRUE;
    }
  }
  return FALSE;
}
