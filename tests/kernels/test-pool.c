/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-pool.c: every task runs exactly once, workers are unique within a run,
 * concurrent callers all end, come in turn, and never work on more threads than
 * there are CPUs; a child process can use what it inherited; the float mode is
 * the kernels' inside of tasks and the caller's own outside.
 */
#include "testutil.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pool.h"

#define MAX_TASKS 2000

typedef struct {
  unsigned max_threads;
  atomic_uint runs[MAX_TASKS]; /* how often each task ran */
  atomic_flag busy[NPU_POOL_MAX_THREADS];
  atomic_uint collisions; /* two threads with one worker number */
  atomic_uint beyond;     /* worker numbers that are too high */
  atomic_uint wrong_mode;
  uint64_t plain[NPU_POOL_MAX_THREADS]; /* scratch without any lock */
  unsigned result[MAX_TASKS];
} Job;

/* The mode that enter() sets, for comparison. */
static uint32_t kernels_mode;

static uint32_t
current_mode (void)
{
  uint32_t mode = npu_cpu_enter_float_mode ();

  npu_cpu_leave_float_mode (mode);
  return mode & ~UINT32_C (0x3f); /* without the sticky flags of SSE */
}

static void
job_init (Job *job, unsigned max_threads)
{
  memset (job, 0, sizeof *job);
  job->max_threads = max_threads;
  for (unsigned i = 0; i < NPU_POOL_MAX_THREADS; i++)
    atomic_flag_clear (&job->busy[i]);
}

static void
run_task (void *data, unsigned task, unsigned worker)
{
  Job *job = data;

  if (worker >= job->max_threads) {
    atomic_fetch_add (&job->beyond, 1);
    return;
  }
  if (atomic_flag_test_and_set (&job->busy[worker]))
    atomic_fetch_add (&job->collisions, 1);
  if (current_mode () != kernels_mode)
    atomic_fetch_add (&job->wrong_mode, 1);
  for (unsigned i = 0; i < task % 50; i++)
    job->plain[worker] += i;
  if (task % 7 == 0)
    sched_yield ();
  job->result[task] = task * 3 + 1;
  atomic_fetch_add (&job->runs[task], 1);
  atomic_flag_clear (&job->busy[worker]);
}

static void
run_in_turn (NpuPool *pool, unsigned max_threads, NpuPoolTask task, void *data,
    unsigned n_tasks)
{
  npu_pool_begin_turn (pool);
  npu_pool_run (pool, max_threads, task, data, n_tasks);
  npu_pool_end_turn (pool);
}

/* Counts what went wrong in a run; checks happen in one thread. */
static unsigned
job_errors (Job *job, unsigned n_tasks)
{
  unsigned errors = atomic_load (&job->collisions) + atomic_load (&job->beyond)
                    + atomic_load (&job->wrong_mode);

  for (unsigned i = 0; i < n_tasks; i++)
    errors += atomic_load (&job->runs[i]) != 1 || job->result[i] != i * 3 + 1;
  return errors;
}

static void
check_counts (NpuPool *pool)
{
  static const unsigned n_tasks[] = { 0, 1, 2, 3, 17, 100, MAX_TASKS };
  static const unsigned threads[] = { 0, 1, 2, 3, 8, 300 };
  Job *job = malloc (sizeof *job);

  for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++)
    for (size_t n = 0; n < sizeof n_tasks / sizeof n_tasks[0]; n++) {
      unsigned limit = threads[t] == 0 ? 1 : threads[t];

      if (threads[t] > 8 && n_tasks[n] > 17)
        continue;
      test_name ("pool run of %u tasks on %u threads", n_tasks[n], threads[t]);
      job_init (
          job, limit < NPU_POOL_MAX_THREADS ? limit : NPU_POOL_MAX_THREADS);
      run_in_turn (pool, threads[t], run_task, job, n_tasks[n]);
      test_check (job_errors (job, n_tasks[n]) == 0, "%u errors",
          job_errors (job, n_tasks[n]));
    }
  free (job);
}

typedef struct {
  NpuPool *pool;
  unsigned number, n_runs, errors;
} Caller;

static void *
caller_main (void *data)
{
  Caller *caller = data;
  Job *job = malloc (sizeof *job);

  for (unsigned i = 0; i < caller->n_runs; i++) {
    unsigned n_tasks = 1 + (caller->number * 131 + i * 37) % 120;

    job_init (job, 1 + (caller->number + i) % 5);
    run_in_turn (caller->pool, job->max_threads, run_task, job, n_tasks);
    caller->errors += job_errors (job, n_tasks);
  }
  free (job);
  return NULL;
}

static void
check_callers (unsigned cpus)
{
  enum { N = 8 };
  NpuPool *pool = npu_pool_new (cpus);
  pthread_t threads[N];
  Caller callers[N];

  test_name ("%d concurrent callers on %u CPUs", (int) N, cpus);
  for (unsigned i = 0; i < N; i++) {
    callers[i] = (Caller){ pool, i, 300, 0 };
    pthread_create (&threads[i], NULL, caller_main, &callers[i]);
  }
  for (unsigned i = 0; i < N; i++) {
    pthread_join (threads[i], NULL);
    test_check (callers[i].errors == 0, "caller %u saw %u errors", i,
        callers[i].errors);
  }
  test_check (npu_pool_get_use (pool).n_turns == N * 300, "turns not counted");
  npu_pool_free (pool);
}

typedef struct {
  atomic_uint arrived; /* tasks that have begun */
  atomic_uint met;     /* of these, how many saw all others */
} Meeting;

/* Waits, for 10 s at most, until all of the run's threads are in a task. */
static void
meet (void *data, unsigned task, unsigned worker)
{
  Meeting *meeting = data;
  struct timespec pause = { 0, 1000000 };

  atomic_fetch_add (&meeting->arrived, 1);
  for (int i = 0; i < 10000 && atomic_load (&meeting->arrived) < 4; i++)
    nanosleep (&pause, NULL);
  atomic_fetch_add (&meeting->met, atomic_load (&meeting->arrived) == 4);
}

/* Four tasks that wait for each other end only if four threads work; again
 * after a pause, when the workers sleep.  With fewer CPUs too: whoever asks for
 * more threads gets them. */
static void
check_parallel (unsigned cpus)
{
  NpuPool *pool = npu_pool_new (cpus);
  struct timespec pause = { 0, 50000000 };

  test_name ("four tasks side by side on %u CPUs", cpus);
  for (int i = 0; i < 3; i++) {
    Meeting meeting = { 0 };

    run_in_turn (pool, 4, meet, &meeting, 4);
    test_check (meeting.met == 4, "only %u tasks met", meeting.met);
    nanosleep (&pause, NULL);
  }
  npu_pool_free (pool);
}

typedef struct {
  NpuPool *pool;
  atomic_uint arrived; /* of the second run's two tasks */
  atomic_uint met;     /* of these, how many saw the other */
  atomic_bool second_done;
  atomic_uint workers; /* a bit for each that has worked on the first run */
} Sharing;

static void
meet_two (void *data, unsigned task, unsigned worker)
{
  Sharing *sharing = data;
  struct timespec pause = { 0, 1000000 };

  atomic_fetch_add (&sharing->arrived, 1);
  for (int i = 0; i < 10000 && atomic_load (&sharing->arrived) < 2; i++)
    nanosleep (&pause, NULL);
  atomic_fetch_add (&sharing->met, atomic_load (&sharing->arrived) == 2);
}

static void *
second_caller (void *data)
{
  Sharing *sharing = data;

  run_in_turn (sharing->pool, 2, meet_two, sharing, 2);
  atomic_store (&sharing->second_done, true);
  return NULL;
}

/* One of many tasks of the first run; they go on for as long as the second
 * run needs, 20 s at most. */
static void
keep_busy (void *data, unsigned task, unsigned worker)
{
  Sharing *sharing = data;
  struct timespec pause = { 0, 1000000 };

  atomic_fetch_or (&sharing->workers, 1u << worker);
  if (!atomic_load (&sharing->second_done))
    nanosleep (&pause, NULL);
}

/* A long run must let go of its worker when another run wants one. */
static void
check_sharing (void)
{
  NpuPool *pool = npu_pool_new (3);
  Sharing sharing = { .pool = pool };
  pthread_t thread;

  test_name ("a worker shared by two callers");
  pthread_create (&thread, NULL, second_caller, &sharing);
  run_in_turn (pool, 2, keep_busy, &sharing, 40000);
  pthread_join (thread, NULL);
  test_check (atomic_load (&sharing.met) == 2, "the second run starved");
  npu_pool_free (pool);
}

static void *
short_caller (void *data)
{
  Sharing *sharing = data;
  struct timespec pause = { 0, 100000 };

  while (!(atomic_load (&sharing->workers) & 2)) /* no helper yet */
    nanosleep (&pause, NULL);
  npu_pool_begin_turn (sharing->pool);
  atomic_store (&sharing->second_done, true);
  npu_pool_end_turn (sharing->pool);
  return NULL;
}

/* … and when another caller waits for its turn. */
static void
check_making_room (unsigned threads)
{
  NpuPool *pool = npu_pool_new (2);
  Sharing sharing = { .pool = pool };
  pthread_t thread;

  test_name ("workers on %u threads that make room for a caller", threads);
  npu_pool_begin_turn (pool);
  pthread_create (&thread, NULL, short_caller, &sharing);
  npu_pool_run (pool, threads, keep_busy, &sharing, 40000);
  test_check (atomic_load (&sharing.second_done), "the second caller starved");
  npu_pool_end_turn (pool);
  pthread_join (thread, NULL);
  npu_pool_free (pool);
}

typedef struct {
  NpuPool *pool;
  atomic_uint running, most; /* tasks at the same time */
} Crowd;

static void
count_running (void *data, unsigned task, unsigned worker)
{
  Crowd *crowd = data;
  unsigned running = atomic_fetch_add (&crowd->running, 1) + 1;
  unsigned most = atomic_load (&crowd->most);

  while (running > most
         && !atomic_compare_exchange_weak (&crowd->most, &most, running))
    ;
  if (task % 5 == 0)
    sched_yield ();
  atomic_fetch_sub (&crowd->running, 1);
}

static void *
crowd_main (void *data)
{
  Crowd *crowd = data;

  for (int turn = 0; turn < 20; turn++) {
    npu_pool_begin_turn (crowd->pool);
    for (int run = 0; run < 10; run++)
      npu_pool_run (crowd->pool, 3, count_running, crowd, 20);
    npu_pool_end_turn (crowd->pool);
  }
  return NULL;
}

/* However many callers there are, no more threads work than there are CPUs. */
static void
check_limit (void)
{
  enum { N = 8 };
  Crowd crowd = { .pool = npu_pool_new (3) };
  pthread_t threads[N];

  test_name ("%d callers on 3 CPUs", (int) N);
  for (int i = 0; i < N; i++)
    pthread_create (&threads[i], NULL, crowd_main, &crowd);
  for (int i = 0; i < N; i++)
    pthread_join (threads[i], NULL);
  test_check (crowd.most >= 1 && crowd.most <= 3, "%u tasks ran at once",
      atomic_load (&crowd.most));
  npu_pool_free (crowd.pool);
}

typedef struct {
  NpuPool *pool;
  unsigned number;
  unsigned *order; /* numbers as their turns came; one CPU, so no lock */
  uint64_t waited;
} Queued;

static void *
queued_main (void *data)
{
  Queued *queued = data;

  queued->waited = npu_pool_begin_turn (queued->pool);
  *queued->order = *queued->order * 10 + queued->number;
  npu_pool_end_turn (queued->pool);
  return NULL;
}

/* Callers get their turns in the order in which they came. */
static void
check_order (void)
{
  enum { N = 5 };
  NpuPool *pool = npu_pool_new (1);
  struct timespec pause = { 0, 1000000 };
  pthread_t threads[N];
  Queued queued[N];
  unsigned order = 0;
  uint64_t waited = 0;

  test_name ("turns in order");
  test_check (npu_pool_begin_turn (pool) == 0, "waited for nobody");
  for (unsigned i = 0; i < N; i++) {
    queued[i] = (Queued){ pool, i + 1, &order, 0 };
    pthread_create (&threads[i], NULL, queued_main, &queued[i]);
    while (npu_pool_get_use (pool).n_waiting < i + 1)
      nanosleep (&pause, NULL);
  }
  test_check (order == 0, "a turn came early");
  npu_pool_end_turn (pool);
  for (unsigned i = 0; i < N; i++) {
    pthread_join (threads[i], NULL);
    test_check (queued[i].waited > 0, "caller %u did not wait", i + 1);
    waited += queued[i].waited;
  }
  test_check (order == 12345, "turns came as %u", order);
  test_check (npu_pool_get_use (pool).wait_ns == waited
                  && npu_pool_get_use (pool).n_turns == N + 1,
      "waiting was counted wrong");
  npu_pool_free (pool);
}

typedef struct {
  NpuPool *pool;
  atomic_bool has_turn, may_end;
} Holder;

static void *
holder_main (void *data)
{
  struct timespec pause = { 0, 1000000 };
  Holder *holder = data;

  npu_pool_begin_turn (holder->pool);
  atomic_store (&holder->has_turn, true);
  while (!atomic_load (&holder->may_end))
    nanosleep (&pause, NULL);
  npu_pool_end_turn (holder->pool);
  return NULL;
}

/* In the child.  Its exit status. */
static int
use_inherited (NpuPool *pool, Job *job)
{
  unsigned errors;

  alarm (300); /* a child that hangs ends */
  job_init (job, 4);
  run_in_turn (pool, 4, run_task, job, MAX_TASKS);
  errors = job_errors (job, MAX_TASKS);
  errors += npu_pool_get_use (pool).n_turns != 1;
  npu_pool_free (pool);
  return errors != 0;
}

/* A child has no workers, and whoever has all turns is not there. */
static void
check_fork (void)
{
  struct timespec pause = { 0, 1000000 };
  Holder holder = { .pool = npu_pool_new (1) };
  Job *job = malloc (sizeof *job);
  pthread_t thread;
  int status = -1;
  pid_t child;

  test_name ("a child process");
  job_init (job, 4);
  run_in_turn (holder.pool, 4, run_task, job, MAX_TASKS);
  pthread_create (&thread, NULL, holder_main, &holder);
  while (!atomic_load (&holder.has_turn))
    nanosleep (&pause, NULL);

  child = fork ();
  if (child == 0)
    _exit (use_inherited (holder.pool, job));
  waitpid (child, &status, 0);
  test_check (WIFEXITED (status) && WEXITSTATUS (status) == 0,
      "the child's status is %x", (unsigned) status);

  atomic_store (&holder.may_end, true);
  pthread_join (thread, NULL);
  job_init (job, 4);
  run_in_turn (holder.pool, 4, run_task, job, MAX_TASKS);
  test_check (job_errors (job, MAX_TASKS) == 0, "the parent's pool suffered");
  npu_pool_free (holder.pool);
  free (job);
}

/* The caller's own mode, here with flushing off, survives a run. */
static void
check_float_mode (NpuPool *pool)
{
  uint32_t before = current_mode ();
  Job *job = malloc (sizeof *job);

  test_name ("float mode of the caller");
  job_init (job, 3);
  run_in_turn (pool, 3, run_task, job, 50);
  test_check (job_errors (job, 50) == 0, "tasks ran in another mode");
  test_check (
      current_mode () == before, "mode was %x, is %x", before, current_mode ());
  free (job);
}

int
main (void)
{
  NpuPool *pool = npu_pool_new (8);
  uint32_t mode = npu_cpu_enter_float_mode ();

  kernels_mode = current_mode ();
  npu_cpu_leave_float_mode (mode);
  npu_pool_free (NULL);
  npu_pool_free (npu_pool_new (8));
  check_counts (pool);
  check_callers (8);
  check_callers (2);
  check_callers (1);
  check_parallel (4);
  check_parallel (1);
  check_float_mode (pool);
  check_sharing ();
  check_making_room (2);
  check_making_room (4); /* more than CPUs */
  check_limit ();
  check_order ();
  check_fork ();
  npu_pool_free (pool);
  return test_result ();
}
