/* The terminal of a container; see console.h. */
#include "config.h"

#include "run/console.h"

#include "base/error.h"
#include "base/fd.h"
#include "run/passfd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
  ON_MASTER,
  ON_INPUT,
  ON_OUTPUT,
};

/* How often a job in the background looks whether it has come to the foreground: a shell says
 * nothing to one that was not stopped. */
#define BACKGROUND_LOOK_MS 200

/* What is read after the end of the process: whoever keeps the pty may go on for ever. */
#define LEFT_MAX (1 << 20)

/* The caller's terminal: the first of the standard descriptors that is one, or else the
 * controlling terminal. */
static int
find_terminal (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (isatty (fd))
      return fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Whether we may touch the terminal: a job in the background may not. One that is not our
 * controlling terminal knows no jobs, and one that hung up must be read to learn of it. */
static gboolean
is_ours (const Console *console)
{
  pid_t group = tcgetpgrp (console->terminal);

  return group < 0 || group == getpgrp ();
}

/* Output keeps its processing: the container's terminal leaves the carriage returns to ours. */
static void
set_raw (Console *console)
{
  struct termios raw = console->before;

  cfmakeraw (&raw);
  raw.c_oflag = console->before.c_oflag;
  console->raw = tcsetattr (console->terminal, TCSANOW, &raw) == 0;
}

/* Raw mode, as soon as the terminal is ours. Where the input comes from elsewhere it stays as it
 * is: nobody would see the keys that interrupt. */
static void
make_raw (Console *console)
{
  if (!console->interactive || console->raw || !is_ours (console)
      || tcgetattr (console->terminal, &console->before) < 0)
    return;
  set_raw (console);
  console_resize (console);
}

static void
restore (Console *console)
{
  if (console->raw && is_ours (console))
    (void) tcsetattr (console->terminal, TCSADRAIN, &console->before);
  console->raw = FALSE;
}

void
console_resize (Console *console)
{
  struct winsize size;

  if (console->terminal >= 0 && ioctl (console->terminal, TIOCGWINSZ, &size) == 0)
    (void) ioctl (console->master, TIOCSWINSZ, &size);
}

gboolean
console_open (Console *console, int master, GError **error)
{
  struct termios settings;

  console->master = master;
  if (tcgetattr (master, &settings) < 0)
    return throw_errno (error, "tcgetattr");
  settings.c_oflag &= ~(tcflag_t) ONLCR;
  if (tcsetattr (master, TCSANOW, &settings) < 0)
    return throw_errno (error, "tcsetattr");
  if (fcntl (master, F_SETFL, O_NONBLOCK) < 0)
    return throw_errno (error, "fcntl");
  console->terminal = find_terminal ();
  console->interactive = isatty (STDIN_FILENO);
  console_resize (console);
  make_raw (console);
  console->in.from = STDIN_FILENO;
  console->in.to = master;
  console->out.from = master;
  console->out.to = STDOUT_FILENO;
  return TRUE;
}

static gboolean
wants_input (const ConsolePump *pump)
{
  return pump->from >= 0 && pump->length == 0;
}

static short
master_events (const Console *console)
{
  short events = 0;

  if (wants_input (&console->out))
    events |= POLLIN;
  if (console->in.length > 0)
    events |= POLLOUT;
  return events;
}

int
console_poll (Console *console, struct pollfd fds[CONSOLE_POLL_FDS])
{
  gboolean listens = wants_input (&console->in), waits = FALSE;
  short events = master_events (console);

  make_raw (console);
  if (listens && console->interactive && !is_ours (console))
    {
      listens = FALSE;
      waits = TRUE;
    }
  fds[ON_INPUT] = (struct pollfd) { .fd = listens ? console->in.from : -1, .events = POLLIN };
  fds[ON_OUTPUT] = (struct pollfd) { .fd = console->out.length > 0 ? console->out.to : -1,
                                    .events = POLLOUT };
  if (console->closed)
    fds[ON_MASTER] = (struct pollfd) { .fd = console->opened, .events = POLLIN };
  else
    fds[ON_MASTER] = (struct pollfd) { .fd = events != 0 ? console->master : -1,
                                         .events = events };
  return waits ? BACKGROUND_LOOK_MS : -1;
}

/* Takes what there is. FALSE at the end (errno 0) and on failure. */
static gboolean
fill (ConsolePump *pump)
{
  ssize_t n = read (pump->from, pump->buffer, sizeof pump->buffer);

  if (n > 0)
    {
      pump->start = 0;
      pump->length = (gsize) n;
      return TRUE;
    }
  if (n == 0)
    errno = 0;
  return errno == EAGAIN || errno == EINTR;
}

/* Gives what is wanted; what nobody takes any more is dropped, FALSE with errno. */
static gboolean
empty (ConsolePump *pump)
{
  ssize_t n = write (pump->to, pump->buffer + pump->start, pump->length);

  if (n > 0)
    {
      pump->start += (gsize) n;
      pump->length -= (gsize) n;
    }
  else if (n < 0 && errno != EAGAIN && errno != EINTR)
    {
      pump->length = 0;
      return FALSE;
    }
  return TRUE;
}

/* The user is gone: inside it is as when a terminal's line is cut, so that nobody waits for him or
 * writes for ever. */
static void
hang_up (Console *console)
{
  fd_clear (&console->master);
  fd_clear (&console->opened);
  console->closed = FALSE;
  console->in.from = console->out.from = -1;
  console->in.length = console->out.length = 0;
}

static void
take_input (Console *console)
{
  int problem;

  if (fill (&console->in))
    return;
  problem = errno;
  /* what a job gets that has just been put into the background */
  if (problem == EIO && console->interactive && !is_ours (console))
    return;
  /* a terminal in raw mode has no other end */
  if (console->raw)
    hang_up (console);
  console->in.from = -1;
}

/* Nobody inside has the pty open; somebody may open it again, as pid 1 of a system does. poll(2)
 * would return at once until then, an edge-triggered epoll(7) when something is written. */
static void
await_opening (Console *console)
{
  struct epoll_event event = { .events = EPOLLIN | EPOLLET };

  console->closed = TRUE;
  if (console->opened >= 0)
    return;
  console->opened = epoll_create1 (EPOLL_CLOEXEC);
  (void) epoll_ctl (console->opened, EPOLL_CTL_ADD, console->master, &event);
}

static void
take_output (Console *console)
{
  struct epoll_event event;

  if (console->closed)
    (void) epoll_wait (console->opened, &event, 1, 0);
  console->closed = FALSE;
  if (!fill (&console->out))
    await_opening (console);
}

void
console_move (Console *console, const struct pollfd fds[CONSOLE_POLL_FDS])
{
  if (fds[ON_INPUT].revents != 0)
    take_input (console);
  if (console->in.length > 0 && (console->closed || (fds[ON_MASTER].revents & POLLOUT)))
    (void) empty (&console->in);
  if (wants_input (&console->out) && (fds[ON_MASTER].revents & (POLLIN | POLLHUP | POLLERR)))
    take_output (console);
  if (console->out.length > 0 && fds[ON_OUTPUT].revents != 0 && !empty (&console->out)
      && (errno == EPIPE || errno == EIO))
    hang_up (console);
}

void
console_suspend (Console *console)
{
  sigset_t stop;

  restore (console);
  sigemptyset (&stop);
  sigaddset (&stop, SIGTSTP);
  /* the signal itself, not SIGSTOP: the kernel spares who has no shell to wake him */
  (void) raise (SIGTSTP);
  (void) sigprocmask (SIG_UNBLOCK, &stop, NULL);
  (void) sigprocmask (SIG_BLOCK, &stop, NULL);
}

void
console_resume (Console *console)
{
  /* after a SIGSTOP the shell has changed the modes, and they are its own in the background */
  if (console->raw && is_ours (console))
    set_raw (console);
  else
    console->raw = FALSE;
  console_resize (console);
}

void
console_end_input (Console *console, gsize *left)
{
  console->in.from = -1;
  console->in.length = 0;
  *left = LEFT_MAX;
}

gboolean
console_has_output (Console *console, gsize *left)
{
  if (wants_input (&console->out) && *left > 0 && fill (&console->out))
    *left -= MIN (*left, console->out.length);
  return console->out.length > 0;
}

void
console_clear (Console *console)
{
  restore (console);
  fd_clear (&console->master);
  fd_clear (&console->opened);
  fd_clear (&console->terminal);
}

gboolean
console_take (int *master, Console *console, const char *socket, GError **error)
{
  if (*master < 0)
    return TRUE;
  if (socket != NULL)
    {
      if (pass_fd_to_path (socket, "/dev/pts/ptmx", *master, error))
        return TRUE;
      g_prefix_error (error, "console socket ");
      return FALSE;
    }
  return console_open (console, fd_steal (master), error);
}
