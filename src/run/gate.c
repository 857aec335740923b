/* The gate: a container that has been created waits there for its start.
 *
 * Somebody listening is what "created" means: the file alone does not tell, since a start may die
 * between saying "start" and removing it. A connection that ends without a word means nothing to
 * the init, so that asking is free. */
#include "config.h"

#include "run/container.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GATE_BACKLOG 16

/* The path by way of the directory's descriptor: the full one can be too long for sun_path. */
static void
gate_address (const Container *container, struct sockaddr_un *ret_address)
{
  *ret_address = (struct sockaddr_un) { .sun_family = AF_UNIX };
  (void) snprintf (ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/%s",
                   container->fd, CONTAINER_GATE_FILE);
}

static int
gate_socket (int flags)
{
  return socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
}

static int
connect_to (const Container *container, int socket)
{
  struct sockaddr_un address;
  int result;

  gate_address (container, &address);
  do
    result = connect (socket, (const struct sockaddr *) &address, sizeof address);
  while (result < 0 && errno == EINTR);
  return result;
}

static gboolean
throw_gate (const Container *container, const char *call, GError **error)
{
  return throw_errno (error, "%s %s/%s/" CONTAINER_GATE_FILE, call, container->store->path,
                      container->id);
}

/* Whether connect(2) has failed because nobody listens, or there is no gate any more; or what
 * stands there has never been one. */
static gboolean
is_deserted (int error)
{
  return error == ECONNREFUSED || error == ENOENT || error == EPROTOTYPE;
}

int
container_gate_listen (Container *container, GError **error)
{
  autofd fd = gate_socket (0);
  struct sockaddr_un address;

  gate_address (container, &address);
  if (fd < 0)
    return throw_fd_errno (error, "socket");
  if (bind (fd, (const struct sockaddr *) &address, sizeof address) < 0)
    return throw_fd_errno (error, "bind %s/%s/" CONTAINER_GATE_FILE, container->store->path,
                           container->id);
  if (listen (fd, GATE_BACKLOG) < 0)
    return throw_fd_errno (error, "listen");
  return fd_steal (&fd);
}

gboolean
container_gate_connect (const Container *container, int *ret_socket, GError **error)
{
  autofd fd = gate_socket (0);

  if (fd < 0)
    return throw_errno (error, "socket");
  if (connect_to (container, fd) == 0)
    *ret_socket = fd_steal (&fd);
  else if (is_deserted (errno))
    *ret_socket = -1;
  else
    return throw_gate (container, "connect to", error);
  return TRUE;
}

gboolean
container_gate_look (const Container *container, gboolean *ret_waits, GError **error)
{
  autofd fd = -1;

  *ret_waits = FALSE;
  if (faccessat (container->fd, CONTAINER_GATE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT || throw_gate (container, "look for", error);
  fd = gate_socket (SOCK_NONBLOCK);
  if (fd < 0)
    return throw_errno (error, "socket");
  /* a full queue is one that nobody has left */
  *ret_waits = connect_to (container, fd) == 0 || errno == EAGAIN;
  return *ret_waits || is_deserted (errno) || throw_gate (container, "connect to", error);
}
