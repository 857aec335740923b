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
