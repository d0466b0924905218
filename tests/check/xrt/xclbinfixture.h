/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xclbinfixture.h: a small xclbin that XRT takes, with one kernel whose
 * arguments are those of a kernel of mlir-aie.  It holds no design: nothing can
 * compute with it.
 */
#ifndef XCLBIN_FIXTURE_H
#define XCLBIN_FIXTURE_H

#include <glib.h>

/* The kernel's arguments, and the memory banks of its buffers. */
enum {
  XCLBIN_ARG_OPCODE, /* uint64 */
  XCLBIN_ARG_INSTRUCTIONS,
  XCLBIN_ARG_N_INSTRUCTIONS, /* uint32 */
  XCLBIN_ARG_IN,
  XCLBIN_ARG_OUT,
  XCLBIN_ARG_CONTROL, /* uint32, behind the last buffer */
  XCLBIN_N_ARGS
};
#define XCLBIN_DATA_BANK 0
#define XCLBIN_INSTRUCTIONS_BANK 1

GByteArray *xclbin_fixture_new (const gchar *kernel);

#endif /* XCLBIN_FIXTURE_H */
