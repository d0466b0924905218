/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispernames.c: what the tensors of a Whisper encoder are called.
 *
 * Hugging Face's names stand in safetensors files, alone or below the prefixes
 * of a whole model; OpenAI's are those of whisper.cpp's files.
 */
#include "whispernames.h"

#include <string.h>

/* In a layer: without its prefix and number.  [0]: Hugging Face's, [1]:
 * OpenAI's. */
static const gchar *const names[NPU_N_WEIGHTS][2] = {
  [NPU_WEIGHT_CONV1] = { "conv1.weight", "conv1.weight" },
  [NPU_WEIGHT_CONV1_BIAS] = { "conv1.bias", "conv1.bias" },
  [NPU_WEIGHT_CONV2] = { "conv2.weight", "conv2.weight" },
  [NPU_WEIGHT_CONV2_BIAS] = { "conv2.bias", "conv2.bias" },
  [NPU_WEIGHT_POSITIONS] = { "embed_positions.weight", "positional_embedding" },
  [NPU_WEIGHT_FINAL_NORM_GAMMA] = { "layer_norm.weight", "ln_post.weight" },
  [NPU_WEIGHT_FINAL_NORM_BETA] = { "layer_norm.bias", "ln_post.bias" },
  [NPU_WEIGHT_ATTENTION_NORM_GAMMA] = { "self_attn_layer_norm.weight",
      "attn_ln.weight" },
  [NPU_WEIGHT_ATTENTION_NORM_BETA] = { "self_attn_layer_norm.bias",
      "attn_ln.bias" },
  [NPU_WEIGHT_Q] = { "self_attn.q_proj.weight", "attn.query.weight" },
  [NPU_WEIGHT_Q_BIAS] = { "self_attn.q_proj.bias", "attn.query.bias" },
  [NPU_WEIGHT_K] = { "self_attn.k_proj.weight", "attn.key.weight" },
  [NPU_WEIGHT_V] = { "self_attn.v_proj.weight", "attn.value.weight" },
  [NPU_WEIGHT_V_BIAS] = { "self_attn.v_proj.bias", "attn.value.bias" },
  [NPU_WEIGHT_O] = { "self_attn.out_proj.weight", "attn.out.weight" },
  [NPU_WEIGHT_O_BIAS] = { "self_attn.out_proj.bias", "attn.out.bias" },
  [NPU_WEIGHT_FFN_NORM_GAMMA] = { "final_layer_norm.weight", "mlp_ln.weight" },
  [NPU_WEIGHT_FFN_NORM_BETA] = { "final_layer_norm.bias", "mlp_ln.bias" },
  [NPU_WEIGHT_FC1] = { "fc1.weight", "mlp.0.weight" },
  [NPU_WEIGHT_FC1_BIAS] = { "fc1.bias", "mlp.0.bias" },
  [NPU_WEIGHT_FC2] = { "fc2.weight", "mlp.2.weight" },
  [NPU_WEIGHT_FC2_BIAS] = { "fc2.bias", "mlp.2.bias" },
};

/* A bias of K shifts all scores of a query by the same amount, which softmax
 * takes out again: it may be there, and is not needed. */
static const gchar *const key_bias[2] = { "self_attn.k_proj.bias",
  "attn.key.bias" };

static const struct {
  const gchar *prefix;
  const gchar *layer_prefix; /* after prefix, before the layer's number */
  guint naming;              /* index into names[] */
} schemes[WHISPER_N_SCHEMES] = {
  { "model.encoder.", "layers.", 0 },
  { "encoder.", "layers.", 0 },
  { "", "layers.", 0 },
  { "encoder.", "blocks.", 1 },
};

gchar *
whisper_name_of (guint scheme, NpuWeightId id, guint layer)
{
  const gchar *name = names[id][schemes[scheme].naming];

  if (id < NPU_WEIGHT_FIRST_OF_LAYER)
    return g_strconcat (schemes[scheme].prefix, name, NULL);
  return g_strdup_printf ("%s%s%u.%s", schemes[scheme].prefix,
      schemes[scheme].layer_prefix, layer, name);
}

/* Splits "3.fc1.weight" into the number and what follows its dot; FALSE if
 * there is no number as a writer would print it. */
static gboolean
split_layer (const gchar *text, guint *layer, const gchar **rest)
{
  guint value = 0;
  const gchar *p;

  for (p = text; g_ascii_isdigit (*p) && p - text < 4; p++)
    value = value * 10 + g_ascii_digit_value (*p);
  if (p == text || *p != '.' || (p - text > 1 && text[0] == '0'))
    return FALSE;
  *layer = value;
  *rest = p + 1;
  return TRUE;
}

WhisperNameMeaning
whisper_name_read (
    guint scheme, const gchar *name, NpuWeightId *id, guint *layer)
{
  const guint naming = schemes[scheme].naming;
  const gchar *layer_prefix = schemes[scheme].layer_prefix;
  const gchar *rest;
  guint i, first = 0, end = NPU_WEIGHT_FIRST_OF_LAYER;

  if (!g_str_has_prefix (name, schemes[scheme].prefix))
    return WHISPER_NAME_OTHER;
  rest = name + strlen (schemes[scheme].prefix);
  *layer = 0;
  if (g_str_has_prefix (rest, layer_prefix)
      && split_layer (rest + strlen (layer_prefix), layer, &rest)) {
    first = NPU_WEIGHT_FIRST_OF_LAYER;
    end = NPU_N_WEIGHTS;
  }
  for (i = first; i < end; i++) {
    if (strcmp (names[i][naming], rest) == 0) {
      *id = i;
      return WHISPER_NAME_WEIGHT;
    }
  }
  if (first == 0)
    return WHISPER_NAME_OTHER;
  return strcmp (rest, key_bias[naming]) == 0 ? WHISPER_NAME_IGNORED
                                              : WHISPER_NAME_UNKNOWN;
}
