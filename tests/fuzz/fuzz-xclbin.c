/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-xclbin.c: an xclbin.  Its magic and its length are set right, since
 * wrong ones would end most runs at the first check; those are forged in
 * tests/check/libs/npuxclbin.c. */
#include <stdlib.h>

#include "fuzzdesign.h"
#include "fuzztarget.h"
#include "npuxclbin.h"

#define MAGIC G_GUINT64_CONSTANT (0x00326e69626c6378) /* "xclbin2" */
#define AT_LENGTH 304

/* What the backend will rely on. */
static void
check (const NpuXclbin *xclbin)
{
  if (xclbin->columns < 1 || xclbin->columns > NPU_XCLBIN_MAX_COLUMNS
      || xclbin->n_arguments <= NPU_XCLBIN_FIXED_ARGUMENTS
      || xclbin->n_arguments > NPU_XCLBIN_MAX_ARGUMENTS
      || !g_strv_contains ((const gchar *const *) xclbin->kernels, "MLIR_AIE"))
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  uint8_t *with_magic = fuzz_design_forge (data, size, 0, 8, MAGIC);
  uint8_t *file = fuzz_design_forge (with_magic, size, AT_LENGTH, 8, size);
  GError *error = NULL;
  NpuXclbin xclbin;
  gboolean sound = npu_xclbin_parse (
      file, size, "MLIR_AIE", FUZZ_DESIGN_PATH, &xclbin, &error);

  fuzz_design_judge (sound, error);
  if (sound) {
    check (&xclbin);
    npu_xclbin_clear (&xclbin);
  }
  g_free (file);
  g_free (with_magic);
  return 0;
}
