/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npujson.c: a guard before json-glib.
 *
 * json-glib 1.6 recurses as deep as its input says, asserts on half a
 * surrogate pair, keeps the last of two equal keys without a word, wraps large
 * integers, and takes comments for white space.  So the text is walked once
 * here, strictly and with limits, and json-glib then only sees what is sound.
 */
#include "npujson.h"

#include <string.h>

typedef struct {
  const gchar *start, *p, *end;
  guint depth;
  gsize n_values;
  /* The key that leads to the current value at each depth, not terminated;
   * NULL inside an array. */
  const gchar *key[NPU_JSON_MAX_DEPTH + 1];
  gsize key_length[NPU_JSON_MAX_DEPTH + 1];
  const gchar *fault; /* what is wrong at p */
} Guard;

static gboolean guard_value (Guard *g);

static gboolean
guard_fail (Guard *g, const gchar *fault)
{
  g->fault = fault;
  return FALSE;
}

static void
skip_space (Guard *g)
{
  while (g->p < g->end
         && (*g->p == ' ' || *g->p == '\n' || *g->p == '\t' || *g->p == '\r'))
    g->p++;
}

/* Takes @c if it comes next. */
static gboolean
take (Guard *g, gchar c)
{
  if (g->p == g->end || *g->p != c)
    return FALSE;
  g->p++;
  return TRUE;
}

/* The four digits of a \u escape, or -1. */
static gint
hex4 (Guard *g)
{
  gint i, value = 0;

  for (i = 0; i < 4; i++) {
    if (g->p == g->end || !g_ascii_isxdigit (*g->p))
      return -1;
    value = value * 16 + g_ascii_xdigit_value (*g->p++);
  }
  return value;
}

/* After the backslash. */
static gboolean
guard_escape (Guard *g)
{
  gint high, low;

  if (g->p == g->end)
    return guard_fail (g, "a string does not end");
  if (*g->p != 'u') {
    if (!memchr ("\"\\/bfnrt", *g->p, 8))
      return guard_fail (g, "unknown escape in a string");
    g->p++;
    return TRUE;
  }
  g->p++;
  high = hex4 (g);
  if (high < 0)
    return guard_fail (g, "\\u without four hexadecimal digits");
  if (high == 0)
    return guard_fail (g, "a NUL character in a string");
  if (high < 0xd800 || high > 0xdfff)
    return TRUE;
  if (high > 0xdbff || !take (g, '\\') || !take (g, 'u'))
    return guard_fail (g, "half a surrogate pair in a string");
  low = hex4 (g);
  if (low < 0xdc00 || low > 0xdfff)
    return guard_fail (g, "half a surrogate pair in a string");
  return TRUE;
}

static gboolean
guard_string (Guard *g)
{
  if (!take (g, '"'))
    return guard_fail (g, "a string was expected");
  while (g->p < g->end) {
    guchar c = *g->p;

    if (c < 0x20)
      return guard_fail (g, "a control character in a string");
    g->p++;
    if (c == '"')
      return TRUE;
    if (c == '\\' && !guard_escape (g))
      return FALSE;
  }
  return guard_fail (g, "a string does not end");
}

static gsize
skip_digits (Guard *g)
{
  const gchar *first = g->p;

  while (g->p < g->end && g_ascii_isdigit (*g->p))
    g->p++;
  return g->p - first;
}

static gboolean
integer_fits (const gchar *digits, gsize n)
{
  gint64 value = 0;
  gsize i;

  for (i = 0; i < n; i++) {
    value = value * 10 + (digits[i] - '0');
    if (value > NPU_JSON_MAX_INTEGER)
      return FALSE;
  }
  return TRUE;
}

static gboolean
guard_number (Guard *g)
{
  const gchar *digits;
  gboolean integer = TRUE;
  gsize n;

  take (g, '-');
  digits = g->p;
  n = skip_digits (g);
  if (n == 0)
    return guard_fail (g, "a value was expected");
  if (n > 1 && digits[0] == '0')
    return guard_fail (g, "a number begins with 0");
  if (take (g, '.')) {
    integer = FALSE;
    if (skip_digits (g) == 0)
      return guard_fail (g, "a number ends with its decimal point");
  }
  if (take (g, 'e') || take (g, 'E')) {
    integer = FALSE;
    if (!take (g, '+'))
      take (g, '-');
    if (skip_digits (g) == 0)
      return guard_fail (g, "a number without its exponent");
  }
  if (integer && !integer_fits (digits, n))
    return guard_fail (g, "a number larger than any size can be");
  return TRUE;
}

static gboolean
guard_word (Guard *g, const gchar *word)
{
  gsize n = strlen (word);

  if ((gsize) (g->end - g->p) < n || memcmp (g->p, word, n) != 0)
    return guard_fail (g, "a value was expected");
  g->p += n;
  return TRUE;
}

/* Reads a key and its colon; @seen holds the keys of this object so far. */
static gboolean
guard_key (Guard *g, GHashTable *seen)
{
  const gchar *first = g->p + 1;
  gsize length;

  if (!guard_string (g))
    return FALSE;
  length = g->p - 1 - first;
  if (length > NPU_JSON_MAX_KEY)
    return guard_fail (g, "a name of more than 256 bytes");
  if (memchr (first, '\\', length))
    return guard_fail (g, "an escape in a name");
  g->key[g->depth] = first;
  g->key_length[g->depth] = length;
  if (!g_hash_table_add (seen, g_strndup (first, length)))
    return guard_fail (g, "the name is there twice");
  skip_space (g);
  if (!take (g, ':'))
    return guard_fail (g, "\":\" was expected");
  return TRUE;
}

static gboolean
guard_members (Guard *g, GHashTable *seen)
{
  skip_space (g);
  if (take (g, '}'))
    return TRUE;
  for (;;) {
    skip_space (g);
    if (!guard_key (g, seen) || !guard_value (g))
      return FALSE;
    skip_space (g);
    if (take (g, '}'))
      return TRUE;
    if (!take (g, ','))
      return guard_fail (g, "\",\" or \"}\" was expected");
  }
}

static gboolean
guard_object (Guard *g)
{
  GHashTable *seen =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean sound = guard_members (g, seen);

  g_hash_table_unref (seen);
  return sound;
}

static gboolean
guard_array (Guard *g)
{
  g->key[g->depth] = NULL;
  skip_space (g);
  if (take (g, ']'))
    return TRUE;
  for (;;) {
    if (!guard_value (g))
      return FALSE;
    skip_space (g);
    if (take (g, ']'))
      return TRUE;
    if (!take (g, ','))
      return guard_fail (g, "\",\" or \"]\" was expected");
  }
}

static gboolean
guard_container (Guard *g)
{
  gboolean sound;

  if (g->depth == NPU_JSON_MAX_DEPTH)
    return guard_fail (g, "objects are nested too deeply");
  g->depth++;
  sound = *g->p++ == '{' ? guard_object (g) : guard_array (g);
  if (sound)
    g->depth--; /* else it tells where the fault is */
  return sound;
}

static gboolean
guard_value (Guard *g)
{
  skip_space (g);
  if (g->p == g->end)
    return guard_fail (g, "the text ends too early");
  if (++g->n_values > NPU_JSON_MAX_VALUES)
    return guard_fail (g, "more than 200000 values");
  switch (*g->p) {
    case '{':
    case '[':
      return guard_container (g);
    case '"':
      return guard_string (g);
    case 't':
      return guard_word (g, "true");
    case 'f':
      return guard_word (g, "false");
    case 'n':
      return guard_word (g, "null");
    default:
      return guard_number (g);
  }
}

static gboolean
guard_document (Guard *g)
{
  skip_space (g);
  if (g->p == g->end || *g->p != '{')
    return guard_fail (g, "not a JSON object");
  if (!guard_value (g))
    return FALSE;
  skip_space (g);
  if (g->p != g->end)
    return guard_fail (g, "something follows the JSON object");
  return TRUE;
}

/* "name" "field": … as far as the names are text; they may end in the middle
 * of a character that was cut off. */
static gchar *
guard_where (const Guard *g)
{
  GString *where = g_string_new (NULL);
  guint i;

  for (i = 1; i <= g->depth; i++) {
    if (g->key[i]) {
      gchar *key = g_utf8_make_valid (g->key[i], g->key_length[i]);

      g_string_append_printf (where, "\"%s\": ", key);
      g_free (key);
    }
  }
  return g_string_free (where, FALSE);
}

/* What is wrong with the text (transfer full), or NULL. */
static gchar *
find_fault (const gchar *text, gsize length)
{
  Guard guard = { .start = text, .p = text };
  const gchar *invalid;
  gchar *where, *fault;

  if (length == 0) /* then @text may be NULL */
    return g_strdup ("no text");
  if (length > NPU_JSON_MAX_BYTES)
    return g_strdup_printf ("%" G_GSIZE_FORMAT
                            " bytes are too many (at most %d)",
        length, NPU_JSON_MAX_BYTES);
  guard.end = text + length;
  if (!guard_document (&guard)) {
    where = guard_where (&guard);
    fault = g_strdup_printf ("%s%s (byte %" G_GSIZE_FORMAT ")", where,
        guard.fault, (gsize) (guard.p - guard.start));
    g_free (where);
    return fault;
  }
  if (!g_utf8_validate_len (text, length, &invalid))
    return g_strdup_printf (
        "not UTF-8 (byte %" G_GSIZE_FORMAT ")", (gsize) (invalid - text));
  return NULL;
}

JsonNode *
npu_json_parse (const gchar *text, gsize length, gchar **fault)
{
  JsonParser *parser;
  JsonNode *root = NULL;
  GError *problem = NULL;

  *fault = find_fault (text, length);
  if (*fault)
    return NULL;
  parser = json_parser_new_immutable ();
  if (json_parser_load_from_data (parser, text, length, &problem)) {
    root = json_parser_steal_root (parser);
  } else {
    *fault = g_strdup (problem->message);
    g_error_free (problem);
  }
  g_object_unref (parser);
  return root;
}
