/* Changing the limits of a container. */
#pragma once

#include "run/container.h"
#include "spec/resources.h"

/* Sets what @resources say in the container's own cgroup; what they do not mention stays.
 * @document names where they come from, for messages. */
gboolean container_update (Container *container, const OciResources *resources,
                           const char *document, GError **error);
