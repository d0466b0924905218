/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xrtfixture.h: the bridge over a real XRT library that only pretends to have a
 * device: its emulation "noop" takes every command and does nothing.
 */
#ifndef XRT_FIXTURE_H
#define XRT_FIXTURE_H

#include <gst/check/gstcheck.h>

#include "npuxrtmodule.h"
#include "xclbinfixture.h"

G_BEGIN_DECLS

#define XRT_KERNEL "MLIR_AIE"
#define XRT_BUFFER_BYTES 4096

typedef struct {
  const NpuXrtApi *api;
  NpuXrtError error; /* of the last call */
  GByteArray *xclbin;
  NpuXrtDevice *device;
  NpuXrtContext *context;
  NpuXrtKernel *kernel;
  NpuXrtBuffer *instructions, *in, *out;
} Xrt;

/* Everything up to the buffers; back again, each in order. */
void xrt_init (Xrt *f);
void xrt_clear (Xrt *f);

/* A run with all arguments set. */
NpuXrtRun *xrt_run_new (Xrt *f);

/* @code is what the bridge returned last. */
void xrt_check_ok (const Xrt *f, gint code);
/* The bridge itself said no, with @wanted, and a text that has @part in it. */
void xrt_check_refused (
    const Xrt *f, gint code, gint wanted, const gchar *part);

/* For main(): a place where XRT finds its emulation, in which a command takes
 * @delay_ms, while the tests run.  77, with the reason, where there is none. */
gint xrt_main (gint argc, gchar **argv, Suite *(*make_suite) (void),
    const gchar *name, guint delay_ms);

G_END_DECLS
#endif /* XRT_FIXTURE_H */
