/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npubenchstats.c: times and how they are summed up. */
#include "npubench.h"

#include <stdlib.h>
#include <time.h>

gdouble
bench_now_ms (void)
{
  return (gdouble) g_get_monotonic_time () / 1e3;
}

gdouble
bench_cpu_ms (void)
{
  struct timespec time;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time);
  return (gdouble) time.tv_sec * 1e3 + (gdouble) time.tv_nsec / 1e6;
}

static int
compare_doubles (const void *a, const void *b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

BenchTime
bench_summarize (gdouble *ms, guint n)
{
  qsort (ms, n, sizeof (*ms), compare_doubles);
  return (BenchTime){ .median_ms = (ms[(n - 1) / 2] + ms[n / 2]) / 2,
    .min_ms = ms[0],
    .max_ms = ms[n - 1] };
}

void
bench_row_add (BenchRow *row, const gchar *name, gdouble value)
{
  g_assert (row->n_figures < BENCH_MAX_FIGURES);
  row->figures[row->n_figures].name = name;
  row->figures[row->n_figures++].value = value;
}
