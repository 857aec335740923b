/* Stopping a container and letting it go on. */
#pragma once

#include "run/container.h"

/* Freezes the processes of a created or running container. */
gboolean container_pause (Container *container, GError **error);

/* Lets a paused one go on. */
gboolean container_resume (Container *container, GError **error);
