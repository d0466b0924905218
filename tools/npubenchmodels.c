/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npubenchmodels.c: --list-models, what an element without a model would find
 * where, and why it would pass something over. */
#include "npubench.h"

#include "whispersearch.h"

static void
print_usable (
    const WhisperCandidate *candidate, WhisperModel *model, gboolean *chosen)
{
  const NpuEncoderShape *shape = whisper_model_get_shape (model);

  g_print ("%s %-18s  %s\n%22s%s: %u mel bands, width %u, %u layers\n",
      *chosen ? " " : "*", whisper_place_name (candidate->place),
      candidate->path, "", whisper_model_get_name (model), shape->n_mels,
      shape->width, shape->layers);
  *chosen = TRUE;
}

static void
print_skipped (const WhisperCandidate *candidate)
{
  g_print ("- %-18s  %s\n%22s%s\n", whisper_place_name (candidate->place),
      candidate->path[0] != '\0' ? candidate->path : "-", "",
      candidate->reason);
}

gboolean
bench_list_models (void)
{
  g_autoptr (GPtrArray) list = whisper_search_list ();
  gboolean chosen = FALSE, refused = FALSE;

  for (guint i = 0; i < list->len; i++) {
    WhisperCandidate *candidate = g_ptr_array_index (list, i);
    WhisperModel *model = NULL;

    if (candidate->reason == NULL)
      model = whisper_candidate_open (candidate, NULL);
    if (model != NULL) {
      print_usable (candidate, model, &chosen);
      whisper_model_unref (model);
    } else {
      /* A variable that is set is used or refused. */
      refused |= candidate->place == WHISPER_PLACE_VARIABLE
                 && candidate->path[0] != '\0';
      print_skipped (candidate);
    }
  }
  if (refused)
    g_print ("\nNPU_WHISPER_MODEL cannot be used: nothing else is tried.\n");
  else if (chosen)
    g_print ("\n* is used when no model is named; - is passed over.\n");
  else
    g_print ("\nNo weights: synthetic base weights would be used.  Get some "
             "with scripts/get-model.sh.\n");
  return chosen && !refused;
}
