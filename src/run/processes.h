/* The processes of a container without a cgroup of its own.
 *
 * Where its init is the first process of a pid namespace they are those in there or below. Where
 * it shares the pid namespace of its creator, or of another container, they are those in its mount
 * namespace; and where it shares that too, there is nothing to know them by but the init. */
#pragma once

#include "run/record.h"

/* Returns the pids of all of them, in order. The init must be alive, which the caller makes sure
 * of by a pidfd: its namespaces are looked up by way of it. Transfer: full. */
GArray *processes_list (const InitRecord *init, GError **error);

/* Sends @signal to all of them. Who ends or appears meanwhile may be missed, except that SIGKILL
 * reaches everything in a pid namespace of the container's own. */
gboolean processes_signal (const InitRecord *init, int signal, GError **error);

/* Whether the init, which is alive, is the first process of a pid namespace: then the kernel ends
 * all others with it. */
gboolean processes_end_with_init (const InitRecord *init);
