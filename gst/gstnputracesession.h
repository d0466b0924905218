/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputracesession.h: the trace that is being made, if one is: its file, and
 * the lanes of each element that has something in it.  Any thread.
 */
#ifndef GST_NPU_TRACE_SESSION_H
#define GST_NPU_TRACE_SESSION_H

#include "gstnputracelanes.h"

G_BEGIN_DECLS

gboolean gst_npu_trace_session_is_open (void);
/* Takes over @file; none may be open. */
void gst_npu_trace_session_begin (GstNpuTraceFile *file);
/* Also at the process's end.  Does nothing if none is open. */
void gst_npu_trace_session_end (void);

/* Those of @element, made if need be, for this thread alone until release();
 * NULL, with nothing to release, if there is no trace. */
GstNpuTraceLanes *gst_npu_trace_session_get_lanes (GstElement *element);
void gst_npu_trace_session_release (void);

G_END_DECLS
#endif /* GST_NPU_TRACE_SESSION_H */
