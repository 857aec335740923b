/* Locks; see lock.h. */
#include "config.h"

#include "base/lock.h"

#include "base/error.h"

#include <errno.h>
#include <sys/file.h>

gboolean
lock_take (int fd, gboolean shared, GError **error)
{
  while (flock (fd, shared ? LOCK_SH : LOCK_EX) < 0)
    if (errno != EINTR)
      return throw_errno (error, "flock");
  return TRUE;
}

gboolean
lock_try (int fd, gboolean shared, gboolean *ret_taken, GError **error)
{
  int result;

  do
    result = flock (fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB);
  while (result < 0 && errno == EINTR);
  if (result < 0 && errno != EWOULDBLOCK)
    return throw_errno (error, "flock");
  *ret_taken = result == 0;
  return TRUE;
}

void
lock_release (int fd)
{
  (void) flock (fd, LOCK_UN);
}
