/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispersize.c: the sizes of Whisper that OpenAI published.
 *
 * Equal shapes have one name: large-v1 and -v2 are "large", the turbo variant
 * of large-v3 differs in its decoder only, English-only models have the shape
 * of their multilingual siblings, and distilled models that of their teachers.
 */
#include <string.h>

#include "whispermodel-private.h"

#define POSITIONS 1500 /* of 20 ms: 30 s */

/* "test" is made up: small enough for valgrind. */
static const gchar *const names[] = { "tiny", "base", "small", "medium",
  "large", "large-v3", "large-v3-turbo", "test", NULL };

static const struct {
  guint n_mels, width, layers;
} sizes[] = { { 80, 384, 4 }, { 80, 512, 6 }, { 80, 768, 12 }, { 80, 1024, 24 },
  { 80, 1280, 32 }, { 128, 1280, 32 }, { 128, 1280, 32 }, { 80, 64, 2 } };

G_STATIC_ASSERT (G_N_ELEMENTS (names) == G_N_ELEMENTS (sizes) + 1);

const gchar *const *
whisper_model_size_names (void)
{
  return names;
}

static void
fill_shape (guint i, NpuEncoderShape *shape)
{
  shape->n_mels = sizes[i].n_mels;
  shape->width = sizes[i].width;
  shape->ffn = 4 * sizes[i].width;
  shape->heads = sizes[i].width / NPU_HEAD_SIZE;
  shape->layers = sizes[i].layers;
  shape->positions = POSITIONS;
}

gboolean
whisper_size_shape (const gchar *name, NpuEncoderShape *shape)
{
  guint i;

  for (i = 0; names[i]; i++) {
    if (strcmp (names[i], name) == 0) {
      fill_shape (i, shape);
      return TRUE;
    }
  }
  return FALSE;
}

gchar *
whisper_size_name (const NpuEncoderShape *shape)
{
  NpuEncoderShape known;
  guint i;

  for (i = 0; strcmp (names[i], "test") != 0; i++) {
    fill_shape (i, &known);
    if (known.n_mels == shape->n_mels && known.width == shape->width
        && known.ffn == shape->ffn && known.layers == shape->layers
        && known.positions == shape->positions)
      return g_strdup (names[i]);
  }
  return g_strdup_printf ("custom-%ux%u", shape->width, shape->layers);
}
