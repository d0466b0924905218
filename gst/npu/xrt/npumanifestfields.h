/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumanifestfields.h: fields of a manifest, read strictly; every refusal
 * names the field: "sequences[0].insts.bytes: …".
 */
#ifndef NPU_MANIFEST_FIELDS_H
#define NPU_MANIFEST_FIELDS_H

#include <json-glib/json-glib.h>

#include "npudesignerror.h"

G_BEGIN_DECLS

/* An object and how one gets to it. */
typedef struct {
  const gchar *path;  /* the file's */
  const gchar *where; /* "sequences[0].insts", or "" */
  JsonObject *object;
} NpuFields;

/* A text of at most 64 bytes, of these characters. */
typedef enum {
  NPU_TEXT_NAME,       /* lower case, digits, "-", "_"; a letter first */
  NPU_TEXT_IDENTIFIER, /* of C */
  NPU_TEXT_FILE,       /* letters, digits, ".", "-", "_"; not "." first */
  NPU_TEXT_SHA256,     /* 64 hexadecimal digits, lower case */
  NPU_TEXT_PRINTABLE   /* of ASCII */
} NpuTextKind;

/* "<path>: <where>.<field>: <text>; …"; returns FALSE.  @field may be NULL. */
gboolean npu_fields_refuse (const NpuFields *fields, const gchar *field,
    GError **error, const gchar *format, ...) G_GNUC_PRINTF (4, 5);

/* Refuses a field that is not in the NULL-terminated @names: what it says
 * would go unheard. */
gboolean npu_fields_check_names (
    const NpuFields *fields, const gchar *const *names, GError **error);

/* The name of a field, of an object whose fields are named freely. */
gboolean npu_fields_check_name (
    const NpuFields *fields, const gchar *name, GError **error);

/* Each sets its last parameter but one, or fails; texts: transfer full. */
gboolean npu_fields_get_text (const NpuFields *fields, const gchar *field,
    NpuTextKind kind, gchar **text, GError **error);
gboolean npu_fields_get_integer (const NpuFields *fields, const gchar *field,
    guint64 least, guint64 most, guint64 *value, GError **error);
gboolean npu_fields_get_number (const NpuFields *fields, const gchar *field,
    gdouble least, gdouble most, gdouble *value, GError **error);
/* The place of the text in the NULL-terminated @names. */
gboolean npu_fields_get_choice (const NpuFields *fields, const gchar *field,
    const gchar *const *names, guint *choice, GError **error);

/* The object @field; @inner->where is to be freed. */
gboolean npu_fields_get_object (const NpuFields *fields, const gchar *field,
    NpuFields *inner, GError **error);
/* 1 to @most elements; the array belongs to the object. */
gboolean npu_fields_get_array (const NpuFields *fields, const gchar *field,
    guint most, JsonArray **array, GError **error);
/* Element @i of it, as npu_fields_get_object(). */
gboolean npu_fields_get_element (const NpuFields *fields, const gchar *field,
    JsonArray *array, guint i, NpuFields *inner, GError **error);

void npu_fields_clear (NpuFields *inner);

G_END_DECLS
#endif /* NPU_MANIFEST_FIELDS_H */
