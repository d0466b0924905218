/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnpucontextcache.c: values that the users of a context share.
 *
 * A value is made without the lock, so that other keys are not held up; who
 * wants the same one waits for it.  An entry lies in the table while its value
 * is made or used; one whose making failed is dropped by the last who waited.
 */
#include "gstnpucontextcache.h"

GST_DEBUG_CATEGORY_EXTERN (npucontext_debug);
#define GST_CAT_DEFAULT npucontext_debug

struct _GstNpuCache {
  GMutex lock;
  GCond made;
  /* Guarded by lock: */
  GHashTable *entries; /* key → Entry */
};

typedef struct {
  guint users; /* lookups not released yet, waiting ones too */
  gboolean making;
  gpointer value; /* NULL while made, and if that failed */
  GError *error;
  GDestroyNotify free_value;
} Entry;

GstNpuCache *
gst_npu_cache_new (void)
{
  GstNpuCache *cache = g_new0 (GstNpuCache, 1);

  g_mutex_init (&cache->lock);
  g_cond_init (&cache->made);
  cache->entries =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return cache;
}

void
gst_npu_cache_free (GstNpuCache *cache)
{
  if (g_hash_table_size (cache->entries) > 0)
    GST_ERROR ("freed while cached values are in use");
  g_hash_table_unref (cache->entries);
  g_cond_clear (&cache->made);
  g_mutex_clear (&cache->lock);
  g_free (cache);
}

/* Drops one use of @entry; called with the lock held.  Returns the value if it
 * is now the caller's to free, and the entry is gone then. */
static gpointer
drop_entry (Entry *entry)
{
  gpointer value = entry->value;

  if (--entry->users > 0)
    return NULL;
  g_clear_error (&entry->error);
  g_free (entry);
  return value;
}

/* Makes the value of a new entry, without the lock. */
static void
make_value (GstNpuCache *cache, Entry *entry, const gchar *key,
    GstNpuCacheCreate create, gpointer user_data)
{
  GError *error = NULL;
  gpointer value;

  g_mutex_unlock (&cache->lock);
  value = create (user_data, &error);
  g_mutex_lock (&cache->lock);

  entry->value = value;
  entry->error = error;
  entry->making = FALSE;
  if (value == NULL)
    g_hash_table_remove (cache->entries, key);
  g_cond_broadcast (&cache->made);
}

gpointer
gst_npu_cache_lookup (GstNpuCache *cache, const gchar *key,
    GstNpuCacheCreate create, gpointer user_data, GDestroyNotify free_value,
    GError **error)
{
  Entry *entry;
  gpointer value;

  g_mutex_lock (&cache->lock);
  entry = g_hash_table_lookup (cache->entries, key);
  if (entry == NULL) {
    entry = g_new0 (Entry, 1);
    entry->users = 1;
    entry->making = TRUE;
    entry->free_value = free_value;
    g_hash_table_insert (cache->entries, g_strdup (key), entry);
    make_value (cache, entry, key, create, user_data);
  } else {
    entry->users++;
    while (entry->making)
      g_cond_wait (&cache->made, &cache->lock);
  }

  value = entry->value;
  if (value == NULL) {
    g_propagate_error (error, g_error_copy (entry->error));
    drop_entry (entry);
  }
  g_mutex_unlock (&cache->lock);
  return value;
}

void
gst_npu_cache_release (GstNpuCache *cache, const gchar *key)
{
  Entry *entry;
  GDestroyNotify free_value;
  gpointer value;

  g_mutex_lock (&cache->lock);
  entry = g_hash_table_lookup (cache->entries, key);
  g_assert (entry != NULL);
  free_value = entry->free_value;
  if (entry->users == 1)
    g_hash_table_remove (cache->entries, key);
  value = drop_entry (entry);
  g_mutex_unlock (&cache->lock);

  if (value != NULL)
    free_value (value);
}

guint
gst_npu_cache_count_users (GstNpuCache *cache)
{
  GHashTableIter iter;
  gpointer entry;
  guint users = 0;

  g_mutex_lock (&cache->lock);
  g_hash_table_iter_init (&iter, cache->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    users += ((Entry *) entry)->users;
  g_mutex_unlock (&cache->lock);
  return users;
}
