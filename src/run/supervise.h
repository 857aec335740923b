/* Waiting in the foreground for the container's first process. */
#pragma once

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

/* Blocks the signals that will be handed on, from before the container exists: one that
 * comes early is handed on as soon as there is somebody to take it. */
gboolean supervise_block (sigset_t *ret_signals, GError **error);

/* Waits until child @pid, behind @pidfd, has ended, and hands on every signal of @signals
 * that comes meanwhile. *@ret_status is the exit status for a shell: the program's, or
 * 128 + N after signal N. */
gboolean supervise_wait (pid_t pid, int pidfd, const sigset_t *signals, int *ret_status,
                         GError **error);
