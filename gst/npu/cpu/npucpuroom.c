/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npucpuroom.c: memory for activations, shared by windows of one shape.
 *
 * A window needs it in its turn only, and no more windows have a turn than
 * there are CPUs.  So however many pipelines there are, memory is that of as
 * many windows, and what one has left in the caches serves the next.
 */
#include "npucpu.h"

/* All under the program's lock. */
struct _NpuCpuRoom {
  guint positions, threads; /* windows with these are laid out alike */
  guint n_windows;
  guint n_arenas; /* the lesser of windows and CPUs */
  guint n_idle;
  NpuArena *idle; /* the one used last is last; room for one per CPU */
};

static NpuCpuRoom *
find_room (NpuCpuWindow *window)
{
  GPtrArray *rooms = npu_cpu_window_program (window)->rooms;
  NpuCpuRoom *room;

  for (guint i = 0; i < rooms->len; i++) {
    room = g_ptr_array_index (rooms, i);
    if (room->positions == window->parent.positions
        && room->threads == window->parent.threads)
      return room;
  }
  room = g_new0 (NpuCpuRoom, 1);
  room->positions = window->parent.positions;
  room->threads = window->parent.threads;
  room->idle =
      g_new (NpuArena, npu_cpu_window_backend (window)->default_threads);
  g_ptr_array_add (rooms, room);
  return room;
}

/* Drops one window, and gives back what the others need no more: an idle arena,
 * as each of them has one at most. */
static NpuArena
leave (NpuCpuWindow *window)
{
  NpuCpuRoom *room = window->room;
  NpuArena arena = { 0 };

  if (--room->n_windows < room->n_arenas) {
    room->n_arenas--;
    arena = room->idle[--room->n_idle];
  }
  if (room->n_windows == 0) {
    g_free (room->idle);
    g_ptr_array_remove (npu_cpu_window_program (window)->rooms, room);
    g_free (room);
  }
  window->room = NULL;
  return arena;
}

gboolean
npu_cpu_room_join (NpuCpuWindow *window, GError **error)
{
  NpuCpuProgram *program = npu_cpu_window_program (window);
  NpuArena arena = window->arena;
  gboolean ok = TRUE;
  NpuCpuRoom *room;

  g_mutex_lock (&program->lock);
  room = window->room = find_room (window);
  room->n_windows++;
  if (room->n_arenas < npu_cpu_window_backend (window)->default_threads) {
    ok = npu_arena_allocate (&arena, error);
    if (ok) {
      room->n_arenas++;
      room->idle[room->n_idle++] = arena;
    } else {
      leave (window);
    }
  }
  g_mutex_unlock (&program->lock);
  return ok;
}

void
npu_cpu_room_leave (NpuCpuWindow *window)
{
  NpuCpuProgram *program = npu_cpu_window_program (window);
  NpuArena arena;

  g_mutex_lock (&program->lock);
  arena = leave (window);
  g_mutex_unlock (&program->lock);
  npu_arena_clear (&arena);
}

void
npu_cpu_room_take (NpuCpuWindow *window)
{
  NpuCpuProgram *program = npu_cpu_window_program (window);

  g_mutex_lock (&program->lock);
  window->arena = window->room->idle[--window->room->n_idle];
  g_mutex_unlock (&program->lock);
}

void
npu_cpu_room_give (NpuCpuWindow *window)
{
  NpuCpuProgram *program = npu_cpu_window_program (window);

  g_mutex_lock (&program->lock);
  window->arena.used = 0;
  window->room->idle[window->room->n_idle++] = window->arena;
  g_mutex_unlock (&program->lock);
  window->arena = (NpuArena){ 0 };
}
