/* The mount of a fuse-overlayfs (fuse(4); the kernel's filesystems/fuse).
 *
 * A FUSE file system belongs to the user namespace in which its device was opened and mounted, and
 * that is ours, so both are done here. The program that serves it needs the host's libraries, so
 * the runtime starts it out there, in a mount namespace of its own, and gives it what it works on:
 * a copy of everything that is staged here. The copy is made before the new mount is anywhere, so
 * that the program does not hold its own mount, and ends with the container. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

#define DEVICE "/s/dev/fuse"

static void
send_tree (struct init *init)
{
  const struct mount_attr attr = { .propagation = MS_PRIVATE };
  int tree = sys_open_tree (AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

  if (tree < 0)
    fail (init, "open_tree", "/");
  /* nothing that the host mounts later appears in it */
  if (sys_mount_setattr (tree, AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
    fail (init, "mount_setattr", "/");
  report (init, REPORT_TREE, tree);
  (void) close (tree);
}

/* The mount that is served by whoever reads from @device. */
static int
make_mount (struct init *init, int device)
{
  char served_by[32], user[32], group[32];
  const char *const options[] = {
    "source=fuse-overlayfs", "subtype=fuse-overlayfs", served_by, "rootmode=40000", user, group,
    /* for all ids of the container, by the modes of files */
    "allow_other", "default_permissions",
  };
  int fd = filesystem_open (init, "fuse"), mount = -1;
  bool fine = fd >= 0;

  (void) snprintf (served_by, sizeof served_by, "fd=%d", device);
  (void) snprintf (user, sizeof user, "user_id=%u", (unsigned int) geteuid ());
  (void) snprintf (group, sizeof group, "group_id=%u", (unsigned int) getegid ());
  for (size_t i = 0; fine && i < sizeof options / sizeof *options; i++)
    fine = filesystem_set (init, fd, options[i]);
  if (fine)
    mount = filesystem_make (init, fd, "fuse", 0);
  if (mount < 0)
    fail_refused (init);
  return mount;
}

int
fuse_new (struct init *init)
{
  int device = open (DEVICE, O_RDWR | O_CLOEXEC), mount;
  struct stat st;

  if (device < 0)
    fail (init, "open", "/dev/fuse");
  send_tree (init);
  mount = make_mount (init, device);
  report (init, REPORT_FUSE, device);
  /* with the last holder of the device its mount ends, and nobody waits for an answer any more */
  (void) close (device);
  /* the first answer */
  if (fstat (mount, &st) < 0)
    fail (init, "fuse-overlayfs", "");
  report (init, REPORT_MOUNTED, -1);
  return mount;
}
