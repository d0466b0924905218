/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispernames.h: what the tensors of a Whisper encoder are called.
 */
#ifndef WHISPER_NAMES_H
#define WHISPER_NAMES_H

#include "npubackend.h"

G_BEGIN_DECLS

/* Ways to name the same weights, 0 … WHISPER_N_SCHEMES - 1: Hugging Face's
 * below "model.encoder.", below "encoder." and alone, and OpenAI's. */
#define WHISPER_N_SCHEMES 4
#define WHISPER_SCHEME_BARE 2

typedef enum {
  WHISPER_NAME_OTHER,   /* not the encoder's, or not of this scheme */
  WHISPER_NAME_WEIGHT,  /* the weight that *id and *layer tell */
  WHISPER_NAME_IGNORED, /* the encoder's, without effect */
  WHISPER_NAME_UNKNOWN  /* inside a layer, but no Whisper layer's */
} WhisperNameMeaning;

WhisperNameMeaning whisper_name_read (
    guint scheme, const gchar *name, NpuWeightId *id, guint *layer);

/* (transfer full) */
gchar *whisper_name_of (guint scheme, NpuWeightId id, guint layer);

G_END_DECLS
#endif /* WHISPER_NAMES_H */
