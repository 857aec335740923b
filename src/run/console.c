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
#include <sys/ioctl.h>
#include <unistd.h>

enum {
  ON_MASTER,
  ON_INPUT,
  ON_OUTPUT,
};

/* The first of the standard descriptors that is a terminal. */
static int
find_terminal (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (isatty (fd))
      return fd;
  return -1;
}

/* Raw mode, but only while the terminal is ours: a background job keeps its hands off. */
static void
make_raw (Console *console)
{
  struct termios raw;

  if (console->terminal < 0 || console->raw
      || tcgetpgrp (console->terminal) != getpgrp ()
      || tcgetattr (console->terminal, &console->before) < 0)
    return;
  raw = console->before;
  cfmakeraw (&raw);
  console->raw = tcsetattr (console->terminal, TCSANOW, &raw) == 0;
}

static void
restore (Console *console)
{
  if (console->raw)
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

void
console_poll (const Console *console, struct pollfd fds[CONSOLE_POLL_FDS])
{
  short master = 0;

  if (wants_input (&console->out))
    master |= POLLIN;
  if (console->in.length > 0)
    master |= POLLOUT;
  fds[ON_MASTER] = (struct pollfd) { .fd = master != 0 ? console->master : -1,
                                       .events = master };
  fds[ON_INPUT] = (struct pollfd) { .fd = wants_input (&console->in) ? console->in.from : -1,
                                   .events = POLLIN };
  fds[ON_OUTPUT] = (struct pollfd) { .fd = console->out.length > 0 ? console->out.to : -1,
                                    .events = POLLOUT };
}

/* Takes what there is; at the end of the input, or when nobody is left on the other side
 * of the pty (EIO), nothing more is asked for. */
static void
fill (ConsolePump *pump)
{
  ssize_t n = read (pump->from, pump->buffer, sizeof pump->buffer);

  if (n > 0)
    {
      pump->start = 0;
      pump->length = (gsize) n;
    }
  else if (n == 0 || (errno != EAGAIN && errno != EINTR))
    pump->from = -1;
}

/* Gives what is wanted; what nobody takes any more is dropped. */
static void
empty (ConsolePump *pump)
{
  ssize_t n = write (pump->to, pump->buffer + pump->start, pump->length);

  if (n > 0)
    {
      pump->start += (gsize) n;
      pump->length -= (gsize) n;
    }
  else if (n < 0 && errno != EAGAIN && errno != EINTR)
    pump->length = 0;
}

void
console_move (Console *console, const struct pollfd fds[CONSOLE_POLL_FDS])
{
  if (fds[ON_INPUT].revents != 0)
    fill (&console->in);
  if (console->in.length > 0 && (fds[ON_MASTER].revents & POLLOUT))
    empty (&console->in);
  if (wants_input (&console->out) && (fds[ON_MASTER].revents & (POLLIN | POLLHUP | POLLERR)))
    fill (&console->out);
  if (console->out.length > 0 && fds[ON_OUTPUT].revents != 0)
    empty (&console->out);
}

void
console_suspend (Console *console)
{
  restore (console);
  (void) raise (SIGSTOP);
  console->in.from = STDIN_FILENO;
  make_raw (console);
  console_resize (console);
}

void
console_drain (Console *console)
{
  if (console->master < 0)
    return;
  /* only as long as there is something: a process that kept the terminal may live on */
  do
    {
      while (console->out.length > 0)
        {
          struct pollfd out = { .fd = console->out.to, .events = POLLOUT };

          (void) poll (&out, 1, -1);
          empty (&console->out);
        }
      if (console->out.from >= 0)
        fill (&console->out);
    }
  while (console->out.length > 0);
}

void
console_clear (Console *console)
{
  restore (console);
  fd_clear (&console->master);
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
