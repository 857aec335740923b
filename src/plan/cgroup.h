/* The container's cgroup: which, and what is set in it. */
#pragma once

#include "plan/facts.h"
#include "plan/limits.h"
#include "spec/spec.h"

/* Where the processes of a delegated cgroup go when it must hand controllers down: with processes
 * of its own it could not (cgroups(7), "no internal processes"). */
#define CGROUP_SUPERVISOR "bwrap-oci-supervisor"

/* Who makes cgroups. */
typedef enum {
  CGROUP_MANAGER_CGROUPFS,
  CGROUP_MANAGER_SYSTEMD,
  CGROUP_MANAGER_DISABLED,
} CgroupManager;

/* The container's cgroup in one hierarchy. */
typedef struct {
  char *options;       /* as in CgroupFacts */
  char *mount;
  char *path;          /* below it */
  char *own;           /* v2: the caller's cgroup, whose processes may be moved aside; or NULL */
  char **controllers;  /* v2: those to be handed down to it, as far as possible */
} CgroupTarget;

/* A property of a unit (org.freedesktop.systemd1(5)). */
typedef struct {
  char *name;
  char *value;  /* as text of GVariant, with its type: "uint64 5" */
} ScopeProperty;

/* A scope that systemd makes (systemd.scope(5)), and the cgroup in it. */
typedef struct {
  char *unit;             /* "libpod-ID.scope" */
  char *slice;            /* "user.slice" */
  char *subgroup;         /* the container's cgroup, below that of the scope; "": that itself */
  GPtrArray *properties;  /* of ScopeProperty: from its start on */
  GPtrArray *late;        /* of ScopeProperty: when bwrap is gone */
} CgroupScope;

typedef struct {
  CgroupScope *scope;        /* NULL: no scope; else the targets are known when there is one */
  GPtrArray *targets;        /* of CgroupTarget, in the order of the facts; none: the container
                              * stays in the caller's cgroups */
  GPtrArray *settings;       /* of CgroupSetting; hierarchy is an index of targets */
  const GPtrArray *devices;  /* of OciDeviceRule: the rules to be enforced; NULL: none; not owned */
  int device_target;         /* index of the target that enforces them */
  gboolean hands_down;       /* the container is to have all controllers, for cgroups of its own */
  gint64 owner;              /* uid that the v2 cgroup is given to; -1: nobody else */
  char *delegated;           /* cgroup of v2 below the container's, in which its processes are and
                              * with which they do what they like; NULL: none */
} CgroupPlan;

void cgroup_plan_free (CgroupPlan *plan);

/* Returns where in a hierarchy the cgroup of container @id is, whose cgroupsPath is @wanted (NULL:
 * none); @own is that of the caller. NULL if @own is needed and NULL. Transfer: full. */
char *plan_cgroup_path (const char *own, const char *wanted, const char *id);

/* Whether the cgroup of a container of @spec, in a @scope or not, is not one below the caller's:
 * then what the caller is bound to is not meant for the container. */
gboolean cgroup_is_apart (const OciSpec *spec, gboolean scope);

/* What the plan has to know about hierarchies. */
typedef enum {
  CGROUP_NEEDS_NOTHING,
  CGROUP_NEEDS_HIERARCHIES,  /* which there are */
  CGROUP_NEEDS_PLACES,       /* and what the container's cgroup would be in each */
} CgroupNeeds;

CgroupNeeds plan_needs_cgroups (const OciSpec *spec, const MachineFacts *machine,
                                CgroupManager manager);

/* Fills the targets of a plan without any: the places in @hierarchies (of CgroupFacts), which must
 * be those that the plan was made with. Fails for a limit that has no place. */
gboolean cgroup_plan_place (CgroupPlan *plan, const GPtrArray *hierarchies, GError **error);

/* Returns the properties of a scope that say the same as @settings, of @hierarchies: the late ones,
 * or the others. Transfer: full, of ScopeProperty. */
GPtrArray *scope_properties_new (const GPtrArray *settings, const GPtrArray *hierarchies,
                                 gboolean late);

void scope_free (CgroupScope *scope);
