/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers the elements and the tracer.  Touches no device: plugins are scanned in a process
 * of their own, on machines that may have none. */
#include "gstnpumel.h"
#include "gstnputracer.h"
#include "gstnpuwhisperenc.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean ok = GST_ELEMENT_REGISTER (npumel, plugin);

  ok &= GST_ELEMENT_REGISTER (npuwhisperenc, plugin);
  ok &= gst_tracer_register (plugin, "npu", GST_TYPE_NPU_TRACER);
  return ok;
}

#define PACKAGE "gst-npu"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, npu,
    "Whisper log-mel frames and encoder hidden states on NPUs and CPUs",
    plugin_init, PACKAGE_VERSION, "LGPL", "gst-npu",
    "https://gstreamer.freedesktop.org/")
