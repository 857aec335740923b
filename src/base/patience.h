/* A word about what takes long, for who watches: only where standard error is a terminal, so that a
 * command that succeeds says nothing to a caller that reads it. */
#pragma once

#include <glib.h>
#include <poll.h>

#define PATIENCE_MS 1000

/* Says "bwrap-oci: WHAT" and three dots on a terminal. */
void patience_say (const char *what);

/* The same once, when @begun (g_get_monotonic_time()) is a second ago; that is 0 then. Returns the
 * milliseconds until it is, -1 when it has been said. */
int patience_look (gint64 *begun, const char *what);

/* As poll(2), through EINTR (@timeout_ms -1: for ever); says @what when a second is over. */
int patience_poll (struct pollfd *fds, nfds_t n_fds, int timeout_ms, const char *what);
