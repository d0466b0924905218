/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstnputrace.c: where a tracer leaves its address. */
#include "gstnputrace.h"

_Atomic (const GstNpuTraceListener *) gst_npu_trace_listener;
