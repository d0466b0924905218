/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * designbytes.c: bytes that are written field by field.
 */
#include "designbytes.h"

#include <gst/check/gstcheck.h>
#include <string.h>

static guint count;

DesignBytes *
design_bytes_new (void)
{
  DesignBytes *b = g_new0 (DesignBytes, 1);

  b->bytes = g_byte_array_new ();
  b->marks = g_array_new (FALSE, FALSE, sizeof (DesignMark));
  return b;
}

void
design_bytes_free (DesignBytes *b)
{
  g_byte_array_unref (b->bytes);
  g_array_unref (b->marks);
  g_free (b);
}

static void
mark (DesignBytes *b, const gchar *what, gsize size)
{
  DesignMark m = { what, b->bytes->len, size };

  g_array_append_val (b->marks, m);
}

void
design_bytes_put (DesignBytes *b, const gchar *what, guint64 value, gsize size)
{
  guint64 little = GUINT64_TO_LE (value);

  design_bytes_put_data (b, what, &little, size);
}

void
design_bytes_put_data (
    DesignBytes *b, const gchar *what, const void *data, gsize size)
{
  gsize at = b->bytes->len;

  mark (b, what, size);
  g_byte_array_set_size (b->bytes, at + size);
  if (size > 0)
    memset (b->bytes->data + at, 0, size);
  if (data && size > 0)
    memcpy (b->bytes->data + at, data, size);
}

void
design_bytes_put_text (
    DesignBytes *b, const gchar *what, const gchar *text, gsize size)
{
  gsize at = b->bytes->len;

  design_bytes_put_data (b, what, NULL, size);
  memcpy (b->bytes->data + at, text, MIN (size, strlen (text)));
}

void
design_bytes_align (DesignBytes *b)
{
  design_bytes_put_data (b, "padding", NULL, -b->bytes->len % 8);
}

const DesignMark *
design_bytes_find (const DesignBytes *b, const gchar *what, guint nth)
{
  guint i;

  for (i = 0; i < b->marks->len; i++) {
    const DesignMark *m = &g_array_index (b->marks, DesignMark, i);

    if (strcmp (m->what, what) == 0 && nth-- == 0)
      return m;
  }
  g_error ("no field \"%s\"", what); /* a test's own mistake */
}

void
design_bytes_set (DesignBytes *b, const gchar *what, guint nth, guint64 value)
{
  const DesignMark *m = design_bytes_find (b, what, nth);
  guint64 little = GUINT64_TO_LE (value);

  memcpy (b->bytes->data + m->offset, &little, MIN (m->size, sizeof little));
}

void
design_assert_error (
    const gchar *what, GError *error, NpuDesignError code, const gchar *field)
{
  fail_unless (error != NULL, "%s: accepted", what);
  fail_unless (g_error_matches (error, NPU_DESIGN_ERROR, code),
      "%s: code %d, not %d: %s", what, error->code, code, error->message);
  fail_unless (strstr (error->message, field) != NULL, "%s: no <%s> in \"%s\"",
      what, field, error->message);
  fail_unless (g_utf8_validate (error->message, -1, NULL)
                   && !strchr (error->message, '\n'),
      "%s: \"%s\"", what, error->message);
  g_error_free (error);
  count++;
}

void
design_assert_count (guint least)
{
  GST_INFO ("%u forgeries refused", count);
  fail_unless (count >= least, "%u forgeries, fewer than %u", count, least);
  count = 0;
}
