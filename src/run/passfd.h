/* Descriptors over unix sockets (unix(7), SCM_RIGHTS). */
#pragma once

#include <glib.h>

/* Connects to the stream socket at @path and sends @message with @fd in one piece. */
gboolean pass_fd_to_path (const char *path, const char *message, int fd, GError **error);
