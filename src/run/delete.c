/* Removing a container; see delete.h.
 *
 * The order is processes, files, directory, so that whoever dies in between leaves something that
 * the next one can finish. */
#include "config.h"

#include "run/delete.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "run/hooks.h"
#include "run/kill.h"

#define ENDING_MS 50

/* Whether the init, which seems to run, is just ending: somebody else may have killed it, and its
 * gate shuts before it is gone. */
static gboolean
is_ending (const Container *container)
{
  autofd pidfd = -1;

  return container_pidfd (container, &pidfd, NULL)
         && (pidfd < 0 || proc_pidfd_wait (pidfd, ENDING_MS));
}

/* Whether the container may be removed without force. */
static gboolean
check_status (Container *container, GError **error)
{
  ContainerStatus status = container_status (container);

  if (!container_check (container, error))
    return FALSE;
  if (status == CONTAINER_RUNNING && is_ending (container))
    return TRUE;
  if (status == CONTAINER_STOPPED || status == CONTAINER_CREATED)
    return TRUE;
  return throw (error, "cannot delete container %s that is not stopped: %s", container->id,
                container_status_name (status));
}

/* Ends the init before the lock is asked for: whoever holds it is creating or starting the
 * container, perhaps for ever, and comes to an end with it. */
static gboolean
end_early (const Store *store, const char *id, GError **error)
{
  g_autoptr (Container) container = NULL;

  if (!container_find (store, id, FALSE, &container, error))
    return FALSE;
  return container == NULL || container_end (container, error);
}

gboolean
container_dispose (Container *container, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (OciSpec) spec = NULL;
  gboolean hooked = container->record != NULL && container->record->hooks.value;

  /* what the hooks are is gone with the container */
  if (hooked)
    spec = container_spec (container, &local);
  if (local != NULL)
    log_warning ("poststop hooks: %s", local->message);
  if (!container_remove (container, error))
    return FALSE;
  if (spec != NULL)
    hooks_run_poststop (&(HookRequest) { .hooks = spec->hooks, .record = container->record });
  return TRUE;
}

gboolean
container_delete (const Store *store, const char *id, gboolean force, GError **error)
{
  g_autoptr (Container) container = NULL;

  if (force && !end_early (store, id, error))
    return FALSE;
  if (!container_find (store, id, TRUE, &container, error))
    return FALSE;
  if (container == NULL)
    return force || throw (error, "container does not exist");
  if (!force && !check_status (container, error))
    return FALSE;
  return container_end (container, error) && container_dispose (container, error);
}
