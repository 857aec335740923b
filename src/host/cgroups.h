/* Which cgroup hierarchies this machine has (cgroups(7)). */
#pragma once

#include "plan/facts.h"

/* Fills cgroup_mode and cgroup_v1 of @facts, for a configuration with a mount of type cgroup.
 * Errors: /proc/self/mountinfo is not readable. */
gboolean host_cgroup_probe (MachineFacts *facts, GError **error);

/* Finds out the same from the text of a mountinfo file (proc_pid_mountinfo(5)); lines that are not
 * of its form are skipped. */
void cgroups_parse (const char *text, MachineFacts *facts);
