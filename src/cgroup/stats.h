/* What a container has used: the statistics of its cgroups. */
#pragma once

#include "cgroup/record.h"

typedef struct {
  guint64 limit;    /* G_MAXUINT64: none */
  guint64 usage;
  guint64 max;      /* the most it ever was */
  guint64 failcnt;  /* how often the limit was hit */
} CgroupUsage;

/* How much of the time somebody waited; the kernel's psi.rst. */
typedef struct {
  guint64 avg10;    /* hundredths of a percent, of the last 10 seconds */
  guint64 avg60;
  guint64 avg300;
  guint64 total;    /* microseconds */
} CgroupStall;

typedef struct {
  gboolean known;
  CgroupStall some;  /* some had to wait */
  CgroupStall full;  /* nobody could go on */
} CgroupPressure;

typedef struct {
  guint major;
  guint minor;
  char *op;       /* "Read", "Write" ... */
  guint64 value;
} CgroupIo;

typedef struct {
  char *size;     /* "2MB" */
  CgroupUsage usage;
} CgroupHugepages;

typedef struct {
  char *name;
  guint64 value;
} CgroupNumber;

/* Times are in nanoseconds, sizes in bytes; what cannot be read is 0. */
typedef struct {
  guint64 cpu_total;
  guint64 cpu_kernel;
  guint64 cpu_user;
  GArray *cpu_percpu;       /* of guint64; empty on cgroup v2 */
  guint64 periods;
  guint64 throttled_periods;
  guint64 throttled_time;
  CgroupUsage memory;
  CgroupUsage swap;         /* memory and swap together */
  CgroupUsage kernel;
  CgroupUsage kernel_tcp;
  guint64 cache;
  GPtrArray *memory_raw;    /* of CgroupNumber: memory.stat */
  guint64 pids_current;
  guint64 pids_limit;       /* 0: none */
  GPtrArray *io_bytes;      /* of CgroupIo */
  GPtrArray *io_operations; /* of CgroupIo */
  GPtrArray *hugepages;     /* of CgroupHugepages */
  CgroupPressure cpu_pressure;
  CgroupPressure memory_pressure;
  CgroupPressure io_pressure;
} CgroupStats;

/* Reads them. Transfer: full. */
CgroupStats *cgroup_stats_new (const CgroupRecord *record);

void cgroup_stats_free (CgroupStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CgroupStats, cgroup_stats_free)
