/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-pool.c: every task runs exactly once, workers are unique within a run,
 * concurrent callers all end, the float mode is the kernels' inside of tasks
 * and the caller's own outside.
 */
#include "testutil.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
      npu_pool_run (pool, threads[t], run_task, job, n_tasks[n]);
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
    npu_pool_run (caller->pool, job->max_threads, run_task, job, n_tasks);
    caller->errors += job_errors (job, n_tasks);
  }
  free (job);
  return NULL;
}

static void
check_callers (NpuPool *pool)
{
  enum { N = 8 };
  pthread_t threads[N];
  Caller callers[N];

  test_name ("%d concurrent callers", (int) N);
  for (unsigned i = 0; i < N; i++) {
    callers[i] = (Caller){ pool, i, 300, 0 };
    pthread_create (&threads[i], NULL, caller_main, &callers[i]);
  }
  for (unsigned i = 0; i < N; i++) {
    pthread_join (threads[i], NULL);
    test_check (callers[i].errors == 0, "caller %u saw %u errors", i,
        callers[i].errors);
  }
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
 * after a pause, when the workers sleep. */
static void
check_parallel (NpuPool *pool)
{
  struct timespec pause = { 0, 50000000 };

  test_name ("four tasks side by side");
  for (int i = 0; i < 3; i++) {
    Meeting meeting = { 0 };

    npu_pool_run (pool, 4, meet, &meeting, 4);
    test_check (meeting.met == 4, "only %u tasks met", meeting.met);
    nanosleep (&pause, NULL);
  }
}

typedef struct {
  NpuPool *pool;
  atomic_uint arrived; /* of the second run's two tasks */
  atomic_uint met;     /* of these, how many saw the other */
  atomic_bool second_done;
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

  npu_pool_run (sharing->pool, 2, meet_two, sharing, 2);
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

  if (!atomic_load (&sharing->second_done))
    nanosleep (&pause, NULL);
}

/* A long run must let go of a worker when another run wants one. */
static void
check_sharing (void)
{
  NpuPool *pool = npu_pool_new ();
  Sharing sharing = { .pool = pool };
  pthread_t thread;

  test_name ("a worker shared by two callers");
  pthread_create (&thread, NULL, second_caller, &sharing);
  npu_pool_run (pool, 2, keep_busy, &sharing, 40000);
  pthread_join (thread, NULL);
  test_check (atomic_load (&sharing.met) == 2, "the second run starved");
  npu_pool_free (pool);
}

/* The caller's own mode, here with flushing off, survives a run. */
static void
check_float_mode (NpuPool *pool)
{
  uint32_t before = current_mode ();
  Job *job = malloc (sizeof *job);

  test_name ("float mode of the caller");
  job_init (job, 3);
  npu_pool_run (pool, 3, run_task, job, 50);
  test_check (job_errors (job, 50) == 0, "tasks ran in another mode");
  test_check (
      current_mode () == before, "mode was %x, is %x", before, current_mode ());
  free (job);
}

int
main (void)
{
  NpuPool *pool = npu_pool_new ();
  uint32_t mode = npu_cpu_enter_float_mode ();

  kernels_mode = current_mode ();
  npu_cpu_leave_float_mode (mode);
  npu_pool_free (NULL);
  npu_pool_free (npu_pool_new ());
  check_counts (pool);
  check_callers (pool);
  check_parallel (pool);
  check_float_mode (pool);
  check_sharing ();
  npu_pool_free (pool);
  return test_result ();
}
