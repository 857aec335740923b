/* What can be done to the cgroups that were made for a container: only to them, and only as long
 * as they are the recorded ones. */
#pragma once

#include "cgroup/make.h"
#include "cgroup/record.h"

/* Opens the cgroup of @entry. FALSE if it is gone, was never completed, or is another one by
 * now. */
gboolean cgroup_entry_open (const CgroupEntry *entry, CgroupDir *dir);

/* Whether there is a cgroup of the container's own. */
gboolean cgroups_are_owned (const CgroupRecord *record);

/* Returns the numbers of all processes in the container's cgroup, in order; none where it has
 * none. Transfer: full. */
GArray *cgroups_pids (const CgroupRecord *record, GError **error);

/* How often the kernel has killed in there for want of memory. */
guint64 cgroups_oom_kills (const CgroupRecord *record);

/* Sends @signal to all of them. After SIGKILL nothing is left, frozen or not. */
gboolean cgroups_signal (const CgroupRecord *record, int signal, GError **error);

/* Lets go of processes that were killed while a freezer of cgroup v1 held them. */
void cgroups_let_die (const CgroupRecord *record);

/* Stops all of them (@frozen), or lets them go on. */
gboolean cgroups_freeze (const CgroupRecord *record, gboolean frozen, GError **error);

gboolean cgroups_are_frozen (const CgroupRecord *record);

/* Ends what is in the cgroups and removes them, with what was made for them above. */
gboolean cgroups_remove (const CgroupRecord *record, GError **error);
