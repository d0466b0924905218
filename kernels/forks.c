/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* forks.c: a list of all who must be told of a fork, locked while one is made. */
#include "forks.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static NpuForkLink *first;

static void
before_fork (void)
{
  pthread_mutex_lock (&lock);
}

static void
after_fork_in_parent (void)
{
  pthread_mutex_unlock (&lock);
}

static void
after_fork_in_child (void)
{
  for (NpuForkLink *link = first; link; link = link->following)
    link->renew (link);
  pthread_mutex_unlock (&lock);
}

static void
register_handlers (void)
{
  pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
}

void
npu_forks_watch (NpuForkLink *link)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, register_handlers);
  pthread_mutex_lock (&lock);
  link->following = first;
  first = link;
  pthread_mutex_unlock (&lock);
}

void
npu_forks_forget (NpuForkLink *link)
{
  NpuForkLink **place = &first;

  pthread_mutex_lock (&lock);
  while (*place != link)
    place = &(*place)->following;
  *place = link->following;
  pthread_mutex_unlock (&lock);
}
