/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpuquota.h: the CPU time that a container may use.
 */
#ifndef NPU_CPUQUOTA_H
#define NPU_CPUQUOTA_H

/*
 * The CPU quota of this process's cgroup and of all groups above it, in CPUs,
 * rounded up; 0 where there is none.  Knows cgroup v2 (cpu.max) and v1
 * (cpu.cfs_quota_us).  @root stands before /proc and /sys, and is "" but in
 * tests.
 */
unsigned npu_cpu_quota (const char *root);

#endif /* NPU_CPUQUOTA_H */
