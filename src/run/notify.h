/* What a program tells its service manager (sd_notify(3)), passed on to ours: the program has a
 * socket of its own, since the manager's would not be told who it is. */
#pragma once

#include "run/interrupt.h"

#include <glib.h>
#include <sys/types.h>

typedef struct {
  int socket;         /* where the program's words arrive; -1: nowhere */
  const char *outer;  /* our NOTIFY_SOCKET; NULL: none */
  pid_t main_pid;     /* becomes the main process once it is ready; 0: we stay it */
} Notify;

/* Whether @address is one that can be reached: a path, or "@" and an abstract name. */
gboolean notify_is_address (const char *address);

/* Passes on everything that has arrived and is for the manager. Returns whether the program said
 * that it is ready. A manager that does not listen is only warned of. */
gboolean notify_relay (const Notify *notify);

/* The same until the program is ready, and the manager knows it, or the process behind @pidfd has
 * ended. Fails if a signal comes before. */
gboolean notify_wait_ready (const Notify *notify, int pidfd, const Interrupt *interrupt,
                            GError **error);
