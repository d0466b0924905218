/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npubenchchild.c: runs whole pipelines in a process of their own, so that its
 * start-up and its peak memory are theirs alone, and prints what it measured:
 * lines of a name and a value (npubenchpipeline.c reads them).
 *
 *   filesrc ! wavparse ! npumel ! npuwhisperenc ! fakesink
 */
#include "npubench.h"

#include <gst/gst.h>
#include <string.h>

#include "gstnpucontext.h"

typedef struct _Runner Runner;

/* What the streaming threads tell is under the runner's lock. */
typedef struct {
  Runner *runner;
  GstElement *pipeline;
  GArray *digests; /* of the windows; the streaming thread's until EOS */
  gboolean prerolled, ended;
  gint64 end_time;
} Line;

struct _Runner {
  const BenchChild *options;
  Line *lines;
  GMutex lock;
  GCond changed;
  gchar *error;
};

/* Four sums side by side, or each would wait for the multiplication before. */
static guint64
digest (const guint8 *data, gsize size)
{
  guint64 sums[4] = { 1, 2, 3, 4 }, word;
  gsize n = size / sizeof (word);

  for (gsize i = 0; i < n; i++) {
    memcpy (&word, data + i * sizeof (word), sizeof (word));
    sums[i % 4] =
        (sums[i % 4] ^ word) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
    sums[i % 4] ^= sums[i % 4] >> 29;
  }
  return sums[0] ^ sums[1] << 1 ^ sums[2] << 2 ^ sums[3] << 3 ^ size;
}

guint64
bench_digest (gconstpointer states, gsize size)
{
  return digest (states, size);
}

static void
on_handoff (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Line *line = data;
  GstMapInfo map;
  guint64 value = 0;

  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    value = digest (map.data, map.size);
    gst_buffer_unmap (buffer, &map);
  }
  g_array_append_val (line->digests, value);
}

static GstBusSyncReply
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Line *line = data;
  Runner *runner = line->runner;
  GError *error = NULL;

  g_mutex_lock (&runner->lock);
  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ASYNC_DONE:
      line->prerolled = TRUE;
      break;
    case GST_MESSAGE_EOS:
      line->ended = TRUE;
      line->end_time = g_get_monotonic_time ();
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      if (runner->error == NULL)
        runner->error = g_strdup (error->message);
      g_error_free (error);
      break;
    default:
      break;
  }
  g_cond_signal (&runner->changed);
  g_mutex_unlock (&runner->lock);
  gst_message_unref (message);
  return GST_BUS_DROP;
}

/* The names of the elements in order, and whether they are there. */
static const gchar *const element_names[] = { "filesrc", "wavparse", "npumel",
  "npuwhisperenc", "fakesink", NULL };

static const gchar *
find_missing (void)
{
  for (const gchar *const *name = element_names; *name != NULL; name++) {
    GstElementFactory *factory = gst_element_factory_find (*name);

    if (factory == NULL)
      return *name;
    gst_object_unref (factory);
  }
  return NULL;
}

static gboolean
line_open (Line *line)
{
  const BenchChild *options = line->runner->options;
  GstElement *elements[G_N_ELEMENTS (element_names) - 1];
  GstBus *bus;

  line->pipeline = gst_pipeline_new (NULL);
  line->digests = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; i < G_N_ELEMENTS (elements); i++) {
    elements[i] = gst_element_factory_make (element_names[i], NULL);
    if (elements[i] == NULL)
      return FALSE;
    gst_bin_add (GST_BIN (line->pipeline), elements[i]);
  }
  g_object_set (elements[0], "location", options->wav, NULL);
  g_object_set (elements[3], "device", "cpu", "model", options->model,
      "threads", options->threads, "audio-ctx", options->audio_ctx, NULL);
  gst_util_set_object_arg (
      G_OBJECT (elements[3]), "precision", options->precision);
  g_object_set (elements[4], "sync", FALSE, "signal-handoffs", TRUE, NULL);
  g_signal_connect (elements[4], "handoff", G_CALLBACK (on_handoff), line);

  bus = gst_element_get_bus (line->pipeline);
  gst_bus_set_sync_handler (bus, on_message, line, NULL);
  gst_object_unref (bus);
  return gst_element_link_many (
      elements[0], elements[1], elements[2], elements[3], elements[4], NULL);
}

static void
line_close (Line *line)
{
  gst_element_set_state (line->pipeline, GST_STATE_NULL);
  gst_object_unref (line->pipeline);
  g_array_unref (line->digests);
}

/* Sets all pipelines to @state and waits until it is reached (PAUSED) or their
 * streams have ended (PLAYING). */
static gboolean
runner_go (Runner *runner, GstState state)
{
  gboolean ok;

  for (guint i = 0; i < runner->options->pipelines; i++)
    gst_element_set_state (runner->lines[i].pipeline, state);

  g_mutex_lock (&runner->lock);
  for (guint i = 0; i < runner->options->pipelines; i++) {
    Line *line = &runner->lines[i];
    gboolean *done =
        state == GST_STATE_PAUSED ? &line->prerolled : &line->ended;

    while (!*done && runner->error == NULL)
      g_cond_wait (&runner->changed, &runner->lock);
  }
  ok = runner->error == NULL;
  g_mutex_unlock (&runner->lock);
  return ok;
}

/* Kilobytes, 0 where the system does not tell. */
static guint64
peak_memory (void)
{
  gchar *status = NULL;
  const gchar *line;
  guint64 kb = 0;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0;
  line = strstr (status, "VmHWM:");
  if (line != NULL)
    kb = g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10);
  g_free (status);
  return kb;
}

static void
print_double (const gchar *name, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_print ("%s %s\n", name, g_ascii_dtostr (text, sizeof (text), value));
}

/* Of the context that the pipelines share: how many use it, and how many sets of
 * packed weights they have. */
static void
print_sharing (void)
{
  GstNpuContext *context = gst_npu_context_new ("cpu", NULL);
  GstStructure *stats;
  guint programs = 0, users = 0;

  if (context == NULL)
    return;
  stats = gst_npu_context_get_stats (context);
  gst_structure_get_uint (stats, "programs", &programs);
  gst_structure_get_uint (stats, "users", &users);
  gst_structure_free (stats);
  gst_object_unref (context);
  print_double ("weights", programs);
  print_double ("users", users);
}

static void
print_lines (const Runner *runner, gint64 playing)
{
  for (guint i = 0; i < runner->options->pipelines; i++) {
    const Line *line = &runner->lines[i];

    print_double ("run-ms", (gdouble) (line->end_time - playing) / 1e3);
    for (guint window = 0; window < line->digests->len; window++)
      g_print ("window %" G_GUINT64_FORMAT "\n",
          g_array_index (line->digests, guint64, window));
  }
}

static gboolean
runner_measure (Runner *runner)
{
  gdouble cpu = bench_cpu_ms ();
  gint64 start = g_get_monotonic_time (), playing;

  if (!runner_go (runner, GST_STATE_PAUSED))
    return FALSE;
  playing = g_get_monotonic_time ();
  if (!runner_go (runner, GST_STATE_PLAYING))
    return FALSE;
  print_double ("total-ms", (gdouble) (g_get_monotonic_time () - start) / 1e3);
  print_double ("cpu-ms", bench_cpu_ms () - cpu);
  print_double ("start-up-ms", (gdouble) (playing - start) / 1e3);
  print_double ("peak-mb", (gdouble) peak_memory () * 1024 / 1e6);
  print_sharing ();
  print_lines (runner, playing);
  return TRUE;
}

/* In the build tree the plugin lies beside the tools; one that is installed
 * belongs to another build of the library. */
static void
load_own_plugin (void)
{
  gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  gchar *folder = self != NULL ? g_path_get_dirname (self) : NULL;
  gchar *path = folder != NULL ? g_build_filename (
                    folder, "..", "gst", "libgstnpu.so", NULL)
                               : NULL;

  if (path != NULL && g_file_test (path, G_FILE_TEST_EXISTS)) {
    GstPlugin *plugin = gst_plugin_load_file (path, NULL);

    gst_clear_object (&plugin);
  }
  g_free (path);
  g_free (folder);
  g_free (self);
}

static int
run_lines (Runner *runner)
{
  guint n = runner->options->pipelines, n_open = 0;
  gboolean ok = TRUE;

  runner->lines = g_new0 (Line, n);
  g_mutex_init (&runner->lock);
  g_cond_init (&runner->changed);
  while (ok && n_open < n) {
    runner->lines[n_open].runner = runner;
    ok = line_open (&runner->lines[n_open++]);
  }
  ok = ok && runner_measure (runner);
  while (n_open > 0)
    line_close (&runner->lines[--n_open]);
  if (!ok)
    g_printerr ("%s\n",
        runner->error != NULL ? runner->error : "the pipeline does not link");
  g_cond_clear (&runner->changed);
  g_mutex_clear (&runner->lock);
  g_free (runner->error);
  g_free (runner->lines);
  return ok ? 0 : 2;
}

int
bench_child_main (const BenchChild *options)
{
  Runner runner = { .options = options };
  const gchar *missing;

  gst_init (NULL, NULL);
  load_own_plugin ();
  missing = find_missing ();
  if (missing != NULL) {
    g_print ("missing %s\n", missing);
    return 0;
  }
  return run_lines (&runner);
}
