/* Starting a container that waits at its gate. */
#pragma once

#include "run/container.h"

/* Runs the program of the created container, whose lock is held; returns when it runs. */
gboolean container_start (Container *container, GError **error);
