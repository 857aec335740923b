/* "run --detach" for a service manager. */
#pragma once

#include "run/create.h"

/* Creates the container and starts it, and returns when its program is ready.
 *
 * A process of its own creates it, so that the container's first process has passed on to the
 * manager when that is told of it. systemd asks then whether it is a child of its own; where it is
 * not, it does not wait for its end, and a service that is stopped is killed at once. */
gboolean run_in_steps (const Store *store, const CreateRequest *request, GError **error);
