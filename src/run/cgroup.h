/* The cgroups of one container: made at create, entered, used, and removed with it. */
#pragma once

#include "base/spawn.h"
#include "cgroup/control.h"
#include "cgroup/make.h"
#include "plan/plan.h"
#include "run/container.h"

/* Makes the cgroups that @plan wants, on record from before the first is made, and sets their
 * limits and device rules, but for those that come late. @ret_set gets them open. */
gboolean container_cgroup_make (Container *container, const Plan *plan, CgroupSet *ret_set,
                                GError **error);

/* Sets what comes late: when bwrap is gone. */
gboolean container_cgroup_finish (const Plan *plan, const CgroupSet *set, GError **error);

/* Files that a process writes "0" to, to be in the cgroup (SpawnRequest). Start it with
 * CGROUP_DOORS_INIT. */
typedef struct {
  GArray *doors;  /* of SpawnCgroup; NULL: none */
} CgroupDoors;

#define CGROUP_DOORS_INIT { .doors = NULL }

void cgroup_doors_clear (CgroupDoors *doors);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CgroupDoors, cgroup_doors_clear)

/* Opens the doors to the cgroups of @set. */
gboolean cgroup_doors_open (const CgroupSet *set, CgroupDoors *ret_doors, GError **error);

/* Opens the doors to the cgroups of a live container, for another process of it: none where it has
 * no cgroup of its own. Where its own cgroup takes no processes any more, since there are
 * controllers handed down in it, those of the init's. */
gboolean container_cgroup_doors (const Container *container, CgroupDoors *ret_doors,
                                 GError **error);

/* Tells @request to go through @doors. */
void cgroup_doors_use (const CgroupDoors *doors, SpawnRequest *request);

/* Reads what was made for the container into *@ret_record, NULL: nothing was. Transfer: full. */
gboolean container_cgroup_load (const Container *container, CgroupRecord **ret_record,
                                GError **error);

/* Returns the numbers of the container's processes as seen from here, in order: those of its own
 * cgroup, else those of its namespaces. "container not running" if there are none.
 * Transfer: full. */
GArray *container_pids (const Container *container, GError **error);
