/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * forks.h: what must begin anew in a child process made by fork(), which has
 * none of the threads that work or hold a lock in its parent.
 */
#ifndef NPU_FORKS_H
#define NPU_FORKS_H

/* Part of the object that is to be told; the caller's memory. */
typedef struct _NpuForkLink NpuForkLink;

struct _NpuForkLink {
  NpuForkLink *following;
  /* Called in the child, on its only thread, before fork() returns there: may
   * take no lock that another thread can have held, nor allocate. */
  void (*renew) (NpuForkLink *link);
};

/* From now on @link is told of forks, until it is forgotten.  Any thread. */
void npu_forks_watch (NpuForkLink *link);
void npu_forks_forget (NpuForkLink *link);

#endif /* NPU_FORKS_H */
