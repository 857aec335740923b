/* Signals to a container; see kill.h.
 *
 * The kernel ends all processes of a pid namespace with the first one. Where the container has none
 * of its own, SIGKILL has to reach each of them. */
#include "config.h"

#include "run/kill.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "run/cgroup.h"
#include "run/processes.h"

#include <errno.h>
#include <signal.h>

#define END_WAIT_MS 10000

/* To everything in the container, whose init may have ended (@pidfd -1) or end while we look. Its
 * cgroup knows best; without one of its own its namespaces do, as long as the init lives. */
static gboolean
signal_all (const Container *container, int pidfd, int signal, GError **error)
{
  g_autoptr (CgroupRecord) cgroups = NULL;
  g_autoptr (GError) local = NULL;

  if (container_cgroup_load (container, &cgroups, NULL) && cgroups != NULL
      && cgroups_are_owned (cgroups))
    return cgroups_signal (cgroups, signal, error);
  if (pidfd < 0 || processes_signal (&container->init, signal, &local)
      || proc_pidfd_wait (pidfd, 0))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* The freezer of cgroup v1 keeps even a killed process. */
static void
let_die (const Container *container)
{
  g_autoptr (CgroupRecord) cgroups = NULL;

  if (container_cgroup_load (container, &cgroups, NULL) && cgroups != NULL)
    cgroups_let_die (cgroups);
}

static gboolean
signal_init (int pidfd, int signal, GError **error)
{
  if (proc_pidfd_signal (pidfd, signal) == 0)
    return TRUE;
  if (errno == ESRCH)
    return throw (error, "container not running");
  return throw_errno (error, "send signal %d", signal);
}

/* Whether there are processes left, of a container whose first one has ended. */
static gboolean
has_survivors (const Container *container)
{
  g_autoptr (CgroupRecord) cgroups = NULL;
  g_autoptr (GArray) pids = NULL;

  if (!container_cgroup_load (container, &cgroups, NULL) || cgroups == NULL
      || !cgroups_are_owned (cgroups))
    return FALSE;
  pids = cgroups_pids (cgroups, NULL);
  return pids != NULL && pids->len > 0;
}

gboolean
container_kill (const Container *container, int signal, gboolean all, GError **error)
{
  autofd pidfd = -1;

  if (!container_check (container, error) || !container_pidfd (container, &pidfd, error))
    return FALSE;
  if (pidfd < 0 && !all && (signal != SIGKILL || !has_survivors (container)))
    return throw (error, "container not running");
  if (all || pidfd < 0 || (signal == SIGKILL && !processes_end_with_init (&container->init)))
    return signal_all (container, pidfd, signal, error);
  if (!signal_init (pidfd, signal, error))
    return FALSE;
  if (signal == SIGKILL)
    let_die (container);
  return TRUE;
}

/* It is killed, and does not go. What waits for a file system in user space is not even to be
 * killed until that answers or is gone. */
static gboolean
throw_still_running (const Container *container, GError **error)
{
  ProcStat stat;

  if (proc_stat (container->init.pid, &stat, NULL) && stat.state == 'D')
    return throw (error, "container init still running (it waits in the kernel, as for a file"
                         " system that does not answer)");
  return throw (error, "container init still running");
}

gboolean
container_end (const Container *container, GError **error)
{
  autofd pidfd = -1;

  /* nothing is removed behind the back of what may live */
  if (container->blind != NULL && container->init.pid == 0)
    return throw (error, "container %s: %s", container->id, container->blind->message);
  if (!container_pidfd (container, &pidfd, error))
    return FALSE;
  if (pidfd < 0)
    return TRUE;
  if (!processes_end_with_init (&container->init)
      && !signal_all (container, pidfd, SIGKILL, error))
    return FALSE;
  if (!signal_init (pidfd, SIGKILL, NULL) && !proc_pidfd_wait (pidfd, 0))
    return throw (error, "container %s: its init cannot be killed", container->id);
  let_die (container);
  if (!proc_pidfd_wait (pidfd, END_WAIT_MS))
    return throw_still_running (container, error);
  return TRUE;
}
