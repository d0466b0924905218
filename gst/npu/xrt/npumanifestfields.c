/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npumanifestfields.c: fields of a manifest, read strictly.
 */
#include "npumanifestfields.h"

#include <string.h>

#define MAX_TEXT 64

gboolean
npu_fields_refuse (const NpuFields *fields, const gchar *field, GError **error,
    const gchar *format, ...)
{
  const gchar *dot = *fields->where && field ? "." : "";
  va_list args;
  gchar *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  npu_design_error_set (error, NPU_DESIGN_ERROR_MANIFEST, fields->path,
      "%s%s%s: %s", fields->where, dot, field ? field : "", text);
  g_free (text);
  return FALSE;
}

gboolean
npu_fields_check_names (
    const NpuFields *fields, const gchar *const *names, GError **error)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *node;

  json_object_iter_init (&iter, fields->object);
  while (json_object_iter_next (&iter, &name, &node)) {
    if (!g_strv_contains (names, name))
      return npu_fields_refuse (
          fields, name, error, "there is no such field in this version");
  }
  return TRUE;
}

/* The value, which must be of @type, called @what. */
static JsonNode *
get_node (const NpuFields *fields, const gchar *field, JsonNodeType type,
    const gchar *what, GError **error)
{
  JsonNode *node = json_object_get_member (fields->object, field);

  if (node && json_node_get_node_type (node) == type)
    return node;
  if (node)
    npu_fields_refuse (fields, field, error, "is not %s", what);
  else
    npu_fields_refuse (fields, field, error, "is missing");
  return NULL;
}

static const gchar *
get_string (const NpuFields *fields, const gchar *field, GError **error)
{
  JsonNode *node = get_node (fields, field, JSON_NODE_VALUE, "a text", error);

  if (!node)
    return NULL;
  if (json_node_get_value_type (node) != G_TYPE_STRING) {
    npu_fields_refuse (fields, field, error, "is not a text");
    return NULL;
  }
  return json_node_get_string (node);
}

static const gchar *
allowed (NpuTextKind kind)
{
  switch (kind) {
    case NPU_TEXT_NAME:
      return G_CSET_a_2_z G_CSET_DIGITS "-_";
    case NPU_TEXT_IDENTIFIER:
      return G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_";
    case NPU_TEXT_FILE:
      return G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".-_";
    case NPU_TEXT_SHA256:
      return "abcdef" G_CSET_DIGITS;
    case NPU_TEXT_PRINTABLE:
      break;
  }
  return NULL;
}

static gboolean
is_of_kind (const gchar *text, NpuTextKind kind)
{
  const gchar *set = allowed (kind), *p;

  for (p = text; *p; p++) {
    if (set ? !strchr (set, *p) : !g_ascii_isprint (*p))
      return FALSE;
  }
  switch (kind) {
    case NPU_TEXT_NAME:
    case NPU_TEXT_IDENTIFIER:
      return g_ascii_isalpha (*text);
    case NPU_TEXT_FILE:
      return *text != '.';
    case NPU_TEXT_SHA256:
      return p - text == 64;
    case NPU_TEXT_PRINTABLE:
      break;
  }
  return TRUE;
}

static const gchar *
describe (NpuTextKind kind)
{
  switch (kind) {
    case NPU_TEXT_NAME:
      return "a letter, then a to z, 0 to 9, \"-\" and \"_\"";
    case NPU_TEXT_IDENTIFIER:
      return "a letter, then letters, digits and \"_\"";
    case NPU_TEXT_FILE:
      return "the name of a file beside the manifest: letters, digits, \".\", "
             "\"-\" and \"_\", not \".\" first";
    case NPU_TEXT_SHA256:
      return "64 hexadecimal digits in lower case";
    case NPU_TEXT_PRINTABLE:
      break;
  }
  return "printable ASCII";
}

static gboolean
check_text (const NpuFields *fields, const gchar *field, const gchar *text,
    NpuTextKind kind, GError **error)
{
  if (*text == '\0' || strlen (text) > MAX_TEXT)
    return npu_fields_refuse (fields, field, error,
        "has %" G_GSIZE_FORMAT " bytes, not 1 to %d", strlen (text), MAX_TEXT);
  if (!is_of_kind (text, kind)) {
    gchar *shown = g_strescape (text, NULL);

    npu_fields_refuse (
        fields, field, error, "\"%s\" is not %s", shown, describe (kind));
    g_free (shown);
    return FALSE;
  }
  return TRUE;
}

gboolean
npu_fields_check_name (
    const NpuFields *fields, const gchar *name, GError **error)
{
  return check_text (fields, name, name, NPU_TEXT_NAME, error);
}

gboolean
npu_fields_get_text (const NpuFields *fields, const gchar *field,
    NpuTextKind kind, gchar **text, GError **error)
{
  const gchar *value = get_string (fields, field, error);

  if (!value || !check_text (fields, field, value, kind, error))
    return FALSE;
  *text = g_strdup (value);
  return TRUE;
}

gboolean
npu_fields_get_integer (const NpuFields *fields, const gchar *field,
    guint64 least, guint64 most, guint64 *value, GError **error)
{
  JsonNode *node =
      get_node (fields, field, JSON_NODE_VALUE, "an integer", error);
  gint64 found;

  if (!node)
    return FALSE;
  if (json_node_get_value_type (node) != G_TYPE_INT64)
    return npu_fields_refuse (fields, field, error, "is not an integer");
  found = json_node_get_int (node);
  if (found < 0 || (guint64) found < least || (guint64) found > most)
    return npu_fields_refuse (fields, field, error,
        "is %" G_GINT64_FORMAT ", not %" G_GUINT64_FORMAT
        " to %" G_GUINT64_FORMAT,
        found, least, most);
  *value = found;
  return TRUE;
}

gboolean
npu_fields_get_number (const NpuFields *fields, const gchar *field,
    gdouble least, gdouble most, gdouble *value, GError **error)
{
  JsonNode *node = get_node (fields, field, JSON_NODE_VALUE, "a number", error);

  if (!node)
    return FALSE;
  if (json_node_get_value_type (node) != G_TYPE_INT64
      && json_node_get_value_type (node) != G_TYPE_DOUBLE)
    return npu_fields_refuse (fields, field, error, "is not a number");
  *value = json_node_get_double (node);
  if (!(*value >= least && *value <= most))
    return npu_fields_refuse (
        fields, field, error, "is not %g to %g", least, most);
  return TRUE;
}

gboolean
npu_fields_get_choice (const NpuFields *fields, const gchar *field,
    const gchar *const *names, guint *choice, GError **error)
{
  const gchar *value = get_string (fields, field, error);
  gchar *all;

  if (!value)
    return FALSE;
  for (*choice = 0; names[*choice]; (*choice)++) {
    if (strcmp (names[*choice], value) == 0)
      return TRUE;
  }
  all = g_strjoinv (", ", (gchar **) names);
  npu_fields_refuse (fields, field, error, "is not one of %s", all);
  g_free (all);
  return FALSE;
}

/* "where.field", or "where.field[i]" for @i >= 0 (transfer full). */
static gchar *
extend (const NpuFields *fields, const gchar *field, gint i)
{
  const gchar *dot = *fields->where ? "." : "";

  if (i < 0)
    return g_strconcat (fields->where, dot, field, NULL);
  return g_strdup_printf ("%s%s%s[%d]", fields->where, dot, field, i);
}

gboolean
npu_fields_get_object (const NpuFields *fields, const gchar *field,
    NpuFields *inner, GError **error)
{
  JsonNode *node =
      get_node (fields, field, JSON_NODE_OBJECT, "an object", error);

  if (!node)
    return FALSE;
  inner->path = fields->path;
  inner->where = extend (fields, field, -1);
  inner->object = json_node_get_object (node);
  return TRUE;
}

gboolean
npu_fields_get_array (const NpuFields *fields, const gchar *field, guint most,
    JsonArray **array, GError **error)
{
  JsonNode *node = get_node (fields, field, JSON_NODE_ARRAY, "an array", error);
  guint n;

  if (!node)
    return FALSE;
  *array = json_node_get_array (node);
  n = json_array_get_length (*array);
  if (n < 1 || n > most)
    return npu_fields_refuse (
        fields, field, error, "has %u elements, not 1 to %u", n, most);
  return TRUE;
}

gboolean
npu_fields_get_element (const NpuFields *fields, const gchar *field,
    JsonArray *array, guint i, NpuFields *inner, GError **error)
{
  JsonNode *node = json_array_get_element (array, i);

  inner->path = fields->path;
  inner->where = extend (fields, field, i);
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    inner->object = json_node_get_object (node);
    return TRUE;
  }
  npu_fields_refuse (inner, NULL, error, "is not an object");
  npu_fields_clear (inner);
  return FALSE;
}

void
npu_fields_clear (NpuFields *inner)
{
  g_free ((gchar *) inner->where);
  inner->where = NULL;
}
