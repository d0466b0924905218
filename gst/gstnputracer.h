/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_NPU_TRACER_H
#define GST_NPU_TRACER_H

#include <gst/gst.h>
#include <gst/gsttracer.h>

G_BEGIN_DECLS

#define GST_TYPE_NPU_TRACER (gst_npu_tracer_get_type ())
G_DECLARE_FINAL_TYPE (GstNpuTracer, gst_npu_tracer, GST, NPU_TRACER, GstTracer)

G_END_DECLS
#endif /* GST_NPU_TRACER_H */
