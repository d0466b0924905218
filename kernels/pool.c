/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pool.c: worker threads that run the tasks of one operation side by side.
 *
 * A run lies on its caller's stack and is in the pool's list as long as the
 * caller works on it.  A worker joins the run that has the fewest helpers,
 * claims tasks one by one by an atomic counter, and leaves when no task is left.
 * Where there are several callers it leaves after each task, to make room for
 * one that waits or to choose again: so the callers share the workers.  Joining
 * and leaving happen under the pool's lock; once a caller has seen, under that
 * lock, that nobody is left in its run, no thread looks at it again.
 *
 * Callers in their turn and workers in a run are counted together.  A caller
 * gets its turn when that count is below the CPUs, so more callers than CPUs
 * never push each other out of the caches, and with as many callers as CPUs
 * each works alone, without forks and joins.
 *
 * The operations of an encoder follow each other within microseconds.  So an
 * idle worker, and a caller whose last tasks are still with helpers, spin for a
 * moment before they sleep: waking a thread costs more than such a pause.
 */
#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu.h"
#include "forks.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* Nanoseconds that a thread spins before it sleeps. */
#define SPIN_NS 20000
/* Looks at what it waits for between two looks at the clock. */
#define SPINS_PER_CLOCK 16

#define ID_WORDS (NPU_POOL_MAX_THREADS / 64)

typedef struct _Run Run;

struct _Run {
  NpuPoolTask task;
  void *data;
  unsigned n_tasks;
  unsigned max_helpers;
  atomic_uint next; /* the first task that nobody has claimed */

  /* under the pool's lock; n_helpers may be read without, as a hint */
  Run *previous, *following;
  atomic_uint n_helpers;
  uint64_t ids[ID_WORDS];  /* a bit for each worker number in use */
  bool withdrawn;          /* no more in the list */
  pthread_cond_t finished; /* withdrawn, and the last helper has left */
};

/* On the stack of a caller that waits for its turn; under the pool's lock. */
typedef struct _Waiting Waiting;

struct _Waiting {
  Waiting *following;
  bool has_turn;
  pthread_cond_t turn;
};

struct _NpuPool {
  NpuForkLink link; /* first: is the pool to renew() */
  unsigned cpus;    /* immutable */

  pthread_mutex_t lock;
  pthread_cond_t wake; /* there is work for a worker, or the pool ends */
  Run *first, *last;   /* those that helpers left last are last */
  Waiting *first_waiting, *last_waiting;
  unsigned n_working; /* callers in their turn, and helpers */
  unsigned n_helping; /* the helpers among them */
  unsigned n_sleeping;
  bool stopping;
  unsigned n_workers;
  pthread_t workers[NPU_POOL_MAX_THREADS - 1];
  NpuPoolUse use;

  /* Changed under the lock, looked at without it. */
  atomic_uint n_callers; /* in their turn, or waiting for it */
  atomic_uint news;      /* counts what workers are woken for */
};

static uint64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

static void
relax (void)
{
#if defined(__SSE__)
  _mm_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Waits for a short while until @value is (@equal) or is no more @wanted. */
static void
spin (atomic_uint *value, unsigned wanted, bool equal)
{
  uint64_t end = now_ns () + SPIN_NS;

  do {
    for (int i = 0; i < SPINS_PER_CLOCK; i++) {
      if ((atomic_load (value) == wanted) == equal)
        return;
      relax ();
    }
  } while (now_ns () < end);
}

/* Runs tasks until none is left, or until @n_callers tells of other callers. */
static void
work (Run *run, unsigned worker, atomic_uint *n_callers)
{
  unsigned task = atomic_load_explicit (&run->next, memory_order_relaxed);

  while (task < run->n_tasks) {
    if (!atomic_compare_exchange_weak (&run->next, &task, task + 1))
      continue;
    run->task (run->data, task, worker);
    if (n_callers && atomic_load_explicit (n_callers, memory_order_relaxed) > 1)
      return;
    task = atomic_load_explicit (&run->next, memory_order_relaxed);
  }
}

static void
list_append (NpuPool *pool, Run *run)
{
  run->previous = pool->last;
  run->following = NULL;
  if (pool->last)
    pool->last->following = run;
  else
    pool->first = run;
  pool->last = run;
}

static void
list_remove (NpuPool *pool, Run *run)
{
  if (run->previous)
    run->previous->following = run->following;
  else
    pool->first = run->following;
  if (run->following)
    run->following->previous = run->previous;
  else
    pool->last = run->previous;
}

/* Under the lock.  Whether one more thread may work for @run.  A run that asks
 * for more threads than there are CPUs gets them. */
static bool
has_room (NpuPool *pool, const Run *run)
{
  return !pool->first_waiting
         && (pool->n_working < pool->cpus
             || pool->n_working <= run->max_helpers);
}

/* The run that needs help most: among those with tasks left and room, the one
 * with the fewest helpers, and of these the first. */
static Run *
choose (NpuPool *pool)
{
  Run *best = NULL;

  for (Run *run = pool->first; run; run = run->following) {
    if (atomic_load (&run->next) >= run->n_tasks
        || run->n_helpers >= run->max_helpers || !has_room (pool, run))
      continue;
    if (!best || run->n_helpers < best->n_helpers)
      best = run;
  }
  return best;
}

/* Under the lock.  Takes one thread from those that work, and gives its place to
 * who waits first. */
static void
stop_working (NpuPool *pool)
{
  pool->n_working--;
  if (pool->first_waiting && pool->n_working < pool->cpus) {
    Waiting *waiting = pool->first_waiting;

    pool->first_waiting = waiting->following;
    pool->use.n_waiting--;
    pool->n_working++;
    waiting->has_turn = true;
    pthread_cond_signal (&waiting->turn);
  }
}

/* Under the lock.  Returns this thread's number in @run, from 1 on. */
static unsigned
join (NpuPool *pool, Run *run)
{
  unsigned id = 0;

  pool->n_working++;
  pool->n_helping++;
  atomic_fetch_add (&run->n_helpers, 1);
  while (run->ids[id / 64] >> (id % 64) & 1)
    id++;
  run->ids[id / 64] |= UINT64_C (1) << (id % 64);
  return id;
}

/* Under the lock.  The other runs come first now. */
static void
leave (NpuPool *pool, Run *run, unsigned id)
{
  run->ids[id / 64] &= ~(UINT64_C (1) << (id % 64));
  if (!run->withdrawn) {
    list_remove (pool, run);
    list_append (pool, run);
  }
  if (atomic_fetch_sub (&run->n_helpers, 1) == 1 && run->withdrawn)
    pthread_cond_signal (&run->finished);
  pool->n_helping--;
  stop_working (pool);
}

/* Under the lock: there is work for @n workers. */
static void
wake_workers (NpuPool *pool, unsigned n)
{
  atomic_fetch_add (&pool->news, 1);
  if (n > pool->n_sleeping)
    n = pool->n_sleeping;
  while (n-- > 0)
    pthread_cond_signal (&pool->wake);
}

/* Called and returns with the lock held; lets it go while it spins. */
static void
wait_for_news (NpuPool *pool)
{
  unsigned seen = atomic_load (&pool->news);

  pthread_mutex_unlock (&pool->lock);
  spin (&pool->news, seen, false);
  pthread_mutex_lock (&pool->lock);
  pool->n_sleeping++;
  while (atomic_load (&pool->news) == seen)
    pthread_cond_wait (&pool->wake, &pool->lock);
  pool->n_sleeping--;
}

static void *
worker_main (void *data)
{
  NpuPool *pool = data;

  npu_cpu_use_all ();
  npu_cpu_enter_float_mode ();
  pthread_mutex_lock (&pool->lock);
  while (!pool->stopping) {
    Run *run = choose (pool);
    unsigned id;

    if (!run) {
      wait_for_news (pool);
      continue;
    }
    id = join (pool, run);
    pthread_mutex_unlock (&pool->lock);
    work (run, id, &pool->n_callers);
    pthread_mutex_lock (&pool->lock);
    leave (pool, run, id);
  }
  pthread_mutex_unlock (&pool->lock);
  return NULL;
}

/* Under the lock.  Signals stay with the threads of the application; workers
 * have the usual priority, whatever that of the caller who first needs them. */
static void
start_workers (NpuPool *pool, unsigned wanted)
{
  sigset_t all, before;
  pthread_attr_t attributes;

  if (pool->n_workers >= wanted)
    return;
  pthread_attr_init (&attributes);
  pthread_attr_setinheritsched (&attributes, PTHREAD_EXPLICIT_SCHED);
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  while (
      pool->n_workers < wanted && pool->n_workers < NPU_POOL_MAX_THREADS - 1) {
    pthread_t *thread = &pool->workers[pool->n_workers];

    if (pthread_create (thread, &attributes, worker_main, pool) != 0)
      break;
#ifdef __linux__
    pthread_setname_np (*thread, "npu-worker");
#endif
    pool->n_workers++;
  }
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  pthread_attr_destroy (&attributes);
}

/* Without workers, callers or turns. */
static void
init_state (NpuPool *pool, unsigned cpus)
{
  memset (pool, 0, sizeof *pool);
  pool->cpus = cpus;
  pthread_mutex_init (&pool->lock, NULL);
  pthread_cond_init (&pool->wake, NULL);
  atomic_init (&pool->n_callers, 0);
  atomic_init (&pool->news, 0);
}

/* In a child process: as it was made. */
static void
renew (NpuForkLink *link)
{
  NpuPool *pool = (NpuPool *) link;
  NpuForkLink kept = *link;

  init_state (pool, pool->cpus);
  pool->link = kept;
}

NpuPool *
npu_pool_new (unsigned cpus)
{
  NpuPool *pool = malloc (sizeof *pool);

  if (!pool)
    return NULL;
  init_state (pool, cpus > 0 ? cpus : 1);
  pool->link.renew = renew;
  npu_forks_watch (&pool->link);
  return pool;
}

void
npu_pool_free (NpuPool *pool)
{
  if (!pool)
    return;
  npu_forks_forget (&pool->link);
  pthread_mutex_lock (&pool->lock);
  pool->stopping = true;
  wake_workers (pool, pool->n_sleeping);
  pthread_mutex_unlock (&pool->lock);
  for (unsigned i = 0; i < pool->n_workers; i++)
    pthread_join (pool->workers[i], NULL);
  pthread_cond_destroy (&pool->wake);
  pthread_mutex_destroy (&pool->lock);
  free (pool);
}

/* Called and returns with the lock held; lets it go while it waits. */
static uint64_t
wait_for_turn (NpuPool *pool)
{
  Waiting waiting = { .has_turn = false };
  uint64_t start = now_ns ();

  pthread_cond_init (&waiting.turn, NULL);
  if (pool->first_waiting)
    pool->last_waiting->following = &waiting;
  else
    pool->first_waiting = &waiting;
  pool->last_waiting = &waiting;
  pool->use.n_waiting++;
  while (!waiting.has_turn)
    pthread_cond_wait (&waiting.turn, &pool->lock);
  pthread_cond_destroy (&waiting.turn);
  return now_ns () - start;
}

uint64_t
npu_pool_begin_turn (NpuPool *pool)
{
  uint64_t waited = 0;

  pthread_mutex_lock (&pool->lock);
  atomic_fetch_add (&pool->n_callers, 1);
  if (pool->first_waiting || pool->n_working >= pool->cpus)
    waited = wait_for_turn (pool);
  else
    pool->n_working++;
  pool->use.n_turns++;
  pool->use.wait_ns += waited;
  pthread_mutex_unlock (&pool->lock);
  return waited;
}

/* If nobody waited, a worker may now help another caller. */
void
npu_pool_end_turn (NpuPool *pool)
{
  pthread_mutex_lock (&pool->lock);
  atomic_fetch_sub (&pool->n_callers, 1);
  stop_working (pool);
  if (choose (pool))
    wake_workers (pool, 1);
  pthread_mutex_unlock (&pool->lock);
}

NpuPoolUse
npu_pool_get_use (NpuPool *pool)
{
  NpuPoolUse use;

  pthread_mutex_lock (&pool->lock);
  use = pool->use;
  pthread_mutex_unlock (&pool->lock);
  return use;
}

/* Puts @run in the list and wakes as many workers as it can use. */
static void
publish (NpuPool *pool, Run *run)
{
  pthread_mutex_lock (&pool->lock);
  list_append (pool, run);
  if (has_room (pool, run)) {
    /* beside those that help others already */
    start_workers (pool, pool->n_helping + run->max_helpers);
    wake_workers (pool, run->max_helpers);
  }
  pthread_mutex_unlock (&pool->lock);
}

/* Waits until the helpers have ended their last tasks. */
static void
withdraw (NpuPool *pool, Run *run)
{
  spin (&run->n_helpers, 0, true);
  pthread_mutex_lock (&pool->lock);
  list_remove (pool, run);
  run->withdrawn = true;
  while (run->n_helpers > 0)
    pthread_cond_wait (&run->finished, &pool->lock);
  pthread_mutex_unlock (&pool->lock);
}

void
npu_pool_run (NpuPool *pool, unsigned max_threads, NpuPoolTask task, void *data,
    unsigned n_tasks)
{
  uint32_t float_mode = npu_cpu_enter_float_mode ();
  Run run = { .task = task, .data = data, .n_tasks = n_tasks };

  if (max_threads > NPU_POOL_MAX_THREADS)
    max_threads = NPU_POOL_MAX_THREADS;
  if (max_threads > n_tasks)
    max_threads = n_tasks;
  if (max_threads > 1) {
    run.max_helpers = max_threads - 1;
    run.ids[0] = 1; /* the caller is worker 0 */
    pthread_cond_init (&run.finished, NULL);
    publish (pool, &run);
    work (&run, 0, NULL);
    withdraw (pool, &run);
    pthread_cond_destroy (&run.finished);
  } else {
    work (&run, 0, NULL);
  }
  npu_cpu_leave_float_mode (float_mode);
}
