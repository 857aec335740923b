/* Descriptors over unix sockets (unix(7), SCM_RIGHTS). */
#pragma once

#include <glib.h>

/* Sends @message with @fd on @socket. */
gboolean pass_fd (int socket, const char *message, int fd, GError **error);

/* Connects to the stream socket at @path and sends @message with @fd in one piece. */
gboolean pass_fd_to_path (const char *path, const char *message, int fd, GError **error);

/* What --pidfd-socket asks for: sends @pidfd to the socket at @path, NULL: nobody asks. @kind is
 * what runc calls it: "standard" for a container's first process, "setns" for one of exec. */
gboolean pass_pidfd (const char *path, const char *kind, int pidfd, GError **error);
