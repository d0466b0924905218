/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpucontextcache.h: what is dear to make and may be shared by every user of
 * a context, such as packed weights: one value for each key, made once,
 * refcounted, typeless.  Thread-safe.
 */
#ifndef GST_NPU_CONTEXT_CACHE_H
#define GST_NPU_CONTEXT_CACHE_H

#include "gstnpucontext-private.h"

G_BEGIN_DECLS

typedef struct _GstNpuCache GstNpuCache;

GstNpuCache *gst_npu_cache_new (void);
/* Every lookup must have been paid back. */
void gst_npu_cache_free (GstNpuCache *cache);

/* As gst_npu_context_cache_lookup() and …_release(). */
gpointer gst_npu_cache_lookup (GstNpuCache *cache, const gchar *key,
    GstNpuCacheCreate create, gpointer user_data, GDestroyNotify free_value,
    GError **error);
void gst_npu_cache_release (GstNpuCache *cache, const gchar *key);

/* Lookups that were not released yet. */
guint gst_npu_cache_count_users (GstNpuCache *cache);

G_END_DECLS
#endif /* GST_NPU_CONTEXT_CACHE_H */
