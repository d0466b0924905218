/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpucontext-private.h: what the plugin and the tools see of a context.
 * Not installed; its symbols carry the version GSTNPU_PRIVATE.
 */
#ifndef GST_NPU_CONTEXT_PRIVATE_H
#define GST_NPU_CONTEXT_PRIVATE_H

#include "gstnpucontext.h"
#include "npubackend.h"

G_BEGIN_DECLS

/* (transfer none): valid while @context is. */
NpuBackend *gst_npu_context_get_backend (GstNpuContext *context);

/*
 * The typeless, refcounted cache: things that are dear to make and may be
 * shared by every user of the context, such as packed weights.  lookup()
 * returns the value for @key, made by @create (which may fail) if nobody has
 * it; concurrent callers of the same key wait for the one that makes it, other
 * keys are not held up.  Each lookup is paid back by one release(); the last
 * one frees the value.  A value must not outlive @context.
 */
typedef gpointer (*GstNpuCacheCreate) (gpointer user_data, GError **error);
gpointer gst_npu_context_cache_lookup (GstNpuContext *context, const gchar *key,
    GstNpuCacheCreate create, gpointer user_data, GDestroyNotify free_value,
    GError **error);
void gst_npu_context_cache_release (GstNpuContext *context, const gchar *key);

/* To be called before any lock of the library is taken: a forked child gets
 * locks that nobody holds. */
void gst_npu_context_watch_forks (void);
/* … that of gst_npu_ensure_element_context(). */
void gst_npu_utils_renew_lock (void);

G_END_DECLS
#endif /* GST_NPU_CONTEXT_PRIVATE_H */
