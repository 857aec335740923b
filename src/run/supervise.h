/* Waiting in the foreground for the container's first process. */
#pragma once

#include "run/console.h"
#include "run/notify.h"

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

/* What is waited for. */
typedef struct {
  pid_t pid;         /* our child */
  int pidfd;         /* of it */
  Console *console;  /* relayed meanwhile; NULL: no terminal */
  sigset_t signals;  /* handed on */
  const Notify *notify;  /* relayed meanwhile; NULL: nobody wants to hear of it */
} Supervision;

/* Blocks the signals that will be handed on, from before the container exists: one that
 * comes early is handed on as soon as there is somebody to take it. */
gboolean supervise_block (sigset_t *ret_signals, GError **error);

/* Waits until the process has ended, handing on every signal that comes meanwhile.
 * *@ret_status is the exit status for a shell: the program's, or 128 + N after signal N. */
gboolean supervise_wait (const Supervision *supervision, int *ret_status, GError **error);
