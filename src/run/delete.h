/* Removing a container. */
#pragma once

#include "run/container.h"

/* Removes a container that has ended, and runs its poststop hooks. The lock must be held. */
gboolean container_dispose (Container *container, GError **error);

/* Removes container @id of @store: one that has stopped, or been created but not started, which
 * is ended first. With @force any, a broken one too, and none at all is no error. */
gboolean container_delete (const Store *store, const char *id, gboolean force, GError **error);
