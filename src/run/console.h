/* The terminal of a container: handed to somebody else, or relayed to the caller's own. */
#pragma once

#include <glib.h>
#include <poll.h>
#include <termios.h>

/* Bytes on their way from one descriptor to another. */
typedef struct {
  int from, to;
  gsize start, length;  /* of what waits in the buffer */
  char buffer[4096];    /* PIPE_BUF: as much as a writable pipe takes without blocking */
} ConsolePump;

/* A relay in the foreground. Start it with CONSOLE_INIT. */
typedef struct {
  int master;             /* owned; -1: hung up */
  int terminal;           /* owned: the caller's terminal; -1: it has none */
  gboolean interactive;   /* what is typed there is the input */
  gboolean raw;           /* it is in raw mode */
  struct termios before;  /* and was in this one */
  gboolean closed;        /* nobody inside has the pty open */
  int opened;             /* owned: tells when somebody has it again; -1: not needed yet */
  ConsolePump in, out;
} Console;

#define CONSOLE_INIT { .master = -1, .terminal = -1, .opened = -1,                              \
                       .in = { .from = -1, .to = -1 }, .out = { .from = -1, .to = -1 } }

/* Number of descriptors that console_poll() fills in. */
#define CONSOLE_POLL_FDS 3

/* Begins to relay @master, which it takes: the caller's terminal becomes raw, the
 * container's gets its size, and its lines end in a bare newline, as with the peers. */
gboolean console_open (Console *console, int master, GError **error);

/* Fills @fds with what it waits for; entries without a use have fd -1. Returns how many
 * milliseconds to wait at most, -1: for ever. */
int console_poll (Console *console, struct pollfd fds[CONSOLE_POLL_FDS]);

/* Moves what can be moved after poll(2) has returned. */
void console_move (Console *console, const struct pollfd fds[CONSOLE_POLL_FDS]);

/* The caller's terminal has changed its size. */
void console_resize (Console *console);

/* Stops this process as SIGTSTP would, with the caller's terminal as it was. */
void console_suspend (Console *console);

/* This process goes on after a stop: the terminal is raw again if it is ours now. */
void console_resume (Console *console);

/* The process has ended: no more input; *@left bytes may follow, which is more than a pty holds. */
void console_end_input (Console *console, gsize *left);

/* Whether the process has left something to write, of which at most *@left bytes are taken. */
gboolean console_has_output (Console *console, gsize *left);

/* Gives the caller's terminal back and closes everything. */
void console_clear (Console *console);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Console, console_clear)

/* What becomes of the terminal *@master that the init has sent (-1: none): it goes to the socket at
 * @socket, or is relayed by @console, which takes it. */
gboolean console_take (int *master, Console *console, const char *socket, GError **error);
