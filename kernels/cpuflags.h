/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpuflags.h: what CPUID and XGETBV say, and what follows from it (cpu.c): apart, so
 * that the choice can be tested for processors other than the one at hand.
 */
#ifndef NPU_CPUFLAGS_H
#define NPU_CPUFLAGS_H

#include "cpu.h"

/* The registers that matter, by leaf and subleaf. */
typedef struct {
  uint32_t leaf1_ecx;
  uint32_t leaf7_ebx, leaf7_ecx, leaf7_edx;
  uint32_t leaf7_1_eax;
  uint32_t xcr0; /* the register sets that the operating system saves */
  int is_amd;
} NpuCpuid;

/* @request_tiles asks the system for the tile registers and returns 0 where it
 * grants them; it is called only if nothing else is missing for AMX. */
NpuCpuFlags npu_cpu_flags_of (
    const NpuCpuid *cpuid, int (*request_tiles) (void));

#endif /* NPU_CPUFLAGS_H */
