/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpu.h: what the processor can do, and its floating-point mode.
 *
 * Only CPUID and XGETBV are asked, so that an emulator that masks features
 * (valgrind) is believed; and where these tell of AMX, Linux, which keeps its
 * tile registers from a process that has not asked for them.
 */
#ifndef NPU_CPU_H
#define NPU_CPU_H

#include <stdint.h>

typedef enum {
  NPU_CPU_AVX2 = 1 << 0,     /* AVX2, FMA and F16C, and the OS saves YMM */
  NPU_CPU_AVX512 = 1 << 1,   /* F, BW, CD, DQ and VL, and the OS saves ZMM */
  NPU_CPU_AVX_VNNI = 1 << 2, /* 256-bit int8 dot products, VEX */
  NPU_CPU_AVX512_VNNI = 1 << 3,
  NPU_CPU_AVX512_BF16 = 1 << 4,
  NPU_CPU_FAST_BF16 = 1 << 5, /* AVX512_BF16, and its dot products beat FMA:
                               * AMD.  Intel's run at half the rate of FMA. */
  NPU_CPU_AMX = 1 << 6        /* AMX-TILE, -INT8 and -BF16, AVX512_BF16, and the
                        * system lets this process use the tiles */
} NpuCpuFlag;

/* A set of NpuCpuFlag. */
typedef uint32_t NpuCpuFlags;

/* Where there is AMX, this asks for the tiles, for all threads of the process and
 * for its life; asking again costs a system call and changes nothing. */
NpuCpuFlags npu_cpu_flags (void);

/* Threads worth starting: the CPUs that the process's first thread may use and
 * the cgroup's CPU quota (rounded up), whichever is less; at least 1.  As they
 * are now: who keeps the number does not follow later changes. */
unsigned npu_cpu_threads (void);

/* Lets this thread use the CPUs that the process's first thread may use, instead
 * of those of the thread that started it. */
void npu_cpu_use_all (void);

/*
 * The kernels run with rounding to nearest and denormals flushed to zero, so
 * that their results and speed do not depend on their caller.  enter() sets
 * that mode on this thread and returns what leave() must restore.
 */
uint32_t npu_cpu_enter_float_mode (void);
void npu_cpu_leave_float_mode (uint32_t saved);

#endif /* NPU_CPU_H */
