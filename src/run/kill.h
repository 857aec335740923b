/* Signals to a container, its start and its end. */
#pragma once

#include "run/container.h"

/* Sends @signal to the init of a live container; with @all to all its processes, and then a
 * container that has ended is no error. */
gboolean container_kill (const Container *container, int signal, gboolean all, GError **error);

/* Kills everything in the container and waits until its init has ended, for at most ten seconds.
 * Works by the init's record alone. */
gboolean container_end (const Container *container, GError **error);
