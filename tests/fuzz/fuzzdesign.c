/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzzdesign.c: what the fuzz targets of designs for NPUs share. */
#include "fuzzdesign.h"

#include <stdlib.h>
#include <string.h>

#include "fuzztarget.h"
#include "npudesignerror.h"

unsigned fuzz_accepted;

void
fuzz_design_judge (gboolean sound, GError *error)
{
  if (sound) {
    fuzz_accepted++;
    return;
  }
  if (error == NULL || error->domain != NPU_DESIGN_ERROR
      || !g_str_has_prefix (error->message, FUZZ_DESIGN_PATH ": ")
      || !g_utf8_validate (error->message, -1, NULL)
      || strpbrk (error->message, "\n\r\t\a\b\x1b") != NULL)
    abort ();
  g_error_free (error);
}

uint8_t *
fuzz_design_forge (
    const uint8_t *data, gsize size, gsize at, gsize bytes, guint64 value)
{
  /* Of that size exactly, so that ASan sees every step beyond. */
  uint8_t *copy = g_memdup2 (data, size);
  gsize i;

  for (i = 0; i < bytes && at + i < size; i++)
    copy[at + i] = (uint8_t) (value >> 8 * i);
  return copy;
}
