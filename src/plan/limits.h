/* Cgroup limits (runtime-spec config-linux.md, "Control groups") as files and what to write. */
#pragma once

#include "plan/facts.h"
#include "spec/resources.h"

typedef enum {
  CGROUP_LATE = 1 << 0,   /* only when nothing but the container's first process is in there */
  CGROUP_RETRY = 1 << 1,  /* may fail as long as one of the next ones is not set */
  CGROUP_MAY_MISS = 1 << 2,  /* a kernel without the file is none the worse */
  CGROUP_READ_BACK = 1 << 3, /* some kernels take it and do nothing */
  CGROUP_EFFECTIVE = 1 << 4, /* v2 takes what the cgroups above do not have, and then does nothing:
                              * FILE.effective says what holds */
} CgroupSettingFlags;

/* One file of a cgroup. */
typedef struct {
  guint hierarchy;         /* index */
  const char *controller;  /* "" for the files of cgroup v2 itself */
  CgroupSettingFlags flags;
  gboolean asked;          /* a limit, not the lack of one */
  char *file;
  char *value;
  char *other_file;        /* where @file does not exist; NULL: none */
  char *other_value;
  char *pointer;           /* JSON pointer */
} CgroupSetting;

/* What is in force at an update. */
typedef struct {
  gint64 memory_limit;   /* bytes; -1: none */
  guint64 memory_usage;
  gboolean cpu_idle;
  char *cpu_quota;       /* the words of cpu.max; NULL: unknown */
  char *cpu_period;
} CgroupPresent;

/* Returns the settings for @resources, which stand at JSON pointer @at, as CgroupSetting, in the
 * order in which they are to be made. @hierarchies is of CgroupFacts, of which only options and
 * controllers are used; @present is NULL for a new cgroup. Device rules are not among them.
 * Fails for a limit that no hierarchy knows: "POINTER: ...". Transfer: full. */
GPtrArray *cgroup_settings_new (const OciResources *resources, const char *at,
                                const GPtrArray *hierarchies, const CgroupPresent *present,
                                GError **error);

/* --- what the files limits*.c share --- */

typedef struct {
  const OciResources *resources;
  const char *at;
  const GPtrArray *hierarchies;
  const CgroupPresent *present;
  GPtrArray *settings;
} CgroupLimits;

/* A limit; a file that is NULL: that version of cgroups does not have it. */
typedef struct {
  const char *controller;
  const char *pointer;    /* below the resources: "/memory/limit" */
  const char *v1_file;
  const char *v2_file;
  const char *v1_other;   /* where the file does not exist; NULL: none */
  const char *v2_other;
  CgroupSettingFlags flags;
} CgroupLimit;

/* What it shall be. */
typedef struct {
  gboolean asked;
  const char *v1;
  const char *v2;        /* NULL: as v1 */
  const char *v2_other;  /* for the other file of v2; NULL: as v2 */
} CgroupValue;

/* Adds a setting. One that was not asked for is left out where it is not possible. */
gboolean cgroup_limits_add (CgroupLimits *limits, const CgroupLimit *limit,
                            const CgroupValue *value, GError **error);

/* The limits that are not one number or word each: devices, huge pages, networks, "unified". */
gboolean cgroup_limits_add_lists (CgroupLimits *limits, GError **error);

/* Whether the list @inner of CPUs or memory nodes, "0-3,7", has nothing that @outer has not; FALSE
 * if one of them is no such list. */
gboolean cgroup_list_is_within (const char *inner, const char *outer);

/* Returns such a list as a mask, the lowest bits first; NULL if it is none. Transfer: full, of
 * guint8. */
GArray *cgroup_list_mask (const char *list);

/* The weight of io.weight, 1 to 10000, for one of blkio.weight, 10 to 1000. */
guint64 cgroup_io_weight (guint64 weight);

/* The weight of cpu.weight, 1 to 10000, for cpu.shares, 2 to 262144, as runc has it. */
guint64 cgroup_cpu_weight (guint64 shares);
