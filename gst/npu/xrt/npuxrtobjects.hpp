/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrtobjects.hpp: what the bridge's handles are made of, for its own files.
 *
 * XRT's objects share what they are made of, so a run that is left to the
 * device keeps all that it needs.
 */
#ifndef NPU_XRT_OBJECTS_HPP
#define NPU_XRT_OBJECTS_HPP

#include "npuxrtguard.hpp"

#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>
#if __has_include(<xrt/xrt_hw_context.h>)
#define HAVE_HW_CONTEXT 1
#include <xrt/xrt_hw_context.h>
#include <xrt/experimental/xrt_system.h>
#include <xrt/experimental/xrt_xclbin.h>
#else
#define HAVE_HW_CONTEXT 0
#include <experimental/xrt_system.h>
#include <experimental/xrt_xclbin.h>
#endif

#include <atomic>
#include <mutex>
#include <set>
#include <vector>

struct _NpuXrtDevice {
  xrt::device device;
  std::atomic<int> contexts{ 0 };
};

struct _NpuXrtContext {
  NpuXrtDevice *parent = nullptr;
  xrt::xclbin xclbin;
#if HAVE_HW_CONTEXT
  xrt::hw_context context;
#endif
  std::atomic<int> children{ 0 }; /* kernels and buffers */
  std::atomic<int> in_flight{ 0 };
  std::atomic<NpuXrtRun *> waited{ nullptr }; /* the run that is waited for */

  /* The groups that arguments of its kernels are in; any thread. */
  void add_group (uint32_t group)
  {
    std::lock_guard<std::mutex> guard (lock);

    groups.insert (group);
  }
  bool has_group (uint32_t group)
  {
    std::lock_guard<std::mutex> guard (lock);

    return groups.count (group) != 0;
  }

private:
  std::mutex lock;
  std::set<uint32_t> groups;
};

struct _NpuXrtKernel {
  NpuXrtContext *parent = nullptr;
  xrt::kernel kernel;
  std::vector<NpuXrtArg> args;
  std::atomic<int> runs{ 0 };
};

struct _NpuXrtBuffer {
  NpuXrtContext *parent = nullptr;
  xrt::bo bo;
  size_t bytes = 0;
  uint32_t group = 0;
};

struct _NpuXrtRun {
  NpuXrtKernel *parent = nullptr;
  std::vector<bool> is_set;
  std::vector<xrt::bo> buffers; /* of the arguments: they live longer … */
  xrt::run run;                 /* … than this */
  std::atomic<NpuXrtState> state{ NPU_XRT_STATE_NEW };
  std::atomic<bool> in_flight{ false };
  std::atomic<bool> given_up{ false };
  bool broken = false; /* start failed: XRT may think that it runs */
  NpuXrtRun *next_left = nullptr;
};

namespace npuxrt
{

inline const NpuXrtArg &
get_arg (const NpuXrtKernel *kernel, unsigned index)
{
  if (index >= kernel->args.size ())
    refuse (EINVAL, "there is no argument %u: the kernel has %zu", index,
        kernel->args.size ());
  return kernel->args[index];
}

/* The parts of the table that npuxrtrun.cpp carries out. */
void add_buffers (NpuXrtApi &api);
void add_runs (NpuXrtApi &api);

} /* namespace npuxrt */

#endif /* NPU_XRT_OBJECTS_HPP */
