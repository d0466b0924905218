/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrt.cpp: the bridge (npuxrt.h) over XRT's C++ API: devices, contexts and
 * kernels; buffers and runs are npuxrtrun.cpp's.  No other C++ in the project.
 *
 * It checks what XRT does not, turns exceptions into numbers and texts, and
 * keeps count of what is in flight.
 *
 * Compiles against Debian's XRT 2.13, which loads one xclbin into a device, and
 * against current XRT, where each hardware context has its own.
 */
#include "npuxrtobjects.hpp"

#if !HAVE_HW_CONTEXT
#include <experimental/xrt_ini.h>
#endif

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

using namespace npuxrt;

namespace
{

/* Before the first call of XRT. */
void
prepare ()
{
#if !HAVE_HW_CONTEXT
  static std::once_flag once;
  const char *prefix = std::getenv ("XILINX_XRT");

  /* Without a place to find its parts in, what this XRT does to log a message
   * may end the process. */
  std::call_once (
      once, [] { xrtIniStringSet ("Runtime.runtime_log", "null"); });
  if (!prefix || !*prefix)
    refuse (ENOENT,
        "XILINX_XRT is not set: set it to XRT's prefix, the folder whose lib "
        "holds the drivers of this XRT (%s), such as libxrt_core.so",
        xrt_build_version);
#endif
}

/* Devices ------------------------------------------------------------------ */

int
device_count (unsigned *count, NpuXrtError *error)
{
  return guarded (error, "counting devices", [&] {
    require (count, "place for the count");
    prepare ();
    *count = xrt::system::enumerate_devices ();
  });
}

int
device_open (unsigned index, NpuXrtDevice **device, NpuXrtError *error)
{
  return guarded (error, "opening a device", [&] {
    require (device, "place for the device");
    prepare ();
    auto opened = std::make_unique<NpuXrtDevice> ();
    opened->device = xrt::device (index);
    *device = opened.release ();
  });
}

int
device_close (NpuXrtDevice *device, NpuXrtError *error)
{
  return guarded (error, "closing a device", [&] {
    require (device, "device");
    if (device->contexts)
      refuse (EBUSY, "%d contexts are open", device->contexts.load ());
    delete device;
  });
}

std::string
get_info (const xrt::device &device, int info)
{
  switch (info) {
    case NPU_XRT_INFO_NAME:
      return device.get_info<xrt::info::device::name> ();
    case NPU_XRT_INFO_BDF:
      return device.get_info<xrt::info::device::bdf> ();
    case NPU_XRT_INFO_PLATFORM:
      return device.get_info<xrt::info::device::platform> ();
    case NPU_XRT_INFO_HOST:
      return device.get_info<xrt::info::device::host> ();
    case NPU_XRT_INFO_CONTEXTS:
      return device.get_info<xrt::info::device::dynamic_regions> ();
  }
  refuse (EINVAL, "%d is no kind of information", info);
}

int
device_info (NpuXrtDevice *device, int info, char *text, size_t bytes,
    size_t *needed, NpuXrtError *error)
{
  return guarded (error, "asking for a device's information", [&] {
    require (device, "device");
    require (text, "place for the text");
    if (bytes == 0)
      refuse (EINVAL, "the place for the text has 0 bytes");
    std::string value = get_info (device->device, info);
    std::snprintf (text, bytes, "%s", value.c_str ());
    if (needed)
      *needed = value.size () + 1;
  });
}

/* Contexts ----------------------------------------------------------------- */

void
check_image (const void *image, size_t bytes)
{
  const axlf *top = static_cast<const axlf *> (image);
  uint64_t length;

  require (image, "xclbin");
  if (bytes < sizeof (axlf))
    refuse (EINVAL, "the xclbin has %zu bytes, its header alone takes %zu",
        bytes, sizeof (axlf));
  if (std::memcmp (top->m_magic, "xclbin2", 8) != 0)
    refuse (EINVAL, "this is no xclbin: it does not begin with xclbin2");
  std::memcpy (&length, &top->m_header.m_length, sizeof length);
  if (length != bytes)
    refuse (EINVAL, "the xclbin says that it has %llu bytes, and has %zu",
        static_cast<unsigned long long> (length), bytes);
}

int
context_open (NpuXrtDevice *device, const void *image, size_t bytes,
    NpuXrtContext **context, NpuXrtError *error)
{
  return guarded (error, "opening a context", [&] {
    require (device, "device");
    require (context, "place for the context");
    check_image (image, bytes);
    const char *begin = static_cast<const char *> (image);
    auto opened = std::make_unique<NpuXrtContext> ();
#if HAVE_HW_CONTEXT
    opened->xclbin = xrt::xclbin (std::vector<char> (begin, begin + bytes));
    auto uuid = device->device.register_xclbin (opened->xclbin);
    opened->context = xrt::hw_context (device->device, uuid);
#else
    if (device->contexts)
      refuse (EBUSY, "this XRT (%s) has one context to a device, and it is open",
          xrt_build_version);
    opened->xclbin = xrt::xclbin (std::vector<char> (begin, begin + bytes));
    device->device.load_xclbin (opened->xclbin);
#endif
    opened->parent = device;
    device->contexts++;
    *context = opened.release ();
  });
}

int
context_close (NpuXrtContext *context, NpuXrtError *error)
{
  return guarded (error, "closing a context", [&] {
    require (context, "context");
    if (context->children)
      refuse (EBUSY, "%d of its kernels and buffers are open",
          context->children.load ());
    context->parent->contexts--;
    delete context;
  });
}

/* Kernels ------------------------------------------------------------------ */

xrt::kernel
make_kernel (const NpuXrtContext *context, const char *name)
{
#if HAVE_HW_CONTEXT
  return xrt::kernel (context->context, name);
#else
  return xrt::kernel (
      context->parent->device, context->xclbin.get_uuid (), name);
#endif
}

void
check_kernel_name (const NpuXrtContext *context, const char *name)
{
  std::string names;

  for (const auto &kernel : context->xclbin.get_kernels ()) {
    if (kernel.get_name () == name)
      return;
    names += (names.empty () ? "" : ", ") + kernel.get_name ();
  }
  refuse (ENOENT, "the xclbin has no kernel %.64s, but %s", name,
      names.empty () ? "none" : names.c_str ());
}

NpuXrtArg
describe_arg (const xrt::kernel &kernel, const xrt::xclbin::arg &arg)
{
  NpuXrtArg described{};

  std::snprintf (
      described.name, sizeof described.name, "%s", arg.get_name ().c_str ());
  described.bytes = arg.get_size ();
  /* A scalar is connected to no memory; its group id would be -1 or, behind
   * the last buffer, an exception. */
  described.is_buffer = !arg.get_mems ().empty ();
  if (described.is_buffer)
    described.group = static_cast<uint32_t> (
        kernel.group_id (static_cast<int> (arg.get_index ())));
  return described;
}

int
kernel_open (NpuXrtContext *context, const char *name, NpuXrtKernel **kernel,
    NpuXrtError *error)
{
  return guarded (error, "opening a kernel", [&] {
    require (context, "context");
    require (name, "name");
    require (kernel, "place for the kernel");
    check_kernel_name (context, name);
    auto opened = std::make_unique<NpuXrtKernel> ();
    opened->kernel = make_kernel (context, name);
    for (const auto &arg : context->xclbin.get_kernel (name).get_args ()) {
      opened->args.push_back (describe_arg (opened->kernel, arg));
      if (opened->args.back ().is_buffer)
        context->add_group (opened->args.back ().group);
    }
    opened->parent = context;
    context->children++;
    *kernel = opened.release ();
  });
}

int
kernel_close (NpuXrtKernel *kernel, NpuXrtError *error)
{
  return guarded (error, "closing a kernel", [&] {
    require (kernel, "kernel");
    if (kernel->runs)
      refuse (EBUSY, "%d of its runs are not freed", kernel->runs.load ());
    kernel->parent->children--;
    delete kernel;
  });
}

int
kernel_n_args (NpuXrtKernel *kernel, unsigned *n_args, NpuXrtError *error)
{
  return guarded (error, "counting a kernel's arguments", [&] {
    require (kernel, "kernel");
    require (n_args, "place for the number");
    *n_args = static_cast<unsigned> (kernel->args.size ());
  });
}

int
kernel_arg (
    NpuXrtKernel *kernel, unsigned index, NpuXrtArg *arg, NpuXrtError *error)
{
  return guarded (error, "asking for a kernel's argument", [&] {
    require (kernel, "kernel");
    require (arg, "place for the argument");
    *arg = get_arg (kernel, index);
  });
}

NpuXrtApi
make_api ()
{
  NpuXrtApi api{};

  api.version = NPU_XRT_VERSION;
  api.xrt = xrt_build_version;
  api.device_count = device_count;
  api.device_open = device_open;
  api.device_close = device_close;
  api.device_info = device_info;
  api.context_open = context_open;
  api.context_close = context_close;
  api.kernel_open = kernel_open;
  api.kernel_close = kernel_close;
  api.kernel_n_args = kernel_n_args;
  api.kernel_arg = kernel_arg;
  add_buffers (api);
  add_runs (api);
  return api;
}

} /* namespace */

extern "C" __attribute__ ((visibility ("default"))) const NpuXrtApi *
npu_xrt_get_api (void)
{
  static const NpuXrtApi api = make_api ();

  return &api;
}
