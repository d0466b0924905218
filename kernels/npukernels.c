/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npukernels.c: chooses the entries of the table.
 *
 * To add an instruction set: a flag in cpu.h, a file with an init function that
 * overrides entries, compiled with its own flags (meson.build), a line in the
 * list below.
 */
#include "npukernels-private.h"

#include <string.h>

typedef struct {
  const char *name;
  NpuCpuFlags needs;
  void (*init) (NpuKernels *kernels);
} InstructionSet;

static void
ref_init (NpuKernels *kernels)
{
  npu_ref_convert_init (kernels);
  npu_ref_mel_init (kernels);
  npu_ref_layernorm_init (kernels);
  npu_ref_gemm_init (kernels);
  npu_ref_gemm_bf16_init (kernels);
  npu_ref_gemm_int8_init (kernels);
  npu_ref_attention_init (kernels);
}

/* Best last.  Each is laid over those before it, also where the processor lacks
 * one of those: avx512 has a better entry for each of avxvnni's, and amx for
 * each of avx512bf16's. */
static const InstructionSet instruction_sets[] = {
  { "c", 0, ref_init },
#ifdef NPU_HAVE_AVX2
  { "avx2", NPU_CPU_AVX2, npu_avx2_init },
#endif
#ifdef NPU_HAVE_AVXVNNI
  { "avxvnni", NPU_CPU_AVX2 | NPU_CPU_AVX_VNNI, npu_avxvnni_init },
#endif
#ifdef NPU_HAVE_AVX512
  { "avx512", NPU_CPU_AVX2 | NPU_CPU_AVX512, npu_avx512_init },
#endif
#ifdef NPU_HAVE_AVX512VNNI
  { "avx512vnni", NPU_CPU_AVX2 | NPU_CPU_AVX512 | NPU_CPU_AVX512_VNNI,
      npu_avx512vnni_init },
#endif
#ifdef NPU_HAVE_AVX512BF16
  { "avx512bf16",
      NPU_CPU_AVX2 | NPU_CPU_AVX512 | NPU_CPU_AVX512_VNNI | NPU_CPU_FAST_BF16,
      npu_avx512bf16_init },
#endif
#ifdef NPU_HAVE_AMX
  { "amx", NPU_CPU_AVX2 | NPU_CPU_AVX512 | NPU_CPU_AVX512_VNNI | NPU_CPU_AMX,
      npu_amx_init },
#endif
};

#define N_SETS (sizeof instruction_sets / sizeof instruction_sets[0])

/* The same names, as npu_kernels_isas() hands them out. */
static const char *const names[N_SETS + 1] = { "c",
#ifdef NPU_HAVE_AVX2
  "avx2",
#endif
#ifdef NPU_HAVE_AVXVNNI
  "avxvnni",
#endif
#ifdef NPU_HAVE_AVX512
  "avx512",
#endif
#ifdef NPU_HAVE_AVX512VNNI
  "avx512vnni",
#endif
#ifdef NPU_HAVE_AVX512BF16
  "avx512bf16",
#endif
#ifdef NPU_HAVE_AMX
  "amx",
#endif
  NULL };

const char *const *
npu_kernels_isas (void)
{
  return names;
}

/* The index of @isa, or of the best that @flags allow; -1 if there is none. */
static int
find_set (NpuCpuFlags flags, const char *isa)
{
  for (int i = (int) N_SETS - 1; i >= 0; i--) {
    const InstructionSet *set = &instruction_sets[i];

    if ((set->needs & ~flags) == 0 && (!isa || strcmp (isa, set->name) == 0))
      return i;
  }
  return -1;
}

int
npu_kernels_init (NpuKernels *kernels, NpuCpuFlags flags, const char *isa)
{
  int best = find_set (flags, isa);

  if (best < 0)
    return -1;
  kernels->bf16_is_fast = 0;
  for (int i = 0; i <= best; i++) {
    instruction_sets[i].init (kernels);
    kernels->isa = instruction_sets[i].name;
  }
  return 0;
}
