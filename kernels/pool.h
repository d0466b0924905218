/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pool.h: worker threads that run the tasks of one operation side by side.
 *
 * The caller of npu_pool_run() works too, so a pool of one thread starts none.
 * Tasks are claimed one by one: a thread that the system holds up delays only
 * its own task.  A task must not call npu_pool_run().
 *
 * Any number of threads may want to run something at once, but only as many as
 * there are CPUs work at a time: each caller waits for its turn, first come,
 * first served, and keeps it over a series of runs whose data then stay in the
 * caches.  Workers help while fewer callers than CPUs have a turn, and make
 * room, after their current task, for a caller that waits.
 *
 * In a child process made by fork() a pool begins anew: without workers,
 * callers, turns, and what was counted.
 */
#ifndef NPU_POOL_H
#define NPU_POOL_H

#include <stdint.h>

#define NPU_POOL_MAX_THREADS 256

typedef struct _NpuPool NpuPool;

/* @worker is below the max_threads of the run and unique among the threads
 * that work on it at that time: it selects scratch memory. */
typedef void (*NpuPoolTask) (void *data, unsigned task, unsigned worker);

/* @cpus: how many threads work at the same time, at least 1.  Never fails: where
 * a thread cannot be started, fewer work.  NULL only if there is no memory for
 * the pool itself. */
NpuPool *npu_pool_new (unsigned cpus);

/* Nobody may have a turn or wait for one.  Joins every worker. */
void npu_pool_free (NpuPool *pool);

/* Waits for this thread's turn, and returns how long in nanoseconds.  A thread
 * takes one turn at a time, and waits for no other thread's work in it. */
uint64_t npu_pool_begin_turn (NpuPool *pool);
void npu_pool_end_turn (NpuPool *pool);

/* What the callers have done so far, and how many wait now. */
typedef struct {
  uint64_t n_turns; /* begun */
  uint64_t wait_ns; /* of all turns, before they began */
  unsigned n_waiting;
} NpuPoolUse;

NpuPoolUse npu_pool_get_use (NpuPool *pool);

/* Calls task (data, i, …) for i = 0 … n_tasks - 1 on at most @max_threads
 * threads (the caller included; workers are started when first wanted, and
 * then kept), and returns when all have ended.  More than the pool's CPUs work
 * only if @max_threads asks for that.  The tasks run in the kernels' float mode
 * (cpu.h); the caller's is left as found.  To be called in a turn. */
void npu_pool_run (NpuPool *pool, unsigned max_threads, NpuPoolTask task,
    void *data, unsigned n_tasks);

#endif /* NPU_POOL_H */
