/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrtmodule.h: finds and opens the bridge to XRT (npuxrt.h).
 */
#ifndef NPU_XRT_MODULE_H
#define NPU_XRT_MODULE_H

#include <glib.h>

#include "npuxrt.h"

G_BEGIN_DECLS

#define NPU_XRT_MODULE_ERROR (npu_xrt_module_error_quark ())
GQuark npu_xrt_module_error_quark (void);

typedef enum {
  NPU_XRT_MODULE_ERROR_MISSING, /* there is no such file: built without XRT */
  NPU_XRT_MODULE_ERROR_LOAD,    /* it cannot be loaded, or is something else */
  NPU_XRT_MODULE_ERROR_VERSION  /* it is of another build of gst-npu */
} NpuXrtModuleError;

/*
 * Opens the module that NPU_XRT_MODULE in the environment names (for tests), or
 * else the installed one.  To be called when a device is wanted, never while
 * plugins are scanned: it brings XRT into the process, for good.  XRT leaves
 * threads and exit handlers behind, so a module that was opened is never
 * unloaded and the table is valid for ever; opening it again costs little.
 *
 * Any thread.  NULL with @error, whose text says what the user can do.
 */
const NpuXrtApi *npu_xrt_module_open (GError **error);

G_END_DECLS
#endif /* NPU_XRT_MODULE_H */
