/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputracefile.c: two arrays of events, of which one is filled while the
 * other is written.
 */
#include "gstnputracefile.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTERVAL (G_USEC_PER_SEC / 10) /* from one write to the next */

/* What makes a whole array of what has been written. */
static const gchar end_of_array[] = "\n]\n";
#define END_OF_ARRAY_LENGTH (sizeof (end_of_array) - 1)

struct _GstNpuTraceFile {
  gchar *path;
  guint64 max_events;
  GstClockTime origin; /* time 0 in the file */
  GThread *thread;     /* NULL once closed */

  GMutex lock;
  GCond cond;              /* there is something to write, or to stop for */
  GstNpuTraceEvent *front; /* [GST_NPU_TRACE_ROOM], under lock, as all to … */
  guint n_front;
  guint64 n_events; /* taken so far */
  guint64 dropped;
  gboolean stop;
  gboolean ended; /* no event is taken any more */

  /* The writer's. */
  GstNpuTraceEvent *back;
  GString *text;
  gint fd;
  gboolean regular; /* a file that can be overwritten */
  gint64 end;       /* of the last event */
  gboolean empty;   /* no event has been written */
  gboolean failed;
};

/* ---- JSON -------------------------------------------------------------- */

void
gst_npu_trace_append_string (GString *json, const gchar *text)
{
  gchar *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (json, '"');
  for (const gchar *c = valid; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_printf (json, "\\%c", *c);
    else if ((guchar) *c < 0x20)
      g_string_append_printf (json, "\\u%04x", *c);
    else
      g_string_append_c (json, *c);
  }
  g_string_append_c (json, '"');
  g_free (valid);
}

void
gst_npu_trace_append_member (
    GString *json, const gchar *name, const gchar *value)
{
  g_string_append_printf (json, ",\"%s\":", name);
  gst_npu_trace_append_string (json, value != NULL ? value : "");
}

void
gst_npu_trace_append_double (GString *json, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (json, g_ascii_formatd (text, sizeof (text), "%.9g",
                             isfinite (value) ? value : 0.0));
}

/* The format counts in microseconds. */
static void
append_time (GString *json, const gchar *name, GstClockTime ns)
{
  g_string_append_printf (json,
      ",\"%s\":%" G_GUINT64_FORMAT ".%03" G_GUINT64_FORMAT, name, ns / 1000,
      ns % 1000);
}

static void
append_event (GstNpuTraceFile *file, const GstNpuTraceEvent *event)
{
  GString *json = file->text;

  g_string_append (json, file->empty ? "\n" : ",\n");
  file->empty = FALSE;
  g_string_append_printf (json, "{\"ph\":\"%c\",\"pid\":%d,\"tid\":%u",
      event->phase, (gint) getpid (), event->track);
  if (event->phase != GST_NPU_TRACE_METADATA) {
    append_time (json, "ts", event->time - MIN (event->time, file->origin));
    g_string_append (json, ",\"cat\":\"npu\"");
  }
  if (event->phase == GST_NPU_TRACE_SPAN)
    append_time (json, "dur", event->duration);
  if (event->phase == GST_NPU_TRACE_FLOW_START
      || event->phase == GST_NPU_TRACE_FLOW_END)
    g_string_append_printf (json, ",\"id\":%" G_GUINT64_FORMAT, event->id);
  if (event->phase == GST_NPU_TRACE_FLOW_END) /* in the span around it */
    g_string_append (json, ",\"bp\":\"e\"");
  g_string_append (json, ",\"name\":");
  gst_npu_trace_append_string (json, event->name);
  if (event->args != NULL)
    g_string_append_printf (json, ",\"args\":%s", event->args);
  g_string_append_c (json, '}');
}

/* ---- the writer -------------------------------------------------------- */

static gboolean
write_all (GstNpuTraceFile *file, const gchar *text, gsize length)
{
  for (gsize done = 0; done < length;) {
    gssize n = file->regular ? pwrite (
                   file->fd, text + done, length - done, file->end + done)
                             : write (file->fd, text + done, length - done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    done += n;
  }
  return TRUE;
}

/* Brings a regular file back to what it was before a write that failed. */
static void
restore_end (GstNpuTraceFile *file)
{
  if (file->regular
      && ftruncate (file->fd, file->end + END_OF_ARRAY_LENGTH) == 0)
    write_all (file, end_of_array, END_OF_ARRAY_LENGTH);
}

/* Writes file->text behind the last event. */
static gboolean
write_text (GstNpuTraceFile *file)
{
  gsize length = file->text->len;

  if (file->regular)
    g_string_append (file->text, end_of_array);
  if (!write_all (file, file->text->str, file->text->len)) {
    gint error = errno;

    restore_end (file);
    errno = error;
    return FALSE;
  }
  file->end += length;
  g_string_truncate (file->text, 0);
  return TRUE;
}

static void
write_back (GstNpuTraceFile *file, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (!file->failed)
      append_event (file, &file->back[i]);
    g_free (file->back[i].args);
  }
  if (file->failed || write_text (file))
    return;
  file->failed = TRUE;
  g_warning ("The trace \"%s\" ends early, as it cannot be written: %s.  The "
             "pipeline goes on.",
      file->path, g_strerror (errno));
  g_mutex_lock (&file->lock);
  file->ended = TRUE;
  g_mutex_unlock (&file->lock);
}

/* Waits for events, and then for those that follow soon; returns how many it
 * has taken into file->back, 0 for the end. */
static guint
take_events (GstNpuTraceFile *file)
{
  gint64 deadline;
  guint n;

  g_mutex_lock (&file->lock);
  while (file->n_front == 0 && !file->stop)
    g_cond_wait (&file->cond, &file->lock);
  deadline = g_get_monotonic_time () + INTERVAL;
  while (file->n_front < GST_NPU_TRACE_ROOM / 2 && !file->stop
         && g_cond_wait_until (&file->cond, &file->lock, deadline))
    ;
  n = file->n_front;
  if (n > 0) {
    GstNpuTraceEvent *events = file->front;

    file->front = file->back;
    file->back = events;
    file->n_front = 0;
  } else {
    file->ended = TRUE;
  }
  g_mutex_unlock (&file->lock);
  return n;
}

/* The application's signals are its own threads'; and a pipe that breaks, or a
 * file that grows beyond a limit, is an error here and no signal. */
static void
block_signals (void)
{
  sigset_t set;

  sigfillset (&set);
  sigdelset (&set, SIGSEGV);
  sigdelset (&set, SIGBUS);
  sigdelset (&set, SIGILL);
  sigdelset (&set, SIGFPE);
  pthread_sigmask (SIG_SETMASK, &set, NULL);
}

static gpointer
writer_thread (gpointer data)
{
  GstNpuTraceFile *file = data;
  guint n;

  block_signals ();
  while ((n = take_events (file)) > 0)
    write_back (file, n);
  if (!file->regular && !file->failed)
    write_all (file, end_of_array, END_OF_ARRAY_LENGTH);
  return NULL;
}

/* ---- from outside ------------------------------------------------------ */

static gboolean
open_file (GstNpuTraceFile *file)
{
  struct stat info;

  file->fd = open (file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file->fd < 0)
    return FALSE;
  file->regular = fstat (file->fd, &info) == 0 && S_ISREG (info.st_mode);
  g_string_append_c (file->text, '[');
  return write_text (file);
}

static void
free_all (GstNpuTraceFile *file)
{
  if (file->fd >= 0)
    close (file->fd);
  g_mutex_clear (&file->lock);
  g_cond_clear (&file->cond);
  g_string_free (file->text, TRUE);
  g_free (file->front);
  g_free (file->back);
  g_free (file->path);
  g_free (file);
}

GstNpuTraceFile *
gst_npu_trace_file_new (const gchar *path, guint64 max_events, GError **error)
{
  GstNpuTraceFile *file = g_new0 (GstNpuTraceFile, 1);

  file->path = g_strdup (path);
  file->max_events = max_events;
  file->origin = gst_util_get_timestamp ();
  file->front = g_new (GstNpuTraceEvent, GST_NPU_TRACE_ROOM);
  file->back = g_new (GstNpuTraceEvent, GST_NPU_TRACE_ROOM);
  file->text = g_string_new (NULL);
  file->empty = TRUE;
  g_mutex_init (&file->lock);
  g_cond_init (&file->cond);

  if (!open_file (file)) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "The trace \"%s\" cannot be written: %s", path, g_strerror (errno));
    free_all (file);
    return NULL;
  }
  file->thread = g_thread_new ("npu-trace", writer_thread, file);
  return file;
}

void
gst_npu_trace_file_close (GstNpuTraceFile *file)
{
  if (file->thread == NULL)
    return;
  g_mutex_lock (&file->lock);
  file->stop = TRUE;
  g_cond_signal (&file->cond);
  g_mutex_unlock (&file->lock);
  g_thread_join (g_steal_pointer (&file->thread));
  if (file->dropped > 0)
    g_warning ("The trace \"%s\" lacks %" G_GUINT64_FORMAT " events%s.",
        file->path, file->dropped,
        file->n_events == file->max_events
            ? ": it was to have no more; see max-events in docs/latency.md"
            : "");
}

void
gst_npu_trace_file_free (GstNpuTraceFile *file)
{
  gst_npu_trace_file_close (file);
  free_all (file);
}

/* Under the lock. */
static gboolean
has_room (GstNpuTraceFile *file)
{
  return !file->ended && file->n_front < GST_NPU_TRACE_ROOM
         && (file->max_events == 0 || file->n_events < file->max_events);
}

void
gst_npu_trace_file_add (GstNpuTraceFile *file, const GstNpuTraceEvent *event)
{
  gboolean taken;

  g_mutex_lock (&file->lock);
  taken = has_room (file);
  if (taken) {
    file->front[file->n_front++] = *event;
    file->n_events++;
    if (file->n_front == 1 || file->n_front == GST_NPU_TRACE_ROOM / 2)
      g_cond_signal (&file->cond);
  } else if (!file->ended) {
    file->dropped++;
  }
  g_mutex_unlock (&file->lock);
  if (!taken)
    g_free (event->args);
}

guint64
gst_npu_trace_file_get_dropped (GstNpuTraceFile *file)
{
  guint64 dropped;

  g_mutex_lock (&file->lock);
  dropped = file->dropped;
  g_mutex_unlock (&file->lock);
  return dropped;
}
