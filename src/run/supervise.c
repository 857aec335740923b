/* Waiting in the foreground; see supervise.h. */
#include "config.h"

#include "run/supervise.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not handed on: what the kernel raises for our own faults, what nobody can catch, and
 * the two that runtimes keep for themselves. */
static const int own_signals[] = {
  SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGKILL, SIGSTOP, SIGURG, SIGPIPE,
};

gboolean
supervise_block (sigset_t *ret_signals, GError **error)
{
  sigset_t signals;

  sigfillset (&signals);
  for (gsize i = 0; i < G_N_ELEMENTS (own_signals); i++)
    sigdelset (&signals, own_signals[i]);
  if (sigprocmask (SIG_BLOCK, &signals, NULL) < 0)
    return throw_errno (error, "sigprocmask");
  *ret_signals = signals;
  return TRUE;
}

/* Reaps everything that has ended: orphans of the container come to us too, since we are
 * their subreaper. TRUE if @pid is among them. */
static gboolean
reap (pid_t pid, int *ret_status)
{
  gboolean found = FALSE;
  pid_t ended;
  int status;

  while ((ended = waitpid (-1, &status, WNOHANG)) > 0)
    if (ended == pid)
      {
        *ret_status = WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
        found = TRUE;
      }
  return found;
}

gboolean
supervise_wait (pid_t pid, int pidfd, const sigset_t *signals, int *ret_status, GError **error)
{
  autofd fd = signalfd (-1, signals, SFD_CLOEXEC);

  if (fd < 0)
    return throw_errno (error, "signalfd");
  /* SIGCHLD of an end before this point is pending in the descriptor, so nothing is missed;
   * but it may have been taken by a wait in between */
  while (!reap (pid, ret_status))
    {
      struct signalfd_siginfo info;
      ssize_t n = read (fd, &info, sizeof info);

      if (n < 0 && errno != EINTR)
        return throw_errno (error, "read signalfd");
      if (n == sizeof info && info.ssi_signo != SIGCHLD)
        (void) proc_pidfd_signal (pidfd, (int) info.ssi_signo);
    }
  return TRUE;
}
