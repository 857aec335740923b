/* "run --detach" for a service manager; see steps.h. */
#include "config.h"

#include "run/steps.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "run/delete.h"
#include "run/interrupt.h"
#include "run/start.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MESSAGE_MAX 65536

/* The process that creates the container. What goes wrong is said on @words. */
static _Noreturn void
creator (const Store *store, const CreateRequest *request, int words)
{
  GError *error = NULL;

  if (prctl (PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
    throw_errno (&error, "PR_SET_PDEATHSIG");
  else if (create_container (store, request, &error))
    _exit (0);
  (void) fd_write_all (words, error->message, strlen (error->message), NULL);
  _exit (1);
}

/* Waits for the creator, which has the other end of @words. */
static gboolean
wait_for_creator (pid_t pid, int words, const Interrupt *interrupt, GError **error)
{
  g_autoptr (GError) interrupted = NULL;
  g_autofree char *message = NULL;
  autofd pidfd = proc_pidfd (pid);
  int status;

  /* it undoes what it has done, and says that */
  if (!interrupt_wait (interrupt, words, &interrupted) && pidfd >= 0)
    (void) proc_pidfd_signal (pidfd, SIGTERM);
  if (!fd_read_all (words, MESSAGE_MAX, &message, NULL, error))
    return FALSE;
  status = proc_reap (pid);
  if (*message != '\0')
    return throw (error, "%s", message);
  if (status == 0)
    return TRUE;
  if (interrupted == NULL)
    return throw (error, "the process that creates the container has been killed");
  g_propagate_error (error, g_steal_pointer (&interrupted));
  return FALSE;
}

static gboolean
create_apart (const Store *store, const CreateRequest *request, GError **error)
{
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  autofd ours = -1, theirs = -1;
  int ends[2];
  pid_t pid;

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_errno (error, "pipe");
  ours = ends[0];
  theirs = ends[1];
  if (!interrupt_open (&interrupt, error))
    return FALSE;
  pid = fork ();
  if (pid < 0)
    return throw_errno (error, "fork");
  if (pid == 0)
    {
      interrupt_close (&interrupt);
      fd_clear (&ours);
      creator (store, request, theirs);
    }
  fd_clear (&theirs);
  return wait_for_creator (pid, ours, &interrupt, error);
}

gboolean
run_in_steps (const Store *store, const CreateRequest *request, GError **error)
{
  g_autoptr (Container) container = NULL;

  if (!create_apart (store, request, error))
    return FALSE;
  container = container_open_locked (store, request->id, error);
  if (container == NULL)
    return FALSE;
  if (container_start (container, error))
    return TRUE;
  /* unless a hook has had that done */
  if (container->saved)
    (void) container_dispose (container, NULL);
  return FALSE;
}
