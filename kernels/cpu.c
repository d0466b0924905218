/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpu.c: CPUID, the number of threads worth starting, the float mode.
 */
#include "cpu.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpuquota.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* The register sets that the operating system saves (XCR0). */
#define XCR0_YMM 0x06u
#define XCR0_ZMM 0xe6u

/* Not in every compiler's cpuid.h by the same name. */
#define LEAF7_ECX_AVX512_VNNI (1u << 11)
#define LEAF7_1_EAX_AVX_VNNI (1u << 4)
#define LEAF7_1_EAX_AVX512_BF16 (1u << 5)

static uint32_t
read_xcr0 (void)
{
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static int
is_amd (void)
{
  unsigned a, b, c, d;

  return __get_cpuid (0, &a, &b, &c, &d) && b == signature_AMD_ebx
         && c == signature_AMD_ecx && d == signature_AMD_edx;
}

/* What leaf 7, subleaf 1 adds to @flags. */
static NpuCpuFlags
flags_of_leaf7_1 (NpuCpuFlags flags)
{
  unsigned a, b, c, d;
  NpuCpuFlags more = 0;

  __cpuid_count (7, 1, a, b, c, d);
  if (a & LEAF7_1_EAX_AVX_VNNI)
    more |= NPU_CPU_AVX_VNNI;
  if ((flags & NPU_CPU_AVX512) && (a & LEAF7_1_EAX_AVX512_BF16))
    more |= NPU_CPU_AVX512_BF16 | (is_amd () ? NPU_CPU_FAST_BF16 : 0);
  return more;
}

NpuCpuFlags
npu_cpu_flags (void)
{
  const uint32_t leaf1 = bit_FMA | bit_OSXSAVE | bit_AVX | bit_F16C;
  const uint32_t leaf7 =
      bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL;
  unsigned a, b, c, d;
  uint32_t xcr0;
  NpuCpuFlags flags = 0;

  if (!__get_cpuid (1, &a, &b, &c, &d) || (c & leaf1) != leaf1)
    return 0;
  xcr0 = read_xcr0 ();
  if (!__get_cpuid_count (7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)
      || (xcr0 & XCR0_YMM) != XCR0_YMM)
    return 0;
  flags |= NPU_CPU_AVX2;
  if ((b & leaf7) == leaf7 && (xcr0 & XCR0_ZMM) == XCR0_ZMM) {
    flags |= NPU_CPU_AVX512;
    if (c & LEAF7_ECX_AVX512_VNNI)
      flags |= NPU_CPU_AVX512_VNNI;
  }
  if (a >= 1)
    flags |= flags_of_leaf7_1 (flags);
  return flags;
}

#else

NpuCpuFlags
npu_cpu_flags (void)
{
  return 0;
}

#endif

/* CPUs in this process's affinity mask, or 0 if the system does not say.  The
 * mask's size is not known beforehand, so it grows until the kernel's fits. */
static unsigned
affinity_cpus (void)
{
  for (int n = 1024; n <= 1 << 20; n *= 2) {
    size_t size = CPU_ALLOC_SIZE (n);
    cpu_set_t *set = CPU_ALLOC (n);
    int count = 0, error;

    if (!set)
      return 0;
    error = sched_getaffinity (0, size, set) == 0 ? 0 : errno;
    if (error == 0)
      count = CPU_COUNT_S (size, set);
    CPU_FREE (set);
    if (error != EINVAL)
      return count > 0 ? (unsigned) count : 0;
  }
  return 0;
}

unsigned
npu_cpu_threads (void)
{
  unsigned cpus = affinity_cpus ();
  unsigned quota = npu_cpu_quota ("");

  if (cpus == 0) {
    long online = sysconf (_SC_NPROCESSORS_ONLN);
    cpus = online > 0 ? (unsigned) online : 1;
  }
  if (quota > 0 && quota < cpus)
    cpus = quota;
  return cpus;
}

#if defined(__SSE__)
#include <xmmintrin.h>

/* All exceptions masked, rounding to nearest, FTZ (bit 15) and DAZ (bit 6). */
#define MXCSR_KERNELS 0x9fc0u

uint32_t
npu_cpu_enter_float_mode (void)
{
  uint32_t saved = _mm_getcsr ();
  _mm_setcsr (MXCSR_KERNELS);
  return saved;
}

void
npu_cpu_leave_float_mode (uint32_t saved)
{
  _mm_setcsr (saved);
}

#elif defined(__aarch64__)

/* FPCR: flush to zero (bit 24), rounding to nearest, no traps. */
#define FPCR_KERNELS (UINT64_C (1) << 24)

uint32_t
npu_cpu_enter_float_mode (void)
{
  uint64_t saved;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  __asm__ volatile("msr fpcr, %0" : : "r"(FPCR_KERNELS));
  return (uint32_t) saved;
}

void
npu_cpu_leave_float_mode (uint32_t saved)
{
  __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t) saved));
}

#else
#include <fenv.h>

/* Standard C can set the rounding only. */
uint32_t
npu_cpu_enter_float_mode (void)
{
  int saved = fegetround ();
  fesetround (FE_TONEAREST);
  return (uint32_t) saved;
}

void
npu_cpu_leave_float_mode (uint32_t saved)
{
  fesetround ((int) saved);
}

#endif
