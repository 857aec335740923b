/* The listener of a seccomp filter (SCMP_ACT_NOTIFY, seccomp_unotify(2)). */
#pragma once

#include "run/container.h"

/* Hands the listener @fd of @container's first process, or of @pid if that is above 0, to the
 * agent at linux.seccomp.listenerPath, with the "container process state" of the runtime-spec. */
gboolean listener_send (const Container *container, pid_t pid, int fd, GError **error);
