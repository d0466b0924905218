/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-manifest.c: a design's manifest. */
#include <stdlib.h>
#include <string.h>

#include "fuzzdesign.h"
#include "fuzztarget.h"
#include "npumanifest.h"

/* A file must lie in the design's folder. */
static void
check_file (const NpuManifestFile *file)
{
  if (file->name[0] == '.' || strchr (file->name, '/') != NULL
      || strlen (file->sha256) != 64 || file->bytes == 0
      || file->bytes > NPU_MANIFEST_MAX_FILE_BYTES)
    abort ();
}

static void
check (const NpuManifest *manifest)
{
  const NpuManifestSequence *known =
      g_ptr_array_index (manifest->sequences, manifest->known_sequence);

  check_file (&manifest->xclbin);
  check_file (&manifest->known_answer);
  for (guint i = 0; i < manifest->sequences->len; i++) {
    const NpuManifestSequence *sequence =
        g_ptr_array_index (manifest->sequences, i);

    check_file (&sequence->insts);
    if (npu_manifest_find_sequence (manifest, sequence->name) != sequence)
      abort ();
  }
  if (npu_manifest_sequence_get_answer_bytes (known)
      != manifest->known_answer.bytes)
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  /* Of that size exactly, so that ASan sees every step beyond. */
  gchar *text = g_memdup2 (data, size);
  GError *error = NULL;
  NpuManifest *manifest =
      npu_manifest_parse (text, size, FUZZ_DESIGN_PATH, &error);

  fuzz_design_judge (manifest != NULL, error);
  if (manifest != NULL) {
    check (manifest);
    npu_manifest_free (manifest);
  }
  g_free (text);
  return 0;
}
