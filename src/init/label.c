/* What security modules take the program for: said now, in force from the next execve on.
 *
 * The kernel takes it from the process itself only, by a file of its own in a procfs. What looks
 * like that file in the container may be anything (CVE-2019-16884, CVE-2025-52881): it is never
 * reached through the container's /proc, but through one that the image has no part in. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

/* The staged procfs; what bwrap has mounted, in the plain mode, which has been looked at; or, since
 * an exec finds only the container's, that of the runtime. */
static int
open_proc (struct init *init, const struct op *op)
{
  const char *path = op->header->flags & OP_FLAG_PLAIN ? "/proc" : "/s/proc";
  struct statfs fs;
  int fd;

  if (op->header->flags & OP_FLAG_OUTSIDE)
    fd = init->first_fd + INIT_FD_PROC;
  else
    fd = open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstatfs (fd, &fs) < 0)
    fail (init, "open", "/proc");
  if (fs.f_type != PROC_SUPER_MAGIC)
    {
      errno = 0;
      fail (init, "not a procfs:", "/proc");
    }
  return fd;
}

void
do_label (struct init *init, const struct op *op)
{
  const char *name = op_string (op, 0), *label = op_string (op, 1);
  const struct open_how how = {
    .flags = O_WRONLY | O_CLOEXEC,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
  };
  char path[256], step[300];
  int proc = open_proc (init, op), fd;
  ssize_t n;

  (void) snprintf (path, sizeof path, "self/%s", name);
  (void) snprintf (step, sizeof step, "write /proc/%s", path);
  do
    fd = sys_openat2 (proc, path, &how);
  while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  if (fd < 0)
    fail (init, step, "");
  do
    n = write (fd, label, strlen (label));
  while (n < 0 && errno == EINTR);
  if (n < 0)
    fail (init, step, "");
  (void) close (fd);
  if (!(op->header->flags & OP_FLAG_OUTSIDE))
    (void) close (proc);
}
