/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxclbinkernels.c: EMBEDDED_METADATA, an XML text: project, platform,
 * device, core, and in it the kernels with their arguments.  XRT reads it with
 * a parser that recurses and with conversions that throw, so its depth and its
 * numbers are checked here.
 */
#include <string.h>

#include "npuxclbin-private.h"

#define MAX_BYTES (1 << 20) /* one kernel needs 2 kB */
#define MAX_DEPTH 16
#define MAX_KERNELS 64

#define ADDRESS_RANGE (64 << 10) /* of a kernel's arguments */
#define SCALAR 0                 /* addressQualifier */
#define GLOBAL 1

static const gchar *const path[] = { "project", "platform", "device", "core" };

typedef struct {
  const NpuXclbinSection *section;
  const gchar *wanted; /* the kernel */
  guint depth;
  guint path_depth; /* how many of path[] are open */
  gboolean seen[G_N_ELEMENTS (path)];
  gboolean in_wanted;
  gboolean found;
  GPtrArray *names;
  guint n_arguments;
} Reader;

G_GNUC_PRINTF (2, 3)
static void
refuse (GError **error, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  *error = g_error_new_valist (
      G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, format, args);
  va_end (args);
}

static const gchar *
get_attribute (const gchar **names, const gchar **values, const gchar *name)
{
  for (; *names; names++, values++) {
    if (strcmp (*names, name) == 0)
      return *values;
  }
  return NULL;
}

/* 0x… or decimal digits, at most 32 bits. */
static gboolean
parse_number (const gchar *text, guint64 *value)
{
  gboolean hex = g_str_has_prefix (text, "0x");
  const gchar *digits = hex ? text + 2 : text;

  if (!hex && digits[0] == '0' && digits[1] != '\0')
    return FALSE; /* XRT would take it for octal */
  return g_ascii_string_to_unsigned (
      digits, hex ? 16 : 10, 0, G_MAXUINT32, value, NULL);
}

static gboolean
get_number (const Reader *r, const gchar **names, const gchar **values,
    const gchar *name, guint64 *value, GError **error)
{
  const gchar *text = get_attribute (names, values, name);

  if (text && parse_number (text, value))
    return TRUE;
  refuse (error, "arg %u of kernel \"%s\": \"%s\" is %s", r->n_arguments,
      r->wanted, name, text ? "not a number" : "missing");
  return FALSE;
}

/* What the argument of that number must be. */
static void
check_kind (const Reader *r, guint64 qualifier, guint64 size, GError **error)
{
  gboolean scalar = r->n_arguments == 0 || r->n_arguments == 2;
  guint64 bytes = r->n_arguments == 2 ? 4 : 8;

  if (qualifier != (scalar ? SCALAR : GLOBAL))
    refuse (error,
        "arg %u of kernel \"%s\": \"addressQualifier\" is %" G_GUINT64_FORMAT
        ", not %d",
        r->n_arguments, r->wanted, qualifier, scalar ? SCALAR : GLOBAL);
  else if (size != bytes)
    refuse (error,
        "arg %u of kernel \"%s\": \"size\" is %" G_GUINT64_FORMAT
        ", not %" G_GUINT64_FORMAT,
        r->n_arguments, r->wanted, size, bytes);
}

static void
read_argument (
    Reader *r, const gchar **names, const gchar **values, GError **error)
{
  guint64 id, offset, size, host_size, qualifier;

  if (!get_attribute (names, values, "name")) {
    refuse (error, "arg %u of kernel \"%s\": \"name\" is missing",
        r->n_arguments, r->wanted);
    return;
  }
  if (!get_number (r, names, values, "id", &id, error)
      || !get_number (r, names, values, "offset", &offset, error)
      || !get_number (r, names, values, "size", &size, error)
      || !get_number (r, names, values, "hostSize", &host_size, error)
      || !get_number (r, names, values, "addressQualifier", &qualifier, error))
    return;
  if (id != r->n_arguments)
    refuse (error, "arg %u of kernel \"%s\": \"id\" is %" G_GUINT64_FORMAT,
        r->n_arguments, r->wanted, id);
  else if (offset + size > ADDRESS_RANGE)
    refuse (error,
        "arg %u of kernel \"%s\": \"offset\" %" G_GUINT64_FORMAT
        " and \"size\" leave the %d bytes for arguments",
        r->n_arguments, r->wanted, offset, ADDRESS_RANGE);
  else if (r->n_arguments + 1 > NPU_XCLBIN_MAX_ARGUMENTS)
    refuse (error, "kernel \"%s\" has more than %d arguments", r->wanted,
        NPU_XCLBIN_MAX_ARGUMENTS);
  else
    check_kind (r, qualifier, size, error);
  r->n_arguments++;
}

static void
read_kernel (
    Reader *r, const gchar **names, const gchar **values, GError **error)
{
  const gchar *name = get_attribute (names, values, "name");

  if (!name || !*name) {
    refuse (error, "a kernel has no \"name\"");
    return;
  }
  if (r->names->len == MAX_KERNELS) {
    refuse (error, "there are more than %d kernels", MAX_KERNELS);
    return;
  }
  r->in_wanted = strcmp (name, r->wanted) == 0;
  if (r->in_wanted && r->found)
    refuse (error, "kernel \"%s\" is there twice", r->wanted);
  r->found |= r->in_wanted;
  g_ptr_array_add (r->names, g_strdup (name));
}

/* XRT takes the first of several, and so must we. */
static void
enter_path (Reader *r, GError **error)
{
  if (r->seen[r->path_depth])
    refuse (error, "element \"%s\" is there twice", path[r->path_depth]);
  r->seen[r->path_depth++] = TRUE;
}

static void
start_element (GMarkupParseContext *context, const gchar *element,
    const gchar **names, const gchar **values, gpointer data, GError **error)
{
  Reader *r = data;

  if (++r->depth > MAX_DEPTH) {
    refuse (error, "elements are nested more than %d deep", MAX_DEPTH);
    return;
  }
  if (r->depth == r->path_depth + 1 && r->path_depth < G_N_ELEMENTS (path)
      && strcmp (element, path[r->path_depth]) == 0)
    enter_path (r, error);
  else if (r->path_depth == G_N_ELEMENTS (path)
           && r->depth == G_N_ELEMENTS (path) + 1
           && strcmp (element, "kernel") == 0)
    read_kernel (r, names, values, error);
  else if (r->in_wanted && r->depth == G_N_ELEMENTS (path) + 2
           && strcmp (element, "arg") == 0)
    read_argument (r, names, values, error);
}

static void
end_element (GMarkupParseContext *context, const gchar *element, gpointer data,
    GError **error)
{
  Reader *r = data;

  if (r->depth == G_N_ELEMENTS (path) + 1)
    r->in_wanted = FALSE;
  if (r->depth == r->path_depth)
    r->path_depth--;
  r->depth--;
}

/* What is wrong although the XML is sound (transfer full), or NULL. */
static gchar *
find_fault (const Reader *r)
{
  if (!r->found)
    return g_strdup_printf ("there is no kernel \"%s\"", r->wanted);
  if (r->n_arguments <= NPU_XCLBIN_FIXED_ARGUMENTS)
    return g_strdup_printf ("kernel \"%s\" has %u arguments, not %d or more",
        r->wanted, r->n_arguments, NPU_XCLBIN_FIXED_ARGUMENTS + 1);
  return NULL;
}

/* GLib quotes the text at fault, whatever is in it (transfer full). */
static gchar *
make_printable (const gchar *message)
{
  gchar *text = g_utf8_make_valid (message, -1), *p;

  for (p = text; *p; p++) {
    if (g_ascii_iscntrl (*p))
      *p = '?';
  }
  return text;
}

static gboolean
parse (Reader *r, GError **error)
{
  static const GMarkupParser parser = { .start_element = start_element,
    .end_element = end_element };
  GMarkupParseContext *context = g_markup_parse_context_new (
      &parser, G_MARKUP_TREAT_CDATA_AS_TEXT, r, NULL);
  GError *problem = NULL;
  gchar *fault;

  if (g_markup_parse_context_parse (
          context, (const gchar *) r->section->data, r->section->size, &problem)
      && g_markup_parse_context_end_parse (context, &problem))
    fault = find_fault (r);
  else
    fault = make_printable (problem->message);
  if (fault)
    npu_xclbin_refuse (r->section, error, "%s", fault);
  g_clear_error (&problem);
  g_markup_parse_context_free (context);
  if (!fault)
    return TRUE;
  g_free (fault);
  return FALSE;
}

gboolean
npu_xclbin_read_kernels (const NpuXclbinSection *section, const gchar *kernel,
    gchar ***names, guint *n_arguments, GError **error)
{
  Reader r = { .section = section, .wanted = kernel };
  gboolean sound;

  if (section->size > MAX_BYTES)
    return npu_xclbin_refuse (section, error,
        "%" G_GSIZE_FORMAT " bytes are too many (at most %d)", section->size,
        MAX_BYTES);
  r.names = g_ptr_array_new_with_free_func (g_free);
  sound = parse (&r, error);
  g_ptr_array_add (r.names, NULL);
  if (sound)
    *names = (gchar **) g_ptr_array_steal (r.names, NULL);
  g_ptr_array_unref (r.names);
  *n_arguments = r.n_arguments;
  return sound;
}
