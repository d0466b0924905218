/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:gstnpucontext
 * @title: GstNpuContext
 * @short_description: a device that elements and pipelines share
 *
 * A #GstNpuContext stands for one opened device: an NPU or the CPU.  Elements
 * find or make one with gst_npu_ensure_element_context() and hand it on by
 * GStreamer's context protocol (%GST_NPU_CONTEXT_TYPE), so that a pipeline opens
 * its device once.  An application may make one itself and set it on its
 * pipelines.
 *
 * The context also keeps what is dear to make and may be shared, such as packed
 * weights.  All functions are thread-safe; the last reference may be dropped on
 * any thread.
 */
#include "gstnpucontext.h"

#include <stdlib.h>

#include "gstnpucontext-private.h"

GST_DEBUG_CATEGORY_STATIC (npucontext_debug);
GST_DEBUG_CATEGORY_STATIC (npuxrt_debug);
#define GST_CAT_DEFAULT npucontext_debug

struct _GstNpuContext {
  GstObject parent;

  /* Immutable once constructed. */
  gchar *device;
  NpuBackend *backend;

  GMutex cache_lock;
  GCond cache_cond;
  /* Guarded by cache_lock: */
  GHashTable *cache; /* key → CacheEntry */
};

typedef struct {
  guint users; /* lookups not released yet, waiting ones too */
  gboolean making;
  gpointer value; /* NULL while made, and if that failed */
  GError *error;
  GDestroyNotify free_value;
} CacheEntry;

G_DEFINE_TYPE_WITH_CODE (
    GstNpuContext, gst_npu_context, GST_TYPE_OBJECT,
    GST_DEBUG_CATEGORY_INIT (npucontext_debug, "npucontext", 0, "NPU context");
    GST_DEBUG_CATEGORY_INIT (npuxrt_debug, "npuxrt", 0, "NPUs through XRT"));

/* The open devices of this process: device → GWeakRef.  One device is opened
 * once, however many pipelines want it. */
static GMutex registry_lock;
static GHashTable *registry;

static void
free_weak_ref (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
gst_npu_context_init (GstNpuContext *self)
{
  g_mutex_init (&self->cache_lock);
  g_cond_init (&self->cache_cond);
  self->cache = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
gst_npu_context_finalize (GObject *object)
{
  GstNpuContext *self = GST_NPU_CONTEXT (object);

  if (g_hash_table_size (self->cache) > 0)
    GST_ERROR_OBJECT (self, "finalized while cached values are in use");
  g_hash_table_unref (self->cache);
  g_cond_clear (&self->cache_cond);
  g_mutex_clear (&self->cache_lock);

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
  GWeakRef *weak = g_hash_table_lookup (registry, device);

  return weak != NULL ? g_weak_ref_get (weak) : NULL;
}

static void
remember_open_device (GstNpuContext *self)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  g_hash_table_replace (registry, g_strdup (self->device), weak);
}

/**
 * gst_npu_context_new:
 * @device: (nullable): "auto" (also %NULL): the best device; "cpu"
 * @error: return location for an error
 *
 * Opens @device, or takes another reference on the context of this process that
 * has it open.
 *
 * May block while a device is opened.
 *
 * Returns: (transfer full) (nullable): a context, or %NULL with @error set
 *     (%GST_RESOURCE_ERROR, or %GST_LIBRARY_ERROR for a bad NPU_ISA)
 *
 * Since: 0.1
 */
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

  g_mutex_lock (&registry_lock);
  if (registry == NULL)
    registry =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_weak_ref);
  self = find_open_device (device);
  if (self == NULL) {
    self = open_device (device, error);
    if (self != NULL)
      remember_open_device (self);
  }
  g_mutex_unlock (&registry_lock);
  return self;
}

/**
 * gst_npu_context_get_device:
 * @context: a #GstNpuContext
 *
 * Returns: (transfer none): the device that is open, "cpu" for instance; never
 *     "auto"
 *
 * Since: 0.1
 */
const gchar *
gst_npu_context_get_device (GstNpuContext *context)
{
  g_return_val_if_fail (GST_IS_NPU_CONTEXT (context), NULL);

  return context->device;
}

/**
 * gst_npu_context_is_hardware:
 * @context: a #GstNpuContext
 *
 * Returns: %TRUE if the device is an NPU, %FALSE if it is the CPU
 *
 * Since: 0.1
 */
gboolean
gst_npu_context_is_hardware (GstNpuContext *context)
{
  g_return_val_if_fail (GST_IS_NPU_CONTEXT (context), FALSE);

  return context->backend->ops->is_hardware;
}

/**
 * gst_npu_context_get_stats:
 * @context: a #GstNpuContext
 *
 * Returns: (transfer full): a structure "npu-context-stats" with the fields
 *     device (string), backend (string, for people), cached (uint: shared
 *     values, such as packed weights)
 *
 * Since: 0.1
 */
GstStructure *
gst_npu_context_get_stats (GstNpuContext *context)
{
  guint cached;

  g_return_val_if_fail (GST_IS_NPU_CONTEXT (context), NULL);

  g_mutex_lock (&context->cache_lock);
  cached = g_hash_table_size (context->cache);
  g_mutex_unlock (&context->cache_lock);

  return gst_structure_new ("npu-context-stats", "device", G_TYPE_STRING,
      context->device, "backend", G_TYPE_STRING, context->backend->description,
      "cached", G_TYPE_UINT, cached, NULL);
}

/**
 * gst_context_new_npu_context:
 * @context: a #GstNpuContext
 * @persistent: whether elements keep it in the NULL state; %TRUE is for
 *     applications that own the context
 *
 * Returns: (transfer full): a #GstContext that carries @context
 *
 * Since: 0.1
 */
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

/* Drops one use of @entry; called with the lock held.  Returns the value if it
 * is now the caller's to free, and the entry is gone then. */
static gpointer
drop_entry (CacheEntry *entry)
{
  gpointer value = entry->value;

  if (--entry->users > 0)
    return NULL;
  g_clear_error (&entry->error);
  g_free (entry);
  return value;
}

/* Makes the value of a new entry, without the lock: other keys go on. */
static void
make_value (GstNpuContext *context, CacheEntry *entry, const gchar *key,
    GstNpuCacheCreate create, gpointer user_data)
{
  GError *error = NULL;
  gpointer value;

  g_mutex_unlock (&context->cache_lock);
  value = create (user_data, &error);
  g_mutex_lock (&context->cache_lock);

  entry->value = value;
  entry->error = error;
  entry->making = FALSE;
  if (value == NULL)
    g_hash_table_remove (context->cache, key);
  g_cond_broadcast (&context->cache_cond);
}

gpointer
gst_npu_context_cache_lookup (GstNpuContext *context, const gchar *key,
    GstNpuCacheCreate create, gpointer user_data, GDestroyNotify free_value,
    GError **error)
{
  CacheEntry *entry;
  gpointer value;

  g_mutex_lock (&context->cache_lock);
  entry = g_hash_table_lookup (context->cache, key);
  if (entry == NULL) {
    entry = g_new0 (CacheEntry, 1);
    entry->users = 1;
    entry->making = TRUE;
    entry->free_value = free_value;
    g_hash_table_insert (context->cache, g_strdup (key), entry);
    make_value (context, entry, key, create, user_data);
  } else {
    entry->users++;
    while (entry->making)
      g_cond_wait (&context->cache_cond, &context->cache_lock);
  }

  value = entry->value;
  if (value == NULL) {
    g_propagate_error (error, g_error_copy (entry->error));
    drop_entry (entry);
  }
  g_mutex_unlock (&context->cache_lock);
  return value;
}

void
gst_npu_context_cache_release (GstNpuContext *context, const gchar *key)
{
  CacheEntry *entry;
  GDestroyNotify free_value;
  gpointer value;

  g_mutex_lock (&context->cache_lock);
  entry = g_hash_table_lookup (context->cache, key);
  g_assert (entry != NULL);
  free_value = entry->free_value;
  if (entry->users == 1)
    g_hash_table_remove (context->cache, key);
  value = drop_entry (entry);
  g_mutex_unlock (&context->cache_lock);

  if (value != NULL)
    free_value (value);
}
