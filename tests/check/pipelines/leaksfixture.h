/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* leaksfixture.h: no GStreamer object may be left behind (GST_TRACERS=leaks). */
#ifndef LEAKS_FIXTURE_H
#define LEAKS_FIXTURE_H

#include <gst/gst.h>

G_BEGIN_DECLS

gboolean leaks_tracer_is_on (void);

/* Runs @cycle twice.  What the first run leaves behind may be meant to stay
 * (the clock, the task pool); what the second one adds may not. */
void leaks_check (void (*cycle) (void));

G_END_DECLS
#endif /* LEAKS_FIXTURE_H */
