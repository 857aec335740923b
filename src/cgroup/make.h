/* Making the cgroups that a plan wants, and setting their limits. */
#pragma once

#include "cgroup/dir.h"
#include "cgroup/record.h"
#include "plan/cgroup.h"

/* Open cgroups, one for each hierarchy. Start it with CGROUP_SET_INIT. */
typedef struct {
  GPtrArray *dirs;  /* of CgroupDir; NULL: none */
} CgroupSet;

#define CGROUP_SET_INIT { .dirs = NULL }

void cgroup_set_clear (CgroupSet *set);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CgroupSet, cgroup_set_clear)

/* Adds a cgroup to @set, not open yet. Transfer: none. */
CgroupDir *cgroup_set_add (CgroupSet *set);

/* Returns the cgroup at @index. Transfer: none. */
const CgroupDir *cgroup_set_get (const CgroupSet *set, guint index);

/* Puts on @record which of the cgroups of @plan there are not yet. */
gboolean cgroups_survey (const CgroupPlan *plan, CgroupRecord *record, GError **error);

/* Makes what is on @record, and completes it; process @pid (0: none) is moved into it. @ret_set
 * gets all of @plan, by its index. One that is frozen is an error: whoever enters it never wakes
 * up. */
gboolean cgroups_make (const CgroupPlan *plan, pid_t pid, CgroupRecord *record,
                       CgroupSet *ret_set, GError **error);

/* Makes the cgroup in which the container does what it likes, and moves process @pid there. */
gboolean cgroups_delegate (const CgroupPlan *plan, const CgroupSet *set, pid_t pid,
                           GError **error);

/* What is to be set where. */
typedef struct {
  const char *document;       /* for messages: "config.json" */
  const GPtrArray *settings;  /* of CgroupSetting */
  const CgroupSet *set;
  gboolean above;             /* and in the cgroup above as well, which is the container's scope */
} CgroupLimitsRequest;

/* Whether each setting has its file, before any is made. */
gboolean cgroups_check_limits (const CgroupLimitsRequest *request, GError **error);

/* Makes the settings; of those that are CGROUP_LATE only, or the others. */
gboolean cgroups_set_limits (const CgroupLimitsRequest *request, gboolean late, GError **error);

/* Moves all processes out of @dir into a cgroup of ours below it, so that it can hand controllers
 * down (cgroups(7), "no internal processes"). */
gboolean cgroup_move_aside (const CgroupDir *dir, GError **error);

/* Gives @dir to user @owner, as far as that user may manage it. */
gboolean cgroup_give_away (const CgroupDir *dir, uid_t owner, GError **error);
