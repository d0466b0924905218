/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfinite.h: looks for NaN and infinity in stored weights.
 */
#ifndef WHISPER_FINITE_H
#define WHISPER_FINITE_H

#include <glib.h>

#include "npukernels.h"

G_BEGIN_DECLS

/* The index of the first of @n values at @data that is not finite, or @n.
 * Of a quantised
 * type, the first of its block.  @data may have any alignment. */
gsize whisper_find_not_finite (NpuDtype dtype, gconstpointer data, gsize n);

G_END_DECLS
#endif /* WHISPER_FINITE_H */
