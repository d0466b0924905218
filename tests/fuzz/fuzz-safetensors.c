/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-safetensors.c: a safetensors file.  The input is the header's text and
 * what follows; its length field is put in front, since a random one would
 * end most runs at the first check.  Length fields are forged in
 * tests/check/libs/whispermodel-safetensors.c. */
#include <string.h>

#include <glib.h>

#include "fuzzmodel.h"
#include "fuzztarget.h"

/* The header ends with the brace that closes its first one; names hold no
 * braces in the seeds. */
static size_t
header_length (const uint8_t *data, size_t size)
{
  int depth = 0;

  for (size_t i = 0; i < size; i++) {
    depth += (data[i] == '{') - (data[i] == '}');
    if (depth <= 0)
      return i + 1;
  }
  return size;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  guint64 length = GUINT64_TO_LE ((guint64) header_length (data, size));
  uint8_t *file = g_malloc (sizeof (length) + size);

  memcpy (file, &length, sizeof (length));
  if (size > 0)
    memcpy (file + sizeof (length), data, size);
  fuzz_open_model (file, sizeof (length) + size);
  g_free (file);
  return 0;
}
