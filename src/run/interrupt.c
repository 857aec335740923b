/* Being asked to stop; see interrupt.h. */
#include "config.h"

#include "run/interrupt.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

gboolean
interrupt_open (Interrupt *interrupt, GError **error)
{
  static const int numbers[] = { SIGTERM, SIGINT, SIGQUIT };
  sigset_t signals;

  sigemptyset (&signals);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    sigaddset (&signals, numbers[i]);
  /* blocked it would come all the same */
  if (!proc_ignores (SIGHUP))
    sigaddset (&signals, SIGHUP);
  interrupt->fd = signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (interrupt->fd < 0)
    return throw_errno (error, "signalfd");
  (void) sigprocmask (SIG_BLOCK, &signals, &interrupt->old);
  return TRUE;
}

gboolean
interrupt_check (const Interrupt *interrupt, GError **error)
{
  struct signalfd_siginfo info;

  if (interrupt == NULL || read (interrupt->fd, &info, sizeof info) != sizeof info)
    return TRUE;
  return throw (error, "interrupted by signal %u", info.ssi_signo);
}

/* Waits until @end, in the microseconds of g_get_monotonic_time(); -1: for ever. *@ret_n is what
 * poll(2) returns. What is there to be read came before the signal, or says that it comes too late:
 * that a program runs, which is then to have it. */
static gboolean
wait_until (const Interrupt *interrupt, int fd, gint64 end, int *ret_n, GError **error)
{
  struct pollfd fds[2] = { { .fd = interrupt != NULL ? interrupt->fd : -1, .events = POLLIN },
                           { .fd = fd, .events = POLLIN } };
  int n;

  do
    {
      int left = end < 0 ? -1 : (int) MAX (0, (end - g_get_monotonic_time ()) / 1000);

      n = poll (fds, G_N_ELEMENTS (fds), left);
      if (n < 0 && errno != EINTR)
        return throw_errno (error, "poll");
    }
  while (n < 0);
  *ret_n = n;
  return fds[1].revents != 0 || interrupt_check (interrupt, error);
}

gboolean
interrupt_wait (const Interrupt *interrupt, int fd, GError **error)
{
  int n;

  return wait_until (interrupt, fd, -1, &n, error);
}

gboolean
interrupt_await (const Interrupt *interrupt, int fd, const char *whom, GError **error)
{
  gint64 end = g_get_monotonic_time () + INTERRUPT_ANSWER_MS * (gint64) 1000;
  int n;

  if (!wait_until (interrupt, fd, end, &n, error))
    return FALSE;
  return n > 0 || throw (error, "%s: no answer after %d s", whom, INTERRUPT_ANSWER_MS / 1000);
}

void
interrupt_seal (Interrupt *interrupt)
{
  fd_clear (&interrupt->fd);
}

void
interrupt_close (Interrupt *interrupt)
{
  if (interrupt->fd >= 0)
    (void) sigprocmask (SIG_SETMASK, &interrupt->old, NULL);
  fd_clear (&interrupt->fd);
}
