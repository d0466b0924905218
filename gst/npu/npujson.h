/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npujson.h: JSON that comes from strangers.
 */
#ifndef NPU_JSON_H
#define NPU_JSON_H

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define NPU_JSON_MAX_BYTES (16 << 20) /* a Whisper model: 0.2 MB */
#define NPU_JSON_MAX_DEPTH 16         /* of objects and arrays */
#define NPU_JSON_MAX_VALUES 200000
#define NPU_JSON_MAX_KEY 256 /* bytes of an object's key */
#define NPU_JSON_MAX_INTEGER (G_GINT64_CONSTANT (1) << 53)

/* The object that the @length bytes at @text hold, or NULL and in *@fault
 * (transfer full) what is wrong, with the key and the byte.
 * Beyond RFC 8259: no key twice in an object, no escapes in keys, and the
 * limits above. */
JsonNode *npu_json_parse (const gchar *text, gsize length, gchar **fault);

G_END_DECLS
#endif /* NPU_JSON_H */
