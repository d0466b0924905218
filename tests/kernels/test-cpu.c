/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-cpu.c: threads from the affinity mask and from the quotas of cgroups
 * that this program makes up in a folder, the float mode, what processors of
 * all kinds can do, and the choice of tables.
 */
#include "testutil.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpuflags.h"
#include "cpuquota.h"

static char root[] = "/tmp/npu-test-cpu-XXXXXX";

/* Writes @text to @path below the root; makes the folders. */
static void
write_file (const char *path, const char *text)
{
  char full[512];
  FILE *file;

  snprintf (full, sizeof full, "%s%s", root, path);
  for (char *p = full + strlen (root) + 1; (p = strchr (p, '/')); p++) {
    *p = '\0';
    if (mkdir (full, 0700) != 0 && errno != EEXIST)
      perror (full);
    *p = '/';
  }
  file = fopen (full, "w");
  if (!file) {
    perror (full);
    exit (EXIT_FAILURE);
  }
  fputs (text, file);
  fclose (file);
}

static void
forget_all (void)
{
  char command[128];

  snprintf (command, sizeof command, "rm -rf %s/proc %s/sys", root, root);
  if (system (command) != 0)
    perror (command);
}

static void
check_quota (const char *what, unsigned expected)
{
  unsigned quota = npu_cpu_quota (root);

  test_name ("cgroup quota: %s", what);
  test_check (quota == expected, "%u CPUs, not %u", quota, expected);
}

static void
check_v2 (void)
{
  check_quota ("no cgroups at all", 0);
  write_file ("/proc/self/cgroup", "0::/user.slice/app\n");
  check_quota ("groups that are not there", 0);
  write_file ("/sys/fs/cgroup/user.slice/app/cpu.max", "max 100000\n");
  check_quota ("v2 without limit", 0);
  write_file ("/sys/fs/cgroup/user.slice/app/cpu.max", "250000 100000\n");
  check_quota ("v2, 2.5 CPUs", 3);
  write_file ("/sys/fs/cgroup/user.slice/cpu.max", "200000 100000\n");
  check_quota ("v2, the parent's 2 CPUs are fewer", 2);
  write_file ("/sys/fs/cgroup/user.slice/cpu.max", "400000 100000\n");
  check_quota ("v2, the parent's 4 CPUs are more", 3);
  write_file ("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  check_quota ("v2, half a CPU at the root", 1);
  write_file ("/sys/fs/cgroup/cpu.max", "nonsense\n");
  check_quota ("v2, nonsense at the root", 3);
  write_file ("/proc/self/cgroup", "0::/a/host's/path\n");
  write_file ("/sys/fs/cgroup/cpu.max", "600000 100000\n");
  check_quota ("v2, the container's group is the mount's root", 6);
  write_file ("/proc/self/cgroup", "nonsense\n\n0\n::\n");
  check_quota ("nonsense in /proc", 6);
  write_file ("/proc/self/cgroup", "nonsense\n\n0\n");
  check_quota ("more nonsense in /proc", 0);
}

static void
check_v1 (void)
{
  write_file ("/sys/fs/cgroup/cpu.max", "max 100000\n");
  write_file ("/proc/self/cgroup",
      "12:memory:/mine\n"
      "4:cpu,cpuacct:/box/mine\n3:cpuset:/elsewhere\n1:name=systemd:/x\n");
  write_file ("/sys/fs/cgroup/cpu/box/mine/cpu.cfs_quota_us", "-1\n");
  write_file ("/sys/fs/cgroup/cpu/box/mine/cpu.cfs_period_us", "100000\n");
  check_quota ("v1 without limit", 0);
  write_file ("/sys/fs/cgroup/cpu/box/mine/cpu.cfs_quota_us", "150000\n");
  check_quota ("v1, 1.5 CPUs", 2);
  write_file ("/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us", "100000\n");
  write_file ("/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
  check_quota ("v1, the parent's 1 CPU", 1);
  write_file ("/sys/fs/cgroup/cpu/elsewhere/cpu.cfs_quota_us", "1000\n");
  write_file ("/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us", "0\n");
  check_quota ("v1, a period of 0 means nothing", 2);
}

/* One CPU allowed means one thread. */
static void
check_affinity (void)
{
  cpu_set_t before, one;
  int cpu = 0;

  test_name ("affinity");
  test_check (npu_cpu_threads () >= 1, "no thread at all");
  if (sched_getaffinity (0, sizeof before, &before) != 0) {
    printf ("affinity: more than %d CPUs, not tested\n", CPU_SETSIZE);
    return;
  }
  test_check (npu_cpu_threads () <= (unsigned) CPU_COUNT (&before),
      "%u threads on %d CPUs", npu_cpu_threads (), CPU_COUNT (&before));
  while (!CPU_ISSET (cpu, &before))
    cpu++;
  CPU_ZERO (&one);
  CPU_SET (cpu, &one);
  test_check (sched_setaffinity (0, sizeof one, &one) == 0, "not settable");
  test_check (npu_cpu_threads () == 1, "%u threads", npu_cpu_threads ());
  sched_setaffinity (0, sizeof before, &before);
}

static void
check_float_mode (void)
{
  volatile float tiny = 0x1p-126f, half = 0.5f, product;
  uint32_t saved = npu_cpu_enter_float_mode (), again;

  test_name ("float mode");
#if defined(__SSE__) || defined(__aarch64__)
  product = tiny * half;
  test_check (product == 0.0f, "denormals are not flushed");
#endif
  again = npu_cpu_enter_float_mode ();
  npu_cpu_leave_float_mode (again);
  npu_cpu_leave_float_mode (saved);
  product = tiny * half;
  test_check (product == 0x1p-127f, "the mode was not restored");
}

/* Intel's Sapphire Rapids under Linux, by Intel's manual. */
static const NpuCpuid sapphire_rapids = {
  .leaf1_ecx = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29,
  .leaf7_ebx = 1u << 5 | 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31,
  .leaf7_ecx = 1u << 11,
  .leaf7_edx = 1u << 22 | 1u << 24 | 1u << 25,
  .leaf7_1_eax = 1u << 4 | 1u << 5,
  .xcr0 = 0x602e7,
};

#define SAPPHIRE_RAPIDS_FLAGS                                                  \
  (NPU_CPU_AVX2 | NPU_CPU_AVX512 | NPU_CPU_AVX_VNNI | NPU_CPU_AVX512_VNNI      \
      | NPU_CPU_AVX512_BF16)

static unsigned n_requests;

static int
grant (void)
{
  n_requests++;
  return 0;
}

static int
refuse (void)
{
  n_requests++;
  return -1;
}

/* @flags, and whether the tiles were asked for. */
static void
check_flags_of (const char *what, const NpuCpuid *cpuid,
    int (*request_tiles) (void), NpuCpuFlags expected, unsigned requests)
{
  NpuCpuFlags flags;

  test_name ("flags of %s", what);
  n_requests = 0;
  flags = npu_cpu_flags_of (cpuid, request_tiles);
  test_check (flags == expected, "0x%x, not 0x%x", flags, expected);
  test_check (n_requests == requests, "asked for tiles %u times", n_requests);
}

/* The tiles are used where processor, system and kernel agree, and asked for
 * only where the rest is there. */
static void
check_amx_flags (void)
{
  NpuCpuid cpuid = sapphire_rapids;

  check_flags_of (
      "Sapphire Rapids", &cpuid, grant, SAPPHIRE_RAPIDS_FLAGS | NPU_CPU_AMX, 1);
  check_flags_of (
      "Sapphire Rapids, refused", &cpuid, refuse, SAPPHIRE_RAPIDS_FLAGS, 1);
  for (unsigned bit = 17; bit <= 18; bit++) {
    cpuid.xcr0 = sapphire_rapids.xcr0 & ~(1u << bit);
    check_flags_of (
        "a system without tiles", &cpuid, grant, SAPPHIRE_RAPIDS_FLAGS, 0);
  }
  cpuid = sapphire_rapids;
  for (unsigned bit = 22; bit <= 25; bit++) {
    cpuid.leaf7_edx = sapphire_rapids.leaf7_edx & ~(1u << bit);
    if (bit != 23)
      check_flags_of (
          "a part of AMX only", &cpuid, grant, SAPPHIRE_RAPIDS_FLAGS, 0);
  }
}

static void
check_other_flags (void)
{
  NpuCpuid cpuid = sapphire_rapids;

  cpuid.is_amd = 1;
  cpuid.leaf7_edx = 0;
  check_flags_of ("an AMD processor", &cpuid, grant,
      SAPPHIRE_RAPIDS_FLAGS | NPU_CPU_FAST_BF16, 0);
  cpuid = sapphire_rapids;
  cpuid.xcr0 = 0x60007;
  check_flags_of ("a system without ZMM", &cpuid, grant,
      NPU_CPU_AVX2 | NPU_CPU_AVX_VNNI, 0);
  cpuid.xcr0 = 0x3;
  check_flags_of ("a system without YMM", &cpuid, grant, 0, 0);
  cpuid = sapphire_rapids;
  cpuid.leaf1_ecx &= ~(1u << 12);
  check_flags_of ("a processor without FMA", &cpuid, grant, 0, 0);
}

static void
check_tables (void)
{
  const char *const *isas = npu_kernels_isas ();
  NpuKernels kernels, before;
  const char *best = NULL;

  test_name ("choice of tables");
  memset (&kernels, 0x55, sizeof kernels);
  before = kernels;
  test_check (strcmp (isas[0], "c") == 0, "the first is %s", isas[0]);
  test_check (npu_kernels_init (&kernels, npu_cpu_flags (), "6502") == -1,
      "an unknown instruction set was taken");
  for (; *isas; isas++) {
    if (strcmp (*isas, "c") != 0)
      test_check (npu_kernels_init (&kernels, 0, *isas) == -1,
          "%s was taken without its flag", *isas);
  }
  test_check (memcmp (&kernels, &before, sizeof before) == 0,
      "a refused table was touched");
  for (isas = npu_kernels_isas (); *isas; isas++)
    if (npu_kernels_init (&kernels, npu_cpu_flags (), *isas) == 0) {
      best = *isas;
      test_check (
          strcmp (kernels.isa, *isas) == 0, "%s gave %s", *isas, kernels.isa);
    }
  test_check (npu_kernels_init (&kernels, npu_cpu_flags (), NULL) == 0 && best
                  && strcmp (kernels.isa, best) == 0,
      "the best is %s, not %s", kernels.isa, best);
  printf ("best here: %s; threads: %u\n", kernels.isa, npu_cpu_threads ());
}

/* The table of a processor with AMX, and of the same one where the tiles are
 * refused; nothing of it is run. */
static void
check_amx_tables (void)
{
  NpuKernels amx, stepped_down;

  test_name ("tables of Sapphire Rapids");
  if (npu_kernels_init (&amx, SAPPHIRE_RAPIDS_FLAGS | NPU_CPU_AMX, "amx")
      != 0) {
    printf ("amx: not in this build\n");
    return;
  }
  npu_kernels_init (&amx, SAPPHIRE_RAPIDS_FLAGS | NPU_CPU_AMX, NULL);
  test_check (
      strcmp (amx.isa, "amx") == 0 && amx.bf16_is_fast, "%s with AMX", amx.isa);
  npu_kernels_init (&stepped_down, SAPPHIRE_RAPIDS_FLAGS, NULL);
  test_check (strcmp (stepped_down.isa, "avx512vnni") == 0
                  && !stepped_down.bf16_is_fast,
      "%s where AMX is refused", stepped_down.isa);
  for (int format = NPU_FORMAT_BF16; format < NPU_N_FORMATS; format++)
    test_check (amx.product[format].gemm != stepped_down.product[format].gemm
                    && amx.attention[format].attend
                           != stepped_down.attention[format].attend,
        "format %d is the same without AMX", format);
  test_check (npu_kernels_init (&amx, SAPPHIRE_RAPIDS_FLAGS, "amx") == -1,
      "amx was taken where it is refused");
}

int
main (void)
{
  if (!mkdtemp (root)) {
    perror (root);
    return EXIT_FAILURE;
  }
  check_v2 ();
  forget_all ();
  check_v1 ();
  forget_all ();
  rmdir (root);
  check_affinity ();
  check_float_mode ();
  check_amx_flags ();
  check_other_flags ();
  check_tables ();
  check_amx_tables ();
  return test_result ();
}
