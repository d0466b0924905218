/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrt.h: the bridge to XRT, a table of C functions over XRT's C++ API.
 *
 * XRT's C API cannot start anything on an NPU (docs/npu.md), so one C++ file,
 * npuxrt.cpp, stands between XRT and everything else.  It is built as a module
 * of its own, libgstnpu-xrt.so, which npuxrtmodule.h opens when a device is
 * wanted: the library and the plugin link neither to XRT nor to a C++ library.
 * A test may put another module with the same table in its place.
 *
 * The table is private to gst-npu: module and library come from one build, and
 * NPU_XRT_VERSION changes whenever anything in this file does.
 *
 * Errors.  Every function returns 0 or a number of errno's, and fills @error
 * (which may be NULL) with the same number and a text of one line for people.
 * `refused` tells that the bridge itself said no: XRT has not been called,
 * nothing has changed, and the fault is the caller's.  What the function hands
 * out is set only when it returns 0.  No exception leaves the module.
 *
 * Ownership.  A device is made of nothing, a context of a device, a kernel and
 * a buffer of a context, a run of a kernel: each is given back by its own
 * function, and what others are made of only after those (else: refused with
 * EBUSY, and still the caller's).  What has been given back may not be used
 * again.  Handles belong to the process that made them, not to its children.
 *
 * Threads.  Any thread may call anything, but only one at a time may use a run
 * or give back a handle; run_state() and run_abort() alone may be called while
 * another thread is in run_wait().  Runs of a context are waited for by one
 * thread at a time: a second one is refused with EBUSY.
 *
 * Sizes are in bytes, times in milliseconds.  Choices are handed in as int: C++
 * may take it that an enumeration holds nothing else.
 */
#ifndef NPU_XRT_H
#define NPU_XRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NPU_XRT_VERSION 1

/* The only symbol of the module: an NpuXrtGetApi. */
#define NPU_XRT_ENTRY "npu_xrt_get_api"

#define NPU_XRT_TEXT_BYTES 512
#define NPU_XRT_NAME_BYTES 64

/* Commands of one context that may be in flight: XRT blocks at the fifth. */
#define NPU_XRT_MAX_IN_FLIGHT 4
/* The longest that run_wait() may be asked to wait, so that a thread that waits
 * soon sees that it is to stop. */
#define NPU_XRT_MAX_SLICE_MS 250
/* Memory that the caller lends to a buffer begins and ends on a page. */
#define NPU_XRT_PAGE_BYTES 4096

typedef struct _NpuXrtDevice NpuXrtDevice;
typedef struct _NpuXrtContext NpuXrtContext;
typedef struct _NpuXrtKernel NpuXrtKernel;
typedef struct _NpuXrtBuffer NpuXrtBuffer;
typedef struct _NpuXrtRun NpuXrtRun;

typedef struct {
  int code;     /* what the function returned */
  bool refused; /* by the bridge: XRT was not called */
  char text[NPU_XRT_TEXT_BYTES];
} NpuXrtError;

/* What XRT tells of a device.  The last three are JSON. */
typedef enum {
  NPU_XRT_INFO_NAME,
  NPU_XRT_INFO_BDF,      /* its address on the bus */
  NPU_XRT_INFO_PLATFORM, /* firmware, clocks, power */
  NPU_XRT_INFO_HOST,     /* versions of XRT and of the drivers */
  NPU_XRT_INFO_CONTEXTS  /* who uses which columns now */
} NpuXrtInfo;

/* An argument of a kernel.  A group is the memory bank in its lower 16 bits and
 * the context's slot above: 131072 is bank 0 of slot 2. */
typedef struct {
  char name[NPU_XRT_NAME_BYTES];
  size_t bytes;   /* its width in the command: what run_set_scalar() takes */
  bool is_buffer; /* else a scalar, which has no group */
  uint32_t group; /* of the buffers that it takes */
} NpuXrtArg;

#define NPU_XRT_GROUP_BANK(group) ((group) &0xffff)
#define NPU_XRT_GROUP_SLOT(group) ((group) >> 16)

/* The two kinds of memory that an NPU takes. */
typedef enum {
  NPU_XRT_BUFFER_CACHEABLE, /* instructions */
  NPU_XRT_BUFFER_HOST_ONLY  /* data */
} NpuXrtBufferKind;

typedef enum { NPU_XRT_TO_DEVICE, NPU_XRT_FROM_DEVICE } NpuXrtDirection;

/* What has become of a run; XRT's numbers.  From COMPLETED on, except
 * SUBMITTED, it has ended. */
typedef enum {
  NPU_XRT_STATE_NEW = 1, /* never started */
  NPU_XRT_STATE_QUEUED = 2,
  NPU_XRT_STATE_RUNNING = 3,
  NPU_XRT_STATE_COMPLETED = 4,
  NPU_XRT_STATE_ERROR = 5, /* bad design, instructions or arguments */
  NPU_XRT_STATE_ABORT = 6, /* with another that timed out, or at suspend */
  NPU_XRT_STATE_SUBMITTED = 7,
  NPU_XRT_STATE_TIMEOUT = 8, /* the driver's limit: 2 s */
  NPU_XRT_STATE_NORESPONSE = 9
} NpuXrtState;

typedef struct {
  uint32_t version; /* NPU_XRT_VERSION, first for ever */
  const char *xrt;  /* for people: "XRT 2.13.0" */

  /* Devices ---------------------------------------------------------------- */

  /* How many XRT finds.  (XRT's emulations open devices that are not counted.)
   * ENOENT: XRT's driver library is not where XILINX_XRT says. */
  int (*device_count) (unsigned *count, NpuXrtError *error);
  /* Opens the node and maps 64 MiB of memory for the device: EAGAIN is
   * RLIMIT_MEMLOCK.  Slow (milliseconds). */
  int (*device_open) (
      unsigned index, NpuXrtDevice **device, NpuXrtError *error);
  int (*device_close) (NpuXrtDevice *device, NpuXrtError *error);
  /* @info: an NpuXrtInfo.  Copies at most @bytes, with the 0 at the end; @needed (may be NULL) is how
   * many it would take. */
  int (*device_info) (NpuXrtDevice *device, int info, char *text, size_t bytes,
      size_t *needed, NpuXrtError *error);

  /* Contexts --------------------------------------------------------------- */

  /* Gives @device the xclbin at @image, which must have been checked (XRT
   * crashes on bad ones; only magic and length are looked at here) and may be
   * freed afterwards, and opens a hardware context for it.  An NPU has few (6
   * on Phoenix): EINVAL or ENOENT may mean that all are taken.  Slow. */
  int (*context_open) (NpuXrtDevice *device, const void *image, size_t bytes,
      NpuXrtContext **context, NpuXrtError *error);
  int (*context_close) (NpuXrtContext *context, NpuXrtError *error);

  /* Kernels ---------------------------------------------------------------- */

  /* ENOENT, refused: the xclbin has none of that name. */
  int (*kernel_open) (NpuXrtContext *context, const char *name,
      NpuXrtKernel **kernel, NpuXrtError *error);
  int (*kernel_close) (NpuXrtKernel *kernel, NpuXrtError *error);
  int (*kernel_n_args) (
      NpuXrtKernel *kernel, unsigned *n_args, NpuXrtError *error);
  int (*kernel_arg) (
      NpuXrtKernel *kernel, unsigned index, NpuXrtArg *arg, NpuXrtError *error);

  /* Buffers ---------------------------------------------------------------- */

  /* @kind: an NpuXrtBufferKind.  @group: of one of the arguments of the context's open kernels.
   * @memory: NULL for new memory; else HOST_ONLY, whole pages, and the caller's
   * until the buffer and every run that it was an argument of are freed. */
  int (*buffer_new) (NpuXrtContext *context, int kind, uint32_t group,
      void *memory, size_t bytes, NpuXrtBuffer **buffer, NpuXrtError *error);
  /* Runs that have it as an argument keep its memory until they are freed. */
  int (*buffer_free) (NpuXrtBuffer *buffer, NpuXrtError *error);
  /* The host's view, valid as long as the buffer. */
  int (*buffer_map) (NpuXrtBuffer *buffer, void **memory, NpuXrtError *error);
  /* @direction: an NpuXrtDirection.  What the host wrote is the device's only after TO_DEVICE, and the other way
   * round.  Cheap: it cleans caches. */
  int (*buffer_sync) (NpuXrtBuffer *buffer, int direction, size_t offset,
      size_t bytes, NpuXrtError *error);

  /* Runs ------------------------------------------------------------------- */

  int (*run_new) (NpuXrtKernel *kernel, NpuXrtRun **run, NpuXrtError *error);
  /* Arguments stay set from one start to the next, and cannot be changed in
   * flight.  @bytes must be the argument's own width. */
  int (*run_set_scalar) (NpuXrtRun *run, unsigned index, const void *value,
      size_t bytes, NpuXrtError *error);
  /* @buffer must be of the argument's group. */
  int (*run_set_buffer) (
      NpuXrtRun *run, unsigned index, NpuXrtBuffer *buffer, NpuXrtError *error);
  /* Puts the run in flight, where it is until run_wait() or run_state() has
   * told that it has ended.  Refused: EBUSY in flight already, EAGAIN the
   * context has NPU_XRT_MAX_IN_FLIGHT there, EINVAL an argument below one that
   * is set is not set.  A run that XRT could not start is of no further use. */
  int (*run_start) (NpuXrtRun *run, NpuXrtError *error);
  /* Waits until the run has ended, or for @slice_ms (1 to
   * NPU_XRT_MAX_SLICE_MS): 0 either way, and @state tells which.  A state that
   * is not COMPLETED is no error of this function.  ECANCELED: run_abort(). */
  int (*run_wait) (NpuXrtRun *run, unsigned slice_ms, NpuXrtState *state,
      NpuXrtError *error);
  /* Looks, and does not wait. */
  int (*run_state) (NpuXrtRun *run, NpuXrtState *state, NpuXrtError *error);
  /* Gives a run in flight up: waiting for it ends with ECANCELED, now and until
   * it is started again.  What the device does goes on until it ends, or the
   * driver ends it; run_state() tells. */
  int (*run_abort) (NpuXrtRun *run, NpuXrtError *error);
  /* A run must not be destroyed in flight (XRT would end the process): it is
   * left to the device then, with its memory and its context, until the process
   * ends.  EBUSY, not refused, says so; the handle is gone. */
  int (*run_free) (NpuXrtRun *run, NpuXrtError *error);
} NpuXrtApi;

typedef const NpuXrtApi *(*NpuXrtGetApi) (void);

#ifdef __cplusplus
}
#endif
#endif /* NPU_XRT_H */
