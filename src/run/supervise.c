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
 * the one that runtimes keep for themselves. */
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
  /* blocked it would come all the same */
  if (proc_ignores (SIGHUP))
    sigdelset (&signals, SIGHUP);
  if (sigprocmask (SIG_BLOCK, &signals, NULL) < 0)
    return throw_errno (error, "sigprocmask");
  *ret_signals = signals;
  return TRUE;
}

/* Reaps everything that has ended: orphans of the container come to us too, since we are
 * their subreaper. *@ret_found: @pid is among them. */
static gboolean
reap (pid_t pid, gboolean *ret_found, int *ret_status, GError **error)
{
  pid_t ended;
  int status;

  while ((ended = waitpid (-1, &status, WNOHANG)) > 0 || (ended < 0 && errno == EINTR))
    if (ended == pid)
      {
        *ret_status = WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
        *ret_found = TRUE;
      }
  /* nobody else could have reaped it, but to wait for what never comes would be for ever */
  return ended == 0 || *ret_found || throw_errno (error, "wait for %d", (int) pid);
}

/* With a terminal, its size and its suspension are ours to handle; all else is handed on. */
static void
take_signal (const Supervision *supervision, int number)
{
  if (number == SIGCHLD)
    return;
  if (supervision->console != NULL && number == SIGWINCH)
    console_resize (supervision->console);
  else if (supervision->console != NULL && number == SIGTSTP)
    console_suspend (supervision->console);
  else if (supervision->console != NULL && number == SIGCONT)
    console_resume (supervision->console);
  else if (supervision->console == NULL || (number != SIGTTIN && number != SIGTTOU))
    (void) proc_pidfd_signal (supervision->pidfd, number);
}

/* One round: waits for a signal or for something to relay. *@ret_signal is what came, or 0. */
static gboolean
wait_round (const Supervision *supervision, int signal_fd, int *ret_signal, GError **error)
{
  const Notify *notify = supervision->notify;
  struct pollfd fds[2 + CONSOLE_POLL_FDS] = {
    { .fd = signal_fd, .events = POLLIN },
    { .fd = notify != NULL ? notify->socket : -1, .events = POLLIN },
  };
  struct signalfd_siginfo info;
  nfds_t n_fds = 2;
  int timeout = -1;

  *ret_signal = 0;
  if (supervision->console != NULL)
    {
      timeout = console_poll (supervision->console, fds + 2);
      n_fds += CONSOLE_POLL_FDS;
    }
  if (poll (fds, n_fds, timeout) < 0)
    return errno == EINTR || throw_errno (error, "poll");
  if (supervision->console != NULL)
    console_move (supervision->console, fds + 2);
  if (fds[1].revents != 0)
    (void) notify_relay (notify);
  if (fds[0].revents != 0)
    {
      if (read (signal_fd, &info, sizeof info) != sizeof info)
        return errno == EINTR || throw_errno (error, "read signalfd");
      *ret_signal = (int) info.ssi_signo;
      take_signal (supervision, *ret_signal);
    }
  return TRUE;
}

/* Writes out what the process still had to say; who sends a signal now means us. */
static gboolean
drain (const Supervision *supervision, int signal_fd, GError **error)
{
  int number = 0;
  gsize left;

  console_end_input (supervision->console, &left);
  while (number != SIGHUP && number != SIGINT && number != SIGQUIT && number != SIGTERM
         && console_has_output (supervision->console, &left))
    if (!wait_round (supervision, signal_fd, &number, error))
      return FALSE;
  return TRUE;
}

gboolean
supervise_wait (const Supervision *supervision, int *ret_status, GError **error)
{
  autofd signal_fd = signalfd (-1, &supervision->signals, SFD_CLOEXEC);
  gboolean ended = FALSE;
  int number;

  if (signal_fd < 0)
    return throw_errno (error, "signalfd");
  /* the SIGCHLD of an end that came before now is pending, or its child is reaped here */
  for (;;)
    {
      if (!reap (supervision->pid, &ended, ret_status, error))
        return FALSE;
      if (ended)
        break;
      if (!wait_round (supervision, signal_fd, &number, error))
        return FALSE;
    }
  if (supervision->notify != NULL)
    (void) notify_relay (supervision->notify);
  return supervision->console == NULL || drain (supervision, signal_fd, error);
}
