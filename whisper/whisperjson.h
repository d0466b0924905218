/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperjson.h: JSON that comes from strangers.
 */
#ifndef WHISPER_JSON_H
#define WHISPER_JSON_H

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define WHISPER_JSON_MAX_BYTES (16 << 20) /* a Whisper model: 0.2 MB */
#define WHISPER_JSON_MAX_DEPTH 16         /* of objects and arrays */
#define WHISPER_JSON_MAX_VALUES 200000
#define WHISPER_JSON_MAX_KEY 256 /* bytes of an object's key */
#define WHISPER_JSON_MAX_INTEGER (G_GINT64_CONSTANT (1) << 53)

/* The object that the @length bytes at @text hold, or NULL and
 * WHISPER_MODEL_ERROR_CORRUPT with the key and the byte at fault.
 * Beyond RFC 8259: no key twice in an object, no escapes in keys, and the
 * limits above.  @path and @what ("header") are for the message. */
JsonNode *whisper_json_parse (const gchar *text, gsize length,
    const gchar *path, const gchar *what, GError **error);

G_END_DECLS
#endif /* WHISPER_JSON_H */
