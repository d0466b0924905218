/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpuquota.c: the cgroup's CPU quota.
 *
 * /proc/self/cgroup tells the group of each hierarchy, one line each:
 *   v2   0::/path
 *   v1   4:cpu,cpuacct:/path
 * In a container the path may be that of the host, where the mount shows the
 * container's group as its root; so groups that are not found are skipped, and
 * the root is always looked at.
 */
#include "cpuquota.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where systems mount the two versions. */
static const char *const v2_mounts[] = { "/sys/fs/cgroup",
  "/sys/fs/cgroup/unified", NULL };
static const char *const v1_mounts[] = { "/sys/fs/cgroup/cpu",
  "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpuacct,cpu", NULL };

/* Reads one line of the file @dir/@name.  Returns 0, or -1 if it is absent. */
static int
read_line (const char *dir, const char *name, char *line, int size)
{
  char path[PATH_MAX];
  FILE *file;
  int ret = -1;

  if (snprintf (path, sizeof path, "%s/%s", dir, name) >= (int) sizeof path)
    return -1;
  if (!(file = fopen (path, "re")))
    return -1;
  if (fgets (line, size, file))
    ret = 0;
  fclose (file);
  return ret;
}

/* Quota and period in microseconds as CPUs, rounded up; 0 if unlimited. */
static unsigned
to_cpus (long long quota, long long period)
{
  long long cpus;

  if (quota <= 0 || period <= 0)
    return 0;
  cpus = quota / period + (quota % period != 0);
  return cpus < UINT_MAX ? (unsigned) cpus : 0;
}

/* "max 100000" or "150000 100000" */
static unsigned
v2_quota (const char *dir)
{
  char line[128];
  long long quota, period;

  if (read_line (dir, "cpu.max", line, sizeof line) < 0
      || sscanf (line, "%lld %lld", &quota, &period) != 2)
    return 0;
  return to_cpus (quota, period);
}

/* A quota of -1 means none. */
static unsigned
v1_quota (const char *dir)
{
  char quota[64], period[64];

  if (read_line (dir, "cpu.cfs_quota_us", quota, sizeof quota) < 0
      || read_line (dir, "cpu.cfs_period_us", period, sizeof period) < 0)
    return 0;
  return to_cpus (atoll (quota), atoll (period));
}

static unsigned
least (unsigned a, unsigned b)
{
  if (a == 0 || b == 0)
    return a > b ? a : b;
  return a < b ? a : b;
}

/* The least quota of @group below @mount and of its parents up to the mount. */
static unsigned
least_quota_upwards (const char *root, const char *mount, const char *group,
    unsigned (*quota_of) (const char *dir))
{
  char dir[PATH_MAX];
  size_t mount_length = strlen (root) + strlen (mount);
  unsigned cpus = 0;

  if (snprintf (dir, sizeof dir, "%s%s%s", root, mount, group)
      >= (int) sizeof dir)
    return 0;
  for (;;) {
    char *slash;

    cpus = least (cpus, quota_of (dir));
    slash = strrchr (dir, '/');
    if (!slash || (size_t) (slash - dir) < mount_length)
      return cpus;
    *slash = '\0';
  }
}

/* Whether the comma-separated @list holds "cpu". */
static int
names_cpu (const char *list)
{
  for (const char *p = list; p; p = strchr (p, ',')) {
    p += *p == ',';
    if (strncmp (p, "cpu", 3) == 0 && (p[3] == ',' || p[3] == '\0'))
      return 1;
  }
  return 0;
}

/* One line of /proc/self/cgroup. */
static unsigned
quota_of_line (const char *root, char *line)
{
  char *controllers = strchr (line, ':');
  char *group = controllers ? strchr (controllers + 1, ':') : NULL;
  const char *const *mounts;
  unsigned cpus = 0;
  int v2;

  if (!group)
    return 0;
  *controllers++ = '\0';
  *group++ = '\0';
  group[strcspn (group, "\n")] = '\0';
  v2 = *controllers == '\0';
  if (!v2 && !names_cpu (controllers))
    return 0;
  mounts = v2 ? v2_mounts : v1_mounts;
  for (; *mounts; mounts++)
    cpus = least (cpus,
        least_quota_upwards (root, *mounts, group, v2 ? v2_quota : v1_quota));
  return cpus;
}

unsigned
npu_cpu_quota (const char *root)
{
  char path[PATH_MAX], line[PATH_MAX + 256];
  FILE *file;
  unsigned cpus = 0;

  if (snprintf (path, sizeof path, "%s/proc/self/cgroup", root)
      >= (int) sizeof path)
    return 0;
  if (!(file = fopen (path, "re")))
    return 0;
  while (fgets (line, sizeof line, file))
    cpus = least (cpus, quota_of_line (root, line));
  fclose (file);
  return cpus;
}
