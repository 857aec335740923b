/* Which cgroup hierarchies this machine has, and where in them a container's cgroup can be
 * (cgroups(7)). */
#pragma once

#include "plan/facts.h"

#include <sys/types.h>

/* Fills cgroup_mode and cgroup_v1 of @facts, for a configuration with a mount of type cgroup.
 * Errors: /proc/self/mountinfo is not readable. */
gboolean host_cgroup_probe (MachineFacts *facts, GError **error);

/* Finds out the same from the text of a mountinfo file (proc_pid_mountinfo(5)); lines that are not
 * of its form are skipped. */
void cgroups_parse (const char *text, MachineFacts *facts);

/* Fills cgroups of @facts: each hierarchy that this process can see, with all its controllers and
 * no place. */
gboolean host_cgroup_hierarchies (MachineFacts *facts, GError **error);

/* The same with what would become of cgroupsPath @wanted (NULL: there is none) of container @id in
 * it, for process @pid, 0: this one. */
gboolean host_cgroup_places (MachineFacts *facts, pid_t pid, const char *wanted, const char *id,
                             GError **error);

/* Returns the cgroup of process @pid if it is that of systemd's unit @unit, below where the
 * hierarchy is mounted; NULL with an error if it is not. Transfer: full. */
char *host_cgroup_of_unit (pid_t pid, const char *unit, GError **error);

/* A mount of a hierarchy. */
typedef struct {
  char *options;  /* as in CgroupFacts */
  char *mount;
  char *root;     /* which cgroup of the hierarchy its root is */
  dev_t device;
} CgroupMount;

void cgroup_mount_free (CgroupMount *mount);

/* Returns the mounts of hierarchies in the text of a mountinfo file, in its order. Transfer:
 * full, of CgroupMount. */
GPtrArray *cgroup_mounts_parse (const char *text);

/* Returns the cgroup that /proc/self/cgroup, whose text is @text, names for the hierarchy of
 * @mount, below the mount; NULL if it cannot be seen there. Transfer: full. */
char *cgroup_own_parse (const char *text, const CgroupMount *mount);
