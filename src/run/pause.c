/* Stopping a container and letting it go on; see pause.h. */
#include "config.h"

#include "run/pause.h"

#include "base/error.h"
#include "run/cgroup.h"

static gboolean
freeze (const Container *container, gboolean frozen, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;

  if (!container_cgroup_load (container, &record, error))
    return FALSE;
  if (record == NULL)
    return throw (error, "cannot pause the container without a cgroup");
  return cgroups_freeze (record, frozen, error);
}

gboolean
container_pause (Container *container, GError **error)
{
  ContainerStatus status = container_status (container);

  if (!container_check (container, error))
    return FALSE;
  if (status != CONTAINER_CREATED && status != CONTAINER_RUNNING)
    return throw (error, "container not running");
  return freeze (container, TRUE, error);
}

gboolean
container_resume (Container *container, GError **error)
{
  ContainerStatus status = container_status (container);

  if (!container_check (container, error))
    return FALSE;
  if (status != CONTAINER_PAUSED)
    return throw (error, "container not paused");
  return freeze (container, FALSE, error);
}
