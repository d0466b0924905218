/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pool.h: worker threads that run the tasks of one operation side by side.
 *
 * The caller of npu_pool_run() works too, so a pool of one thread starts none.
 * Tasks are claimed one by one: a thread that the system holds up delays only
 * its own task.  Any number of threads may call npu_pool_run() at once; the
 * workers help the callers in turn.  A task must not call npu_pool_run().
 */
#ifndef NPU_POOL_H
#define NPU_POOL_H

#define NPU_POOL_MAX_THREADS 256

typedef struct _NpuPool NpuPool;

/* @worker is below the max_threads of the run and unique among the threads
 * that work on it at that time: it selects scratch memory. */
typedef void (*NpuPoolTask) (void *data, unsigned task, unsigned worker);

/* Never fails: where a thread cannot be started, fewer work.  NULL only if
 * there is no memory for the pool itself. */
NpuPool *npu_pool_new (void);

/* No run may be under way.  Joins every worker. */
void npu_pool_free (NpuPool *pool);

/* Calls task (data, i, …) for i = 0 … n_tasks - 1 on at most @max_threads
 * threads (the caller included; workers are started when first wanted, and
 * then kept), and returns when all have ended.  The tasks run in the kernels'
 * float mode (cpu.h); the caller's is left as found. */
void npu_pool_run (NpuPool *pool, unsigned max_threads, NpuPoolTask task,
    void *data, unsigned n_tasks);

#endif /* NPU_POOL_H */
