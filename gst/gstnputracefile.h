/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gstnputracefile.h: events → a file of Chrome trace-event JSON, which
 * ui.perfetto.dev and chrome://tracing open.
 *
 * Any thread adds; a thread of the file's own formats and writes, ten times a
 * second.  Memory is bounded: what the writer cannot keep up with is dropped,
 * and counted.
 *
 * A regular file holds a whole JSON array after every write, since the closing
 * bracket is written with the events and overwritten by those that follow: a
 * process that is killed leaves a file that any parser takes, without what
 * happened in its last tenth of a second.
 */
#ifndef GST_NPU_TRACE_FILE_H
#define GST_NPU_TRACE_FILE_H

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstNpuTraceFile GstNpuTraceFile;

/* The phases of the format that are used here. */
typedef enum {
  GST_NPU_TRACE_SPAN = 'X',
  GST_NPU_TRACE_COUNTER = 'C',
  GST_NPU_TRACE_INSTANT = 'i',
  GST_NPU_TRACE_FLOW_START = 's',
  GST_NPU_TRACE_FLOW_END = 'f',
  GST_NPU_TRACE_METADATA = 'M'
} GstNpuTracePhase;

typedef struct {
  GstNpuTracePhase phase;
  guint track;           /* a thread of the format's */
  const gchar *name;     /* static or interned */
  GstClockTime time;     /* monotonic clock */
  GstClockTime duration; /* of a span */
  guint64 id;            /* of a flow */
  gchar *args;           /* a JSON object or NULL */
} GstNpuTraceEvent;

/* Room for that many events between two writes. */
#define GST_NPU_TRACE_ROOM 32768

/* @max_events: how many to write before the trace ends, 0 for any number.
 * NULL with an error if @path cannot be written. */
GstNpuTraceFile *gst_npu_trace_file_new (
    const gchar *path, guint64 max_events, GError **error);
/* Writes what is there and ends the file: later events are dropped. */
void gst_npu_trace_file_close (GstNpuTraceFile *file);
void gst_npu_trace_file_free (GstNpuTraceFile *file);

/* Takes over event->args.  Any thread. */
void gst_npu_trace_file_add (
    GstNpuTraceFile *file, const GstNpuTraceEvent *event);
/* Events that found no room, or came behind max_events. */
guint64 gst_npu_trace_file_get_dropped (GstNpuTraceFile *file);

/* @text as a JSON string, quotes included. */
void gst_npu_trace_append_string (GString *json, const gchar *text);
/* Another member of an object: ,"name":"value"; NULL is an empty string. */
void gst_npu_trace_append_member (
    GString *json, const gchar *name, const gchar *value);
/* Whatever the locale; what is no number in JSON becomes 0. */
void gst_npu_trace_append_double (GString *json, gdouble value);

G_END_DECLS
#endif /* GST_NPU_TRACE_FILE_H */
