/* The processes of a container without a cgroup of its own: those in its pid namespace or one
 * below it, or, where it shares that with its creator, in its mount namespace. */
#pragma once

#include "run/record.h"

/* Returns the pids of all of them, in order. The init must be alive, which the caller makes sure
 * of by a pidfd: its namespaces are looked up by way of it. Transfer: full. */
GArray *processes_list (const InitRecord *init, GError **error);

/* Sends @signal to all of them. Who ends or appears meanwhile may be missed, except that SIGKILL
 * reaches everything in a pid namespace of the container's own. */
gboolean processes_signal (const InitRecord *init, int signal, GError **error);

/* Whether the container has a pid namespace of its own, as seen from this process. */
gboolean processes_own_pid_ns (const InitRecord *init);
