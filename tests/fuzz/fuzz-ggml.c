/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-ggml.c: a ggml file; its magic number is put in front. */
#include <string.h>

#include <glib.h>

#include "fuzzmodel.h"
#include "fuzztarget.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const uint8_t magic[4] = { 'l', 'm', 'g', 'g' };
  uint8_t *file = g_malloc (sizeof (magic) + size);

  memcpy (file, magic, sizeof (magic));
  if (size > 0)
    memcpy (file + sizeof (magic), data, size);
  fuzz_open_model (file, sizeof (magic) + size);
  g_free (file);
  return 0;
}
