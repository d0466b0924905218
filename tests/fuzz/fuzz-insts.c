/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-insts.c: an insts file.  The size in its header is set right, since a
 * wrong one would end most runs there; it is forged in
 * tests/check/libs/npuinsts.c. */
#include <stdlib.h>

#include "fuzzdesign.h"
#include "fuzztarget.h"
#include "npuinsts.h"

#define AT_SIZE 12

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const NpuInstsLimits limits = { .generation = NPU_GENERATION_PHOENIX,
    .columns = 4,
    .n_buffers = 8,
    .buffer_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 } };
  uint8_t *file = fuzz_design_forge (data, size, AT_SIZE, 4, size);
  GError *error = NULL;
  NpuInsts insts;
  gboolean sound =
      npu_insts_parse (file, size, &limits, FUZZ_DESIGN_PATH, &insts, &error);

  fuzz_design_judge (sound, error);
  if (sound
      && (insts.n_syncs == 0 || insts.buffers >= 1u << limits.n_buffers
          || insts.columns < 1 || insts.columns > limits.columns
          || insts.n_operations > size / 4))
    abort ();
  g_free (file);
  return 0;
}
