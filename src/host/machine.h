/* What this machine can do: fills MachineFacts.
 *
 * host_machine_probe() is part of every "run", so it asks only for what a plan always needs; the
 * rest is asked for by those who need it (host_cgroup_probe(), host_machine_probe_problems()). */
#pragma once

#include "plan/facts.h"

typedef struct {
  const char *bwrap;  /* path from --bwrap; NULL: the one compiled in */
  int root_fd;        /* the state root, for the cache of bwrap's options; -1: no cache */
} HostProbeOptions;

/* Fills @facts, which must be zeroed, apart from what the other functions here say that they fill.
 * A bwrap that cannot be used is no error: see bwrap.problem. Errors: /proc is not readable.
 * @facts may be partly filled then; host_facts_free() frees it all the same. */
gboolean host_machine_probe (MachineFacts *facts, const HostProbeOptions *options, GError **error);

/* The part of it that is about ids: from uid to newgidmap, and no_new_privs. */
gboolean host_ids_probe (MachineFacts *facts, GError **error);

/* Fills what explains why a user namespace could not be made: max_user_namespaces,
 * userns_clone_off, apparmor_restricts. To be called once that has failed, and by "check". */
void host_machine_probe_problems (MachineFacts *facts);

/* Fills hard_limits, for who wants to set some. */
void host_limits_probe (MachineFacts *facts);

/* Returns how many namespaces of @type (CLONE_NEW...) this user may have in this user namespace;
 * -1: not known. */
gint64 host_namespace_limit (int type);

/* Returns the kernel parameter that says so, "user.max_net_namespaces". Transfer: full. */
char *host_namespace_limit_name (int type);
