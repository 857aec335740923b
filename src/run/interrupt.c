/* Being asked to stop; see interrupt.h. */
#include "config.h"

#include "run/interrupt.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

gboolean
interrupt_open (Interrupt *interrupt, GError **error)
{
  static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
  sigset_t signals;

  sigemptyset (&signals);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    sigaddset (&signals, numbers[i]);
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

  if (read (interrupt->fd, &info, sizeof info) != sizeof info)
    return TRUE;
  return throw (error, "interrupted by signal %u", info.ssi_signo);
}

gboolean
interrupt_wait (const Interrupt *interrupt, int fd, GError **error)
{
  struct pollfd fds[2] = { { .fd = interrupt->fd, .events = POLLIN },
                           { .fd = fd, .events = POLLIN } };

  while (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
    if (errno != EINTR)
      return throw_errno (error, "poll");
  return interrupt_check (interrupt, error);
}

void
interrupt_close (Interrupt *interrupt)
{
  if (interrupt->fd >= 0)
    (void) sigprocmask (SIG_SETMASK, &interrupt->old, NULL);
  fd_clear (&interrupt->fd);
}
