/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npuprocessor.c: "model name" of /proc/cpuinfo. */
#include "npuprocessor.h"

#include <string.h>

gchar *
npu_processor_name (void)
{
  gchar *contents = NULL, *name = NULL;

  if (g_file_get_contents ("/proc/cpuinfo", &contents, NULL, NULL)) {
    const gchar *line = g_strstr_len (contents, -1, "model name");
    const gchar *colon = line != NULL ? strchr (line, ':') : NULL;

    if (colon != NULL)
      name = g_strstrip (g_strndup (colon + 1, strcspn (colon + 1, "\n")));
  }
  g_free (contents);
  return name != NULL ? name : g_strdup ("unknown processor");
}
