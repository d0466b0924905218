/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whispersynthetic.h: made-up weights of any size.
 */
#ifndef WHISPER_SYNTHETIC_H
#define WHISPER_SYNTHETIC_H

#include "whispermodel.h"

G_BEGIN_DECLS

/* The size that "synthetic", "synthetic:base" or "synthetic-base" asks for;
 * NULL if @name asks for no synthetic weights. */
const gchar *whisper_synthetic_size (const gchar *name);

/* The same weights on every machine.  An unknown @size is
 * WHISPER_MODEL_ERROR_NOT_FOUND with the sizes in its message. */
WhisperModel *whisper_synthetic_new (const gchar *size, GError **error);

G_END_DECLS
#endif /* WHISPER_SYNTHETIC_H */
