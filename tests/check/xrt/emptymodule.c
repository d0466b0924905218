/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * emptymodule.c: a module for XRT that can do nothing; of which interface,
 * MODULE_VERSION says.
 */
#include "npuxrt.h"

const NpuXrtApi *npu_xrt_get_api (void);

const NpuXrtApi *
npu_xrt_get_api (void)
{
  static const NpuXrtApi api = { .version = MODULE_VERSION, .xrt = "none" };

  return &api;
}
