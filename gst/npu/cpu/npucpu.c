/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npucpu.c: the CPU as a device: its kernels, its worker pool, log-mel. */
#include "npucpu.h"

#include <gio/gio.h>
#include <gst/gst.h>

static void
cpu_free (NpuBackend *base)
{
  NpuCpuBackend *backend = (NpuCpuBackend *) base;

  npu_pool_free (backend->pool);
  g_free (base->description);
  g_free (backend);
}

/* A few frames take microseconds: no worker is worth waking. */
static gboolean
cpu_mel (NpuBackend *base, const NpuMelPlan *plan, const gfloat *samples,
    gsize n_frames, gfloat *out, GError **error)
{
  NpuCpuBackend *backend = (NpuCpuBackend *) base;
  guint32 mode = npu_cpu_enter_float_mode ();

  backend->kernels.mel (plan, samples, n_frames, out);
  npu_cpu_leave_float_mode (mode);
  return TRUE;
}

static NpuUse
cpu_get_use (NpuBackend *backend)
{
  NpuPoolUse use = npu_pool_get_use (((NpuCpuBackend *) backend)->pool);

  return (NpuUse){ use.n_turns, use.wait_ns, use.n_waiting };
}

static gboolean
cpu_wait (NpuWindow *window, GError **error)
{
  return TRUE;
}

static const NpuBackendOps cpu_ops = {
  .name = "cpu",
  .is_hardware = FALSE,
  .free = cpu_free,
  .program_new = npu_cpu_program_new,
  .program_free = npu_cpu_program_free,
  .window_new = npu_cpu_window_new,
  .window_free = npu_cpu_window_free,
  .begin_window = npu_cpu_begin_window,
  .conv_stem = npu_cpu_conv_stem,
  .ln_qkv = npu_cpu_ln_qkv,
  .attention = npu_cpu_attention,
  .out_residual = npu_cpu_out_residual,
  .ln_fc1_gelu = npu_cpu_ln_fc1_gelu,
  .fc2_residual = npu_cpu_fc2_residual,
  .final_norm = npu_cpu_final_norm,
  .submit = npu_cpu_submit,
  .wait = cpu_wait,
  .mel = cpu_mel,
  .get_use = cpu_get_use,
};

static void
set_isa_error (const gchar *isa, GError **error)
{
  gchar *known = g_strjoinv (", ", (gchar **) npu_kernels_isas ());

  g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
      "The instruction set \"%s\" (NPU_ISA) is unknown, or this processor "
      "lacks it; known are %s",
      isa, known);
  g_free (known);
}

NpuBackend *
npu_cpu_backend_new (const gchar *isa, GError **error)
{
  NpuCpuBackend *backend = g_new0 (NpuCpuBackend, 1);

  if (npu_kernels_init (&backend->kernels, npu_cpu_flags (), isa) != 0) {
    set_isa_error (isa, error);
    g_free (backend);
    return NULL;
  }
  backend->default_threads = npu_cpu_threads ();
  backend->pool = npu_pool_new (backend->default_threads);
  if (backend->pool == NULL) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
        "Out of memory for the worker threads");
    g_free (backend);
    return NULL;
  }
  backend->parent.ops = &cpu_ops;
  /* Without fast bf16 products, bf16 is float32 with smaller weights, and no
   * faster; int8 does not meet the gate. */
  backend->parent.auto_precision =
      backend->kernels.bf16_is_fast ? NPU_PRECISION_BF16 : NPU_PRECISION_F32;
  backend->parent.description = g_strdup_printf (
      "%s, %u threads", backend->kernels.isa, backend->default_threads);
  return &backend->parent;
}
