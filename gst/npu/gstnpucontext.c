/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpucontext.c: opening devices, each once in a process; what a context
 * tells; what becomes of it in a forked child.
 */
#include "gstnpucontext.h"

#include <pthread.h>
#include <stdlib.h>

#include "gstnpucontext-private.h"
#include "gstnpucontextcache.h"

GST_DEBUG_CATEGORY (npucontext_debug);
GST_DEBUG_CATEGORY_STATIC (npuxrt_debug);
#define GST_CAT_DEFAULT npucontext_debug

struct _GstNpuContext {
  GstObject parent;

  /* Immutable once constructed. */
  gchar *device;
  NpuBackend *backend;
  GstNpuCache *cache;
};

G_DEFINE_TYPE_WITH_CODE (
    GstNpuContext, gst_npu_context, GST_TYPE_OBJECT,
    GST_DEBUG_CATEGORY_INIT (npucontext_debug, "npucontext", 0, "NPU context");
    GST_DEBUG_CATEGORY_INIT (npuxrt_debug, "npuxrt", 0, "NPUs through XRT"));

/* The open devices of this process: device → GWeakRef.  One device is opened
 * once, however many pipelines want it. */
typedef struct _Registry Registry;

struct _Registry {
  GHashTable *devices;
  Registry *parents; /* of the processes that this one was forked from */
};

static GMutex registry_lock;
static Registry *registry, *parents;

static void
free_weak_ref (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* In a forked child: the threads that may have held a lock, or have been in the
 * middle of changing the table, are not there.  So the table cannot be freed
 * safely, and is kept.  Nothing is allocated: a thread may have held a lock of
 * the allocator (GLib's slices before 2.76). */
static void
forget_parent (void)
{
  if (registry != NULL) {
    registry->parents = parents;
    parents = g_steal_pointer (&registry);
  }
  g_mutex_init (&registry_lock);
  gst_npu_utils_renew_lock ();
}

static void
watch_forks (void)
{
  pthread_atfork (NULL, NULL, forget_parent);
}

void
gst_npu_context_watch_forks (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  /* Not g_once_init_enter(), which a fork at that moment would leave entered. */
  pthread_once (&once, watch_forks);
}

static void
gst_npu_context_init (GstNpuContext *self)
{
  self->cache = gst_npu_cache_new ();
}

static void
gst_npu_context_finalize (GObject *object)
{
  GstNpuContext *self = GST_NPU_CONTEXT (object);

  gst_npu_cache_free (self->cache);
  if (self->backend != NULL)
    self->backend->ops->free (self->backend);
  g_free (self->device);
  G_OBJECT_CLASS (gst_npu_context_parent_class)->finalize (object);
}

static void
gst_npu_context_class_init (GstNpuContextClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_npu_context_finalize;
}

/* The device that @device asks for: "auto" is the CPU, as there is no NPU
 * backend yet. */
static const gchar *
resolve_device (const gchar *device, GError **error)
{
  if (g_strcmp0 (device, "cpu") == 0)
    return "cpu";
  if (device == NULL || g_str_equal (device, "auto")) {
    GST_CAT_INFO (npuxrt_debug,
        "this version has no NPU backend: device=auto is the CPU");
    return "cpu";
  }

  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
      "There is no device \"%s\": use device=auto or device=cpu", device);
  return NULL;
}

static GstNpuContext *
open_device (const gchar *device, GError **error)
{
  /* Not honoured in a setuid process. */
  const gchar *isa = secure_getenv ("NPU_ISA");
  NpuBackend *backend = npu_cpu_backend_new (isa, error);
  GstNpuContext *self;

  if (backend == NULL)
    return NULL;
  self = g_object_new (GST_TYPE_NPU_CONTEXT, NULL);
  gst_object_ref_sink (self);
  self->device = g_strdup (device);
  self->backend = backend;
  GST_INFO_OBJECT (self, "opened %s: %s", device, backend->description);
  return self;
}

static GstNpuContext *
find_open_device (const gchar *device)
{
  GWeakRef *weak = g_hash_table_lookup (registry->devices, device);

  return weak != NULL ? g_weak_ref_get (weak) : NULL;
}

static void
remember_open_device (GstNpuContext *self)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  g_hash_table_replace (registry->devices, g_strdup (self->device), weak);
}

GstNpuContext *
gst_npu_context_new (const gchar *device, GError **error)
{
  GstNpuContext *self;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  /* The debug categories come with the type. */
  g_type_ensure (GST_TYPE_NPU_CONTEXT);
  device = resolve_device (device, error);
  if (device == NULL)
    return NULL;

  gst_npu_context_watch_forks ();
  g_mutex_lock (&registry_lock);
  if (registry == NULL) {
    registry = g_new0 (Registry, 1);
    registry->devices =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_weak_ref);
  }
  self = find_open_device (device);
  if (self == NULL) {
    self = open_device (device, error);
    if (self != NULL)
      remember_open_device (self);
  }
  g_mutex_unlock (&registry_lock);
  return self;
}

const gchar *
gst_npu_context_get_device (GstNpuContext *context)
{
  g_return_val_if_fail (GST_IS_NPU_CONTEXT (context), NULL);

  return context->device;
}

gboolean
gst_npu_context_is_hardware (GstNpuContext *context)
{
  g_return_val_if_fail (GST_IS_NPU_CONTEXT (context), FALSE);

  return context->backend->ops->is_hardware;
}

GstStructure *
gst_npu_context_get_stats (GstNpuContext *context)
{
  NpuBackend *backend;
  NpuUse use;

  g_return_val_if_fail (GST_IS_NPU_CONTEXT (context), NULL);

  backend = context->backend;
  use = backend->ops->get_use (backend);
  return gst_structure_new ("npu-context-stats", "device", G_TYPE_STRING,
      context->device, "backend", G_TYPE_STRING, backend->ops->name,
      "description", G_TYPE_STRING, backend->description, "users", G_TYPE_UINT,
      gst_npu_cache_count_users (context->cache), "programs", G_TYPE_UINT,
      (guint) g_atomic_int_get (&backend->n_programs), "packed-bytes",
      G_TYPE_UINT64,
      (guint64) (gsize) g_atomic_pointer_get (&backend->packed_bytes),
      "windows", G_TYPE_UINT64, use.windows, "queue-time", G_TYPE_UINT64,
      use.queue_ns, "waiting", G_TYPE_UINT, use.waiting, NULL);
}

GstContext *
gst_context_new_npu_context (GstNpuContext *context, gboolean persistent)
{
  GstContext *carrier;

  g_return_val_if_fail (GST_IS_NPU_CONTEXT (context), NULL);

  carrier = gst_context_new (GST_NPU_CONTEXT_TYPE, persistent);
  gst_structure_set (gst_context_writable_structure (carrier), "context",
      GST_TYPE_NPU_CONTEXT, context, "device", G_TYPE_STRING, context->device,
      NULL);
  return carrier;
}

NpuBackend *
gst_npu_context_get_backend (GstNpuContext *context)
{
  return context->backend;
}

gpointer
gst_npu_context_cache_lookup (GstNpuContext *context, const gchar *key,
    GstNpuCacheCreate create, gpointer user_data, GDestroyNotify free_value,
    GError **error)
{
  return gst_npu_cache_lookup (
      context->cache, key, create, user_data, free_value, error);
}

void
gst_npu_context_cache_release (GstNpuContext *context, const gchar *key)
{
  gst_npu_cache_release (context->cache, key);
}
