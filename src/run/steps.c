/* "run --detach" for a service manager; see steps.h. */
#include "config.h"

#include "run/steps.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "run/delete.h"
#include "run/interrupt.h"
#include "run/kill.h"
#include "run/pidfile.h"
#include "run/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MESSAGE_MAX 65536

/* The process that creates the container, for @parent. What goes wrong is said on @words. */
static _Noreturn void
creator (const Store *store, const CreateRequest *request, pid_t parent, int words)
{
  GError *error = NULL;

  if (prctl (PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
    throw_errno (&error, "PR_SET_PDEATHSIG");
  else if (getppid () != parent)
    throw (&error, "who wanted a container is gone");
  else if (create_container (store, request, &error))
    _exit (0);
  (void) fd_write_all (words, error->message, strlen (error->message), NULL);
  _exit (1);
}

/* Waits for the creator, which has the other end of @words. A signal is not taken: it may come too
 * late for the creator. */
static gboolean
wait_for_creator (pid_t pid, int words, const Interrupt *interrupt, GError **error)
{
  struct pollfd fds[] = { { .fd = words, .events = POLLIN },
                          { .fd = interrupt->fd, .events = POLLIN } };
  g_autofree char *message = NULL;
  autofd pidfd = proc_pidfd (pid);
  int status;

  while (poll (fds, G_N_ELEMENTS (fds), -1) < 0 && errno == EINTR)
    ;
  /* it undoes what it has done, and says that */
  if (fds[1].revents != 0 && pidfd >= 0)
    (void) proc_pidfd_signal (pidfd, SIGTERM);
  if (!fd_read_all (words, MESSAGE_MAX, &message, NULL, error))
    return FALSE;
  status = proc_reap (pid);
  if (*message != '\0')
    return throw (error, "%s", message);
  if (status == 0)
    return TRUE;
  return interrupt_check (interrupt, error)
         && throw (error, "the process that creates the container has been killed");
}

static gboolean
create_apart (const Store *store, const CreateRequest *request, Interrupt *interrupt,
              GError **error)
{
  pid_t self = getpid (), pid;
  autofd ours = -1, theirs = -1;
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return throw_errno (error, "pipe");
  ours = ends[0];
  theirs = ends[1];
  pid = fork ();
  if (pid < 0)
    return throw_errno (error, "fork");
  if (pid == 0)
    {
      interrupt_close (interrupt);
      fd_clear (&ours);
      creator (store, request, self, theirs);
    }
  fd_clear (&theirs);
  return wait_for_creator (pid, ours, interrupt, error);
}

/* Undoes what the creator has done; the error stands already. A hook that failed has had the
 * container undone, and while the program was waited for somebody else may have. */
static void
undo (Container *container, const CreateRequest *request)
{
  gboolean there;

  if (container->saved && container_lock_again (container, &there, NULL) && there
      && container_end (container, NULL))
    (void) container_dispose (container, NULL);
  if (request->pid_file != NULL)
    pid_file_remove (request->pid_file);
}

gboolean
run_in_steps (const Store *store, const CreateRequest *request, GError **error)
{
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  g_autoptr (Container) container = NULL;
  gboolean started;

  if (!interrupt_open (&interrupt, error))
    return FALSE;
  if (create_apart (store, request, &interrupt, error))
    container = container_open_locked (store, request->id, error);
  started = container != NULL && interrupt_check (&interrupt, error)
            && container_start (container, error);
  interrupt_seal (&interrupt);
  if (container != NULL && !started)
    undo (container, request);
  return started;
}
