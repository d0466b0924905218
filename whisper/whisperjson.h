/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperjson.h: the JSON of weight files, with their errors.
 */
#ifndef WHISPER_JSON_H
#define WHISPER_JSON_H

#include "npujson.h"

G_BEGIN_DECLS

#define WHISPER_JSON_MAX_BYTES NPU_JSON_MAX_BYTES /* a model: 0.2 MB */

/* As npu_json_parse(), or NULL and WHISPER_MODEL_ERROR_CORRUPT.  @path and
 * @what ("header") are for the message. */
JsonNode *whisper_json_parse (const gchar *text, gsize length,
    const gchar *path, const gchar *what, GError **error);

G_END_DECLS
#endif /* WHISPER_JSON_H */
