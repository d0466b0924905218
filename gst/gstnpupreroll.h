/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnpupreroll.h: sinks of live pipelines that need not wait for a window. */
#ifndef GST_NPU_PREROLL_H
#define GST_NPU_PREROLL_H

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

/* In a live pipeline, lets the sinks behind @trans preroll and tell their
 * latency before there is a buffer.  To be called when the first audio comes,
 * and not in the handler of an event: a live source holds a lock then that its
 * next state change needs, while a paused sink waits here. */
void gst_npu_preroll (GstBaseTransform *trans);

G_END_DECLS
#endif /* GST_NPU_PREROLL_H */
