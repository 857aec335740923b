/* Descriptors over unix sockets; see passfd.h. */
#include "config.h"

#include "run/passfd.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* For a receiver whose queue is full. */
#define CONNECT_S 10

gboolean
pass_fd (int socket, const char *message, int fd, GError **error)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int))];
  } control = { 0 };
  struct iovec vector = { .iov_base = (void *) message, .iov_len = strlen (message) };
  struct msghdr msg = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
                        .msg_controllen = sizeof control.space };
  ssize_t n;

  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (&control.header), &fd, sizeof fd);
  do
    n = sendmsg (socket, &msg, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n >= 0 || throw_errno (error, "sendmsg");
}

gboolean
pass_fd_to_path (const char *path, const char *message, int fd, GError **error)
{
  const struct timeval limit = { .tv_sec = CONNECT_S };
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  autofd connection = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  autofd target = open (path, O_PATH | O_CLOEXEC);

  if (connection < 0)
    return throw_errno (error, "socket");
  if (target < 0)
    return throw_errno (error, "%s", path);
  /* by descriptor, since the path may be longer than an address can be */
  (void) g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", target);
  (void) setsockopt (connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect (connection, (const struct sockaddr *) &address, sizeof address) < 0)
    {
      /* that is how the limit is told (socket(7)) */
      if (errno == EAGAIN)
        errno = ETIMEDOUT;
      return throw_errno (error, "connect to %s", path);
    }
  return pass_fd (connection, message, fd, error);
}

gboolean
pass_pidfd (const char *path, const char *kind, int pidfd, GError **error)
{
  if (path == NULL || pass_fd_to_path (path, kind, pidfd, error))
    return TRUE;
  g_prefix_error (error, "pidfd socket ");
  return FALSE;
}
