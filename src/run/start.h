/* Starting a container that waits at its gate. */
#pragma once

#include "run/container.h"

/* Runs the program of the created container, whose lock is held. Returns when it runs; where a
 * service manager waits for that, when it is ready, with the lock given back meanwhile. */
gboolean container_start (Container *container, GError **error);
