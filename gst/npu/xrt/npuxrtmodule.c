/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrtmodule.c: finds and opens the bridge to XRT.  It is a module so that
 * neither the library nor the plugin links to XRT, and both load without it.
 */
#include "npuxrtmodule.h"

#include <gmodule.h>

#define MODULE_NAME "libgstnpu-xrt.so"

G_DEFINE_QUARK (npu_xrt_module_error, npu_xrt_module_error)

static gchar *
get_path (void)
{
  const gchar *path = g_getenv ("NPU_XRT_MODULE");

  if (path != NULL && *path != '\0')
    return g_strdup (path);
  return g_build_filename (NPU_PKGLIBDIR, MODULE_NAME, NULL);
}

/* The module's table, if it is one of ours. */
static const NpuXrtApi *
get_api (GModule *module, const gchar *path, GError **error)
{
  gpointer entry;
  const NpuXrtApi *api;

  if (!g_module_symbol (module, NPU_XRT_ENTRY, &entry)) {
    g_set_error (error, NPU_XRT_MODULE_ERROR, NPU_XRT_MODULE_ERROR_LOAD,
        "%s is not gst-npu's module for XRT: it has no " NPU_XRT_ENTRY
        "; unset NPU_XRT_MODULE or install gst-npu again",
        path);
    return NULL;
  }
  api = ((NpuXrtGetApi) entry) ();
  if (api->version != NPU_XRT_VERSION) {
    g_set_error (error, NPU_XRT_MODULE_ERROR, NPU_XRT_MODULE_ERROR_VERSION,
        "%s is of another build of gst-npu (interface %u, wanted %u); install "
        "the module and the library from the same build",
        path, (guint) api->version, NPU_XRT_VERSION);
    return NULL;
  }
  return api;
}

const NpuXrtApi *
npu_xrt_module_open (GError **error)
{
  g_autofree gchar *path = get_path ();
  g_autofree gchar *name = g_filename_display_name (path);
  GModule *module;

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_set_error (error, NPU_XRT_MODULE_ERROR, NPU_XRT_MODULE_ERROR_MISSING,
        "There is no %s, the module that drives NPUs through XRT; build and "
        "install gst-npu where XRT's headers are (Debian: libxrt-dev; meson "
        "setup -Dxrt=enabled)",
        name);
    return NULL;
  }
  module = g_module_open (path, G_MODULE_BIND_LOCAL);
  if (module == NULL) {
    g_set_error (error, NPU_XRT_MODULE_ERROR, NPU_XRT_MODULE_ERROR_LOAD,
        "%s cannot be loaded (%s); install the XRT that it was built with, and "
        "run its setup.sh where XRT has a folder of its own",
        name, g_module_error ());
    return NULL;
  }
  /* Even if it is refused: XRT may have come with it. */
  g_module_make_resident (module);
  return get_api (module, name, error);
}
