/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrtrun.cpp: the bridge's buffers and runs.
 */
#include "npuxrtobjects.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>

using namespace npuxrt;

namespace
{

/* Runs that were freed in flight: never destroyed, but not lost sight of. */
std::atomic<NpuXrtRun *> left_runs{ nullptr };

/* Buffers ------------------------------------------------------------------ */

void
check_buffer (NpuXrtContext *context, int kind, uint32_t group,
    const void *memory, size_t bytes)
{
  if (kind != NPU_XRT_BUFFER_CACHEABLE && kind != NPU_XRT_BUFFER_HOST_ONLY)
    refuse (EINVAL, "%d is no kind of buffer", kind);
  if (bytes == 0 || bytes > PTRDIFF_MAX)
    refuse (EINVAL, "a buffer cannot have %zu bytes", bytes);
  if (memory) {
    if (kind != NPU_XRT_BUFFER_HOST_ONLY)
      refuse (EINVAL, "memory of the caller's can only be host-only");
    if (reinterpret_cast<uintptr_t> (memory) % NPU_XRT_PAGE_BYTES
        || bytes % NPU_XRT_PAGE_BYTES)
      refuse (EINVAL, "the memory at %p of %zu bytes is not whole pages of %d",
          memory, bytes, NPU_XRT_PAGE_BYTES);
  }
  if (!context->has_group (group))
    refuse (EINVAL,
        "no open kernel has an argument in group %u (bank %u, slot %u)", group,
        NPU_XRT_GROUP_BANK (group), NPU_XRT_GROUP_SLOT (group));
}

int
buffer_new (NpuXrtContext *context, int kind, uint32_t group, void *memory,
    size_t bytes, NpuXrtBuffer **buffer, NpuXrtError *error)
{
  return guarded (error, "making a buffer", [&] {
    require (context, "context");
    require (buffer, "place for the buffer");
    check_buffer (context, kind, group, memory, bytes);
    auto flags = kind == NPU_XRT_BUFFER_CACHEABLE ? xrt::bo::flags::cacheable
                                                  : xrt::bo::flags::host_only;
    const xrt::device &device = context->parent->device;
    auto made = std::make_unique<NpuXrtBuffer> ();
    made->bo = memory ? xrt::bo (device, memory, bytes, flags, group)
                      : xrt::bo (device, bytes, flags, group);
    made->parent = context;
    made->bytes = bytes;
    made->group = group;
    context->children++;
    *buffer = made.release ();
  });
}

int
buffer_free (NpuXrtBuffer *buffer, NpuXrtError *error)
{
  return guarded (error, "freeing a buffer", [&] {
    require (buffer, "buffer");
    buffer->parent->children--;
    delete buffer;
  });
}

int
buffer_map (NpuXrtBuffer *buffer, void **memory, NpuXrtError *error)
{
  return guarded (error, "mapping a buffer", [&] {
    require (buffer, "buffer");
    require (memory, "place for the address");
    void *mapped = buffer->bo.map ();
    if (!mapped)
      fail (EIO, "XRT gave no memory");
    *memory = mapped;
  });
}

int
buffer_sync (NpuXrtBuffer *buffer, int direction, size_t offset, size_t bytes,
    NpuXrtError *error)
{
  return guarded (error, "synchronising a buffer", [&] {
    require (buffer, "buffer");
    if (direction != NPU_XRT_TO_DEVICE && direction != NPU_XRT_FROM_DEVICE)
      refuse (EINVAL, "%d is no direction", direction);
    if (bytes == 0 || offset > buffer->bytes || bytes > buffer->bytes - offset)
      refuse (EINVAL, "%zu bytes at %zu are not in a buffer of %zu", bytes,
          offset, buffer->bytes);
    buffer->bo.sync (direction == NPU_XRT_TO_DEVICE
                         ? XCL_BO_SYNC_BO_TO_DEVICE
                         : XCL_BO_SYNC_BO_FROM_DEVICE,
        bytes, offset);
  });
}

/* Runs --------------------------------------------------------------------- */

bool
has_ended (NpuXrtState state)
{
  return state >= NPU_XRT_STATE_COMPLETED && state != NPU_XRT_STATE_SUBMITTED;
}

/* Takes @run, which is or was in flight, out of it if it has ended.  XRT's own
 * wait() answers TIMEOUT both when the caller's time is up and when the driver
 * has ended the command; only this tells which. */
NpuXrtState
look (NpuXrtRun *run)
{
  if (!run->in_flight)
    return run->state;
  auto state = static_cast<NpuXrtState> (run->run.state ());
  if (has_ended (state)) {
    run->state = state;
    if (run->in_flight.exchange (false))
      run->parent->parent->in_flight--;
  }
  return state;
}

int
run_new (NpuXrtKernel *kernel, NpuXrtRun **run, NpuXrtError *error)
{
  return guarded (error, "making a run", [&] {
    require (kernel, "kernel");
    require (run, "place for the run");
    auto made = std::make_unique<NpuXrtRun> ();
    made->run = xrt::run (kernel->kernel);
    made->is_set.resize (kernel->args.size ());
    made->buffers.resize (kernel->args.size ());
    made->parent = kernel;
    kernel->runs++;
    *run = made.release ();
  });
}

/* For run_set_*(). */
const NpuXrtArg &
get_arg_to_set (const NpuXrtRun *run, unsigned index)
{
  if (run->in_flight)
    refuse (EBUSY, "the run is in flight");
  return get_arg (run->parent, index);
}

int
run_set_scalar (NpuXrtRun *run, unsigned index, const void *value, size_t bytes,
    NpuXrtError *error)
{
  return guarded (error, "setting a scalar", [&] {
    require (run, "run");
    require (value, "value");
    const NpuXrtArg &arg = get_arg_to_set (run, index);
    if (arg.is_buffer)
      refuse (EINVAL, "argument %u (%s) is a buffer", index, arg.name);
    /* XRT would write what is too wide over the next argument. */
    if (bytes != arg.bytes)
      refuse (EINVAL, "argument %u (%s) has %zu bytes, not %zu", index,
          arg.name, arg.bytes, bytes);
    run->run.set_arg (static_cast<int> (index), value, bytes);
    run->is_set[index] = true;
  });
}

int
run_set_buffer (
    NpuXrtRun *run, unsigned index, NpuXrtBuffer *buffer, NpuXrtError *error)
{
  return guarded (error, "setting a buffer", [&] {
    require (run, "run");
    require (buffer, "buffer");
    const NpuXrtArg &arg = get_arg_to_set (run, index);
    if (!arg.is_buffer)
      refuse (EINVAL, "argument %u (%s) is a scalar", index, arg.name);
    /* XRT would take a copy in the right bank, and lose what is written. */
    if (buffer->parent != run->parent->parent || buffer->group != arg.group)
      refuse (EINVAL,
          "argument %u (%s) takes buffers of its context's group %u, this one "
          "is of %u%s",
          index, arg.name, arg.group, buffer->group,
          buffer->parent == run->parent->parent ? "" : " in another context");
    run->run.set_arg (static_cast<int> (index), buffer->bo);
    run->buffers[index] = buffer->bo;
    run->is_set[index] = true;
  });
}

/* Kernels of mlir-aie declare more buffers than a design may use: arguments may
 * be left out at the end, and nowhere else. */
void
check_args (const NpuXrtRun *run)
{
  auto missing = std::find (run->is_set.begin (), run->is_set.end (), false);

  if (missing == run->is_set.begin () && missing != run->is_set.end ())
    refuse (EINVAL, "argument 0 (%s) is not set", run->parent->args[0].name);
  if (std::find (missing, run->is_set.end (), true) == run->is_set.end ())
    return;
  auto index = static_cast<size_t> (missing - run->is_set.begin ());
  refuse (EINVAL, "argument %zu (%s) is not set", index,
      run->parent->args[index].name);
}

int
run_start (NpuXrtRun *run, NpuXrtError *error)
{
  return guarded (error, "starting a run", [&] {
    require (run, "run");
    if (run->in_flight)
      refuse (EBUSY, "the run is in flight");
    if (run->broken)
      refuse (EINVAL, "it could not be started before; make another");
    check_args (run);
    NpuXrtContext *context = run->parent->parent;
    if (context->in_flight.fetch_add (1) >= NPU_XRT_MAX_IN_FLIGHT) {
      context->in_flight--;
      refuse (EAGAIN, "%d runs of the context are in flight: wait for one",
          NPU_XRT_MAX_IN_FLIGHT);
    }
    run->given_up = false;
    try {
      run->run.start ();
    } catch (...) {
      context->in_flight--;
      run->broken = true;
      throw;
    }
    run->state = NPU_XRT_STATE_QUEUED;
    run->in_flight = true;
  });
}

/* Marks @run as the one that its context waits for. */
class Waiter
{
public:
  explicit Waiter (NpuXrtRun *run) : waited (run->parent->parent->waited)
  {
    NpuXrtRun *none = nullptr;

    if (!waited.compare_exchange_strong (none, run))
      refuse (EBUSY, "another thread waits for a run of this context");
  }
  ~Waiter ()
  {
    waited = nullptr;
  }
  Waiter (const Waiter &) = delete;
  Waiter &operator= (const Waiter &) = delete;

private:
  std::atomic<NpuXrtRun *> &waited;
};

int
run_wait (
    NpuXrtRun *run, unsigned slice_ms, NpuXrtState *state, NpuXrtError *error)
{
  return guarded (error, "waiting for a run", [&] {
    require (run, "run");
    require (state, "place for the state");
    /* 0 would be for ever. */
    if (slice_ms == 0 || slice_ms > NPU_XRT_MAX_SLICE_MS)
      refuse (EINVAL, "%u ms is not between 1 and %d", slice_ms,
          NPU_XRT_MAX_SLICE_MS);
    if (run->state == NPU_XRT_STATE_NEW)
      refuse (EINVAL, "the run has not been started");
    Waiter waiter (run);
    if (run->in_flight && !run->given_up)
      run->run.wait (std::chrono::milliseconds (slice_ms));
    NpuXrtState seen = look (run);
    if (!has_ended (seen) && run->given_up)
      fail (ECANCELED, "the run was given up");
    *state = seen;
  });
}

int
run_state (NpuXrtRun *run, NpuXrtState *state, NpuXrtError *error)
{
  return guarded (error, "asking for a run's state", [&] {
    require (run, "run");
    require (state, "place for the state");
    *state = look (run);
  });
}

int
run_abort (NpuXrtRun *run, NpuXrtError *error)
{
  return guarded (error, "giving a run up", [&] {
    require (run, "run");
    if (!run->in_flight)
      refuse (EINVAL, "the run is not in flight");
    /* Not XRT's abort(): it waits without limit, and NPU drivers do not know
     * the command that it sends. */
    run->given_up = true;
  });
}

/* Must @run not be destroyed?  If XRT cannot tell, it must not. */
bool
is_with_device (NpuXrtRun *run) noexcept
{
  try {
    return run->broken || (run->in_flight && !has_ended (look (run)));
  } catch (...) {
    return true;
  }
}

int
run_free (NpuXrtRun *run, NpuXrtError *error)
{
  return guarded (error, "freeing a run", [&] {
    require (run, "run");
    if (run->parent->parent->waited == run)
      refuse (EBUSY, "a thread waits for it");
    bool leave = is_with_device (run);
    run->parent->runs--;
    if (!leave) {
      delete run;
      return;
    }
    run->next_left = left_runs;
    while (!left_runs.compare_exchange_weak (run->next_left, run))
      ;
    fail (EBUSY,
        "it has not ended: it and what it uses stay until the process ends");
  });
}

} /* namespace */

void
npuxrt::add_buffers (NpuXrtApi &api)
{
  api.buffer_new = buffer_new;
  api.buffer_free = buffer_free;
  api.buffer_map = buffer_map;
  api.buffer_sync = buffer_sync;
}

void
npuxrt::add_runs (NpuXrtApi &api)
{
  api.run_new = run_new;
  api.run_set_scalar = run_set_scalar;
  api.run_set_buffer = run_set_buffer;
  api.run_start = run_start;
  api.run_wait = run_wait;
  api.run_state = run_state;
  api.run_abort = run_abort;
  api.run_free = run_free;
}
