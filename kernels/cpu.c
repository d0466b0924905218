/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpu.c: CPUID, the number of threads worth starting, the float mode.
 */
#include "cpu.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpuflags.h"
#include "cpuquota.h"

/* Leaf 1, ECX. */
#define FMA (1u << 12)
#define OSXSAVE (1u << 27)
#define AVX (1u << 28)
#define F16C (1u << 29)
/* Leaf 7, subleaf 0, EBX. */
#define AVX2 (1u << 5)
#define AVX512F (1u << 16)
#define AVX512DQ (1u << 17)
#define AVX512CD (1u << 28)
#define AVX512BW (1u << 30)
#define AVX512VL (1u << 31)
/* Leaf 7, subleaf 0, ECX and EDX. */
#define AVX512_VNNI (1u << 11)
#define AMX_BF16 (1u << 22)
#define AMX_TILE (1u << 24)
#define AMX_INT8 (1u << 25)
/* Leaf 7, subleaf 1, EAX. */
#define AVX_VNNI (1u << 4)
#define AVX512_BF16 (1u << 5)
/* XCR0. */
#define XCR0_YMM 0x06u
#define XCR0_ZMM 0xe6u
#define XCR0_TILES 0x60000u

static int
has (uint32_t value, uint32_t bits)
{
  return (value & bits) == bits;
}

static NpuCpuFlags
avx512_flags (const NpuCpuid *cpuid)
{
  const uint32_t needed = AVX512F | AVX512DQ | AVX512CD | AVX512BW | AVX512VL;
  NpuCpuFlags flags = NPU_CPU_AVX512;

  if (!has (cpuid->leaf7_ebx, needed) || !has (cpuid->xcr0, XCR0_ZMM))
    return 0;
  if (cpuid->leaf7_ecx & AVX512_VNNI)
    flags |= NPU_CPU_AVX512_VNNI;
  if (cpuid->leaf7_1_eax & AVX512_BF16)
    flags |= NPU_CPU_AVX512_BF16 | (cpuid->is_amd ? NPU_CPU_FAST_BF16 : 0);
  return flags;
}

NpuCpuFlags
npu_cpu_flags_of (const NpuCpuid *cpuid, int (*request_tiles) (void))
{
  const NpuCpuFlags amx_needs = NPU_CPU_AVX512_VNNI | NPU_CPU_AVX512_BF16;
  NpuCpuFlags flags = NPU_CPU_AVX2;

  if (!has (cpuid->leaf1_ecx, FMA | OSXSAVE | AVX | F16C)
      || !(cpuid->leaf7_ebx & AVX2) || !has (cpuid->xcr0, XCR0_YMM))
    return 0;
  if (cpuid->leaf7_1_eax & AVX_VNNI)
    flags |= NPU_CPU_AVX_VNNI;
  flags |= avx512_flags (cpuid);
  if ((flags & amx_needs) == amx_needs
      && has (cpuid->leaf7_edx, AMX_TILE | AMX_INT8 | AMX_BF16)
      && has (cpuid->xcr0, XCR0_TILES) && request_tiles () == 0)
    flags |= NPU_CPU_AMX;
  return flags;
}

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>

/* From Linux 5.16 on; not in every system's headers. */
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18

/* Refused by older kernels, by a sandbox, or where a thread's alternate signal
 * stack is too small for the tiles. */
static int
request_tiles (void)
{
  return syscall (SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0
             ? 0
             : -1;
}

#else

static int
request_tiles (void)
{
  return -1;
}

#endif

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

NpuCpuFlags
npu_cpu_flags (void)
{
  NpuCpuid cpuid = { 0 };
  unsigned a, b, c, d, last_subleaf;

  if (!__get_cpuid (1, &a, &b, &cpuid.leaf1_ecx, &d)
      || !(cpuid.leaf1_ecx & OSXSAVE)) /* without it, XGETBV faults */
    return 0;
  cpuid.xcr0 = read_xcr0 ();
  if (!__get_cpuid_count (7, 0, &last_subleaf, &cpuid.leaf7_ebx,
          &cpuid.leaf7_ecx, &cpuid.leaf7_edx))
    return 0;
  if (last_subleaf >= 1)
    __cpuid_count (7, 1, cpuid.leaf7_1_eax, b, c, d);
  cpuid.is_amd = is_amd ();
  return npu_cpu_flags_of (&cpuid, request_tiles);
}

#else

NpuCpuFlags
npu_cpu_flags (void)
{
  return 0;
}

#endif

/* The affinity mask of the process's first thread, which a thread that was pinned
 * does not change; NULL if the system does not say.  The mask's size is not known
 * beforehand, so it grows until the kernel's fits. */
static cpu_set_t *
get_process_affinity (size_t *size)
{
  for (int n = 1024; n <= 1 << 20; n *= 2) {
    cpu_set_t *set = CPU_ALLOC (n);

    *size = CPU_ALLOC_SIZE (n);
    if (!set)
      return NULL;
    if (sched_getaffinity (getpid (), *size, set) == 0)
      return set;
    CPU_FREE (set);
    if (errno != EINVAL)
      return NULL;
  }
  return NULL;
}

/* 0: unknown. */
static unsigned
affinity_cpus (void)
{
  size_t size;
  cpu_set_t *set = get_process_affinity (&size);
  int count;

  if (!set)
    return 0;
  count = CPU_COUNT_S (size, set);
  CPU_FREE (set);
  return (unsigned) count;
}

void
npu_cpu_use_all (void)
{
  size_t size;
  cpu_set_t *set = get_process_affinity (&size);

  if (!set)
    return;
  sched_setaffinity (0, size, set);
  CPU_FREE (set);
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
