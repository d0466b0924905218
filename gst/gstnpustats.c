/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpustats.c: per-stage latency histograms.
 *
 * Each stage has a lock of its own, held for an increment by the streaming
 * thread and for one copy by a reader; the arithmetic of the percentiles is
 * done on the copy.
 */
#include "gstnpustats.h"

#include "gstnputrace.h"

#include <math.h>
#include <string.h>

#define BUCKETS_PER_OCTAVE 8
#define FIRST_NS 1000.0 /* the second bucket starts here */
/* Bucket 0 is below FIRST_NS, the last one ends at 1 µs * 2^32 = 71 minutes
 * and takes what is longer. */
#define N_BUCKETS (1 + 32 * BUCKETS_PER_OCTAVE)

typedef struct {
  guint64 count;
  guint64 total, min, max; /* nanoseconds */
  guint32 buckets[N_BUCKETS];
} Histogram;

typedef struct {
  GMutex lock;
  Histogram histogram; /* under lock */
} Stage;

struct _GstNpuStats {
  GstElement *owner;
  const gchar *const *names;
  guint n_stages;
  Stage *stages;
};

GstNpuStats *
gst_npu_stats_new (GstElement *owner, const gchar *const *stages)
{
  GstNpuStats *stats = g_new0 (GstNpuStats, 1);

  stats->owner = owner;
  stats->names = stages;
  stats->n_stages = g_strv_length ((gchar **) stages);
  stats->stages = g_new0 (Stage, stats->n_stages);
  for (guint i = 0; i < stats->n_stages; i++)
    g_mutex_init (&stats->stages[i].lock);
  return stats;
}

void
gst_npu_stats_free (GstNpuStats *stats)
{
  for (guint i = 0; i < stats->n_stages; i++)
    g_mutex_clear (&stats->stages[i].lock);
  g_free (stats->stages);
  g_free (stats);
}

void
gst_npu_stats_reset (GstNpuStats *stats)
{
  for (guint i = 0; i < stats->n_stages; i++) {
    Stage *stage = &stats->stages[i];

    g_mutex_lock (&stage->lock);
    memset (&stage->histogram, 0, sizeof (stage->histogram));
    g_mutex_unlock (&stage->lock);
  }
}

static guint
bucket_of (GstClockTime ns)
{
  gdouble octaves;

  if (ns < FIRST_NS)
    return 0;
  octaves = log2 (ns / FIRST_NS);
  return MIN (1 + (guint) (octaves * BUCKETS_PER_OCTAVE), N_BUCKETS - 1);
}

/* The geometric middle of a bucket: at most half a bucket, 4.4 %, off. */
static gdouble
bucket_middle (guint bucket)
{
  if (bucket == 0)
    return FIRST_NS / 2;
  return FIRST_NS * exp2 ((bucket - 0.5) / BUCKETS_PER_OCTAVE);
}

void
gst_npu_stats_add (
    GstNpuStats *stats, guint stage_index, GstClockTime start, GstClockTime end)
{
  GstClockTime ns = end - start;
  guint bucket = bucket_of (ns);
  Stage *stage;
  Histogram *h;

  g_return_if_fail (stage_index < stats->n_stages);
  stage = &stats->stages[stage_index];
  h = &stage->histogram;

  g_mutex_lock (&stage->lock);
  h->min = h->count == 0 ? ns : MIN (h->min, ns);
  h->max = MAX (h->max, ns);
  h->total += ns;
  h->count++;
  h->buckets[bucket]++;
  g_mutex_unlock (&stage->lock);
  gst_npu_trace_span (stats->owner, stats->names[stage_index], start, end);
}

static void
copy_stage (GstNpuStats *stats, guint stage_index, Histogram *copy)
{
  Stage *stage = &stats->stages[stage_index];

  g_mutex_lock (&stage->lock);
  *copy = stage->histogram;
  g_mutex_unlock (&stage->lock);
}

GstClockTime
gst_npu_stats_get_total (GstNpuStats *stats, guint stage)
{
  Histogram h;

  g_return_val_if_fail (stage < stats->n_stages, 0);
  copy_stage (stats, stage, &h);
  return h.total;
}

gboolean
gst_npu_stats_are_due (GstClockTime *last, GstClockTime interval)
{
  GstClockTime now;

  if (interval == 0)
    return FALSE;
  now = gst_util_get_timestamp ();
  if (now - *last < interval)
    return FALSE;
  *last = now;
  return TRUE;
}

GParamSpec *
gst_npu_stats_interval_spec (void)
{
  return g_param_spec_uint64 ("stats-interval", "Statistics interval",
      "How often an element message npu-stats is posted while data flow, in "
      "nanoseconds (0 = at the end of the stream only)",
      0, G_MAXUINT64, 0,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
}

/* Nearest rank: the smallest bucket that at least @percent % lie in or below. */
static guint64
percentile (const Histogram *h, guint percent)
{
  guint64 rank = gst_util_uint64_scale_ceil (h->count, percent, 100);
  guint64 seen = 0;

  for (guint i = 0; i < N_BUCKETS; i++) {
    seen += h->buckets[i];
    if (h->buckets[i] > 0 && seen >= rank)
      return CLAMP ((guint64) bucket_middle (i), h->min, h->max);
  }
  return 0;
}

void
gst_npu_stats_to_structure (GstNpuStats *stats, GstStructure *structure)
{
  for (guint i = 0; i < stats->n_stages; i++) {
    Histogram h;
    GstStructure *fields;

    copy_stage (stats, i, &h);
    fields = gst_structure_new (stats->names[i], "count", G_TYPE_UINT64,
        h.count, "total", G_TYPE_UINT64, h.total, "mean", G_TYPE_UINT64,
        h.count > 0 ? h.total / h.count : 0, "min", G_TYPE_UINT64, h.min, "p50",
        G_TYPE_UINT64, percentile (&h, 50), "p95", G_TYPE_UINT64,
        percentile (&h, 95), "p99", G_TYPE_UINT64, percentile (&h, 99), "max",
        G_TYPE_UINT64, h.max, NULL);
    gst_structure_set (
        structure, stats->names[i], GST_TYPE_STRUCTURE, fields, NULL);
    gst_structure_free (fields);
  }
}
