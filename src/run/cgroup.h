/* The cgroups of one container: made at create, entered, used, and removed with it. */
#pragma once

#include "base/spawn.h"
#include "cgroup/control.h"
#include "cgroup/make.h"
#include "plan/plan.h"
#include "run/container.h"

/* Files that a process writes "0" to, to be in the cgroup (SpawnRequest). Start it with
 * CGROUP_DOORS_INIT. */
typedef struct {
  GArray *doors;        /* of SpawnCgroup; NULL: none */
  SystemdScope *scope;  /* whose manager brings in who may not enter; NULL: there is none */
  /* as in SpawnRequest: makes the cgroup for its first process; NULL: it is there */
  gboolean (*admit) (pid_t pid, gpointer data, GError **error);
  gpointer admit_data;
} CgroupDoors;

#define CGROUP_DOORS_INIT { .doors = NULL }

void cgroup_doors_clear (CgroupDoors *doors);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CgroupDoors, cgroup_doors_clear)

/* As spawn(), through @doors. */
gboolean cgroup_doors_spawn (const CgroupDoors *doors, const SpawnRequest *request,
                             pid_t *ret_pid, int *ret_pidfd, GError **error);

/* The cgroups of a container that is being made. Start it with CGROUP_MAKING_INIT. */
typedef struct {
  Container *container;
  const Plan *plan;
  const char *bus;  /* where to ask for a scope; NULL: nowhere */
  CgroupSet set;
  CgroupDoors doors;
} CgroupMaking;

#define CGROUP_MAKING_INIT { .set = CGROUP_SET_INIT, .doors = CGROUP_DOORS_INIT }

void cgroup_making_clear (CgroupMaking *making);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CgroupMaking, cgroup_making_clear)

/* Makes the cgroups that the plan wants, on record from before the first is made, sets their limits
 * and device rules, but for those that come late, and opens the doors. A scope has to have a
 * process: there the first one that goes through the doors has it made. */
gboolean container_cgroup_make (CgroupMaking *making, GError **error);

/* Does what comes late, when bwrap is gone: @pid is the container's first process. */
gboolean container_cgroup_finish (const CgroupMaking *making, pid_t pid, GError **error);

/* Opens the doors to the cgroups of a live container, for another process of it: none where it has
 * no cgroup of its own. Where its own cgroup takes no processes any more, since there are
 * controllers handed down in it or all of them are below it, those of the init's. @below (NULL:
 * none) are cgroups in it as exec --cgroup has them: "PATH", or "CONTROLLER,...:PATH" of v1. */
gboolean container_cgroup_doors (const Container *container, const GPtrArray *below,
                                 CgroupDoors *ret_doors, GError **error);

/* Removes the container's cgroups and its scope with whatever is in there. */
gboolean container_cgroup_remove (const Container *container, GError **error);

/* Reads what was made for the container into *@ret_record, NULL: nothing was. errno is EBADMSG
 * where the record could be read but means nothing. Transfer: full. */
gboolean container_cgroup_load (const Container *container, CgroupRecord **ret_record,
                                GError **error);

/* Returns the numbers of the container's processes as seen from here, in order: those of its own
 * cgroup, else those of its namespaces, and so mostly none when it has stopped. Transfer: full. */
GArray *container_pids (const Container *container, GError **error);
