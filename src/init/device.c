/* Device nodes and FIFOs of the container. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Whether what an earlier mount or the image has at @path is the device: then it is left alone. */
static bool
is_there (struct init *init, const struct op *op, const char *path)
{
  int there = walk_open (init->root, path, 0);
  bool found;
  struct stat st;

  if (there < 0)
    return false;
  found = fstat (there, &st) == 0 && (S_ISCHR (st.st_mode) || S_ISBLK (st.st_mode))
          && st.st_rdev == op->numbers[DEVICE_NUMBER];
  (void) close (there);
  return found;
}

/* Makes the node; false: the kernel does not let us, or a file is there already. */
static bool
make_node (struct init *init, const struct op *op, const char *path)
{
  mode_t mode = (mode_t) op->numbers[DEVICE_MODE];
  char name[NAME_MAX + 1];
  int dir = walk_parent (init->root, path, name);

  if (dir < 0)
    fail (init, "make directory", path);
  if (mknodat (dir, name, mode, (dev_t) op->numbers[DEVICE_NUMBER]) < 0)
    {
      int saved = errno;

      (void) close (dir);
      errno = saved;
      return false;
    }
  if (fchownat (dir, name, (uid_t) op->numbers[DEVICE_UID], (gid_t) op->numbers[DEVICE_GID],
                AT_SYMLINK_NOFOLLOW) < 0)
    fail (init, "chown", path);
  (void) close (dir);
  return true;
}

void
do_device (struct init *init, const struct op *op)
{
  const char *target = op_string (op, 0), *staged = op_string (op, 1);
  struct stat st;
  int mount;

  if (is_there (init, op, target))
    return;
  if (op->header->n_numbers >= DEVICE_NUMBERS)
    {
      if (make_node (init, op, target))
        return;
      if ((errno != EPERM && errno != EEXIST) || *staged == '\0')
        fail (init, "mknod", target);
    }

  mount = sys_open_tree (AT_FDCWD, staged, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (mount < 0 || fstat (mount, &st) < 0)
    fail (init, "open_tree", staged);
  if ((!S_ISCHR (st.st_mode) && !S_ISBLK (st.st_mode)) || st.st_rdev != op->numbers[DEVICE_NUMBER])
    {
      errno = 0;
      fail (init, "the host's node is another device", staged);
    }
  /* its mode and owner are the host's alone; what is written to a device asks no mount */
  if (change (mount, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0)
    fail (init, "mount_setattr", target);
  place (init, mount, target, 0);
  (void) close (mount);
}

void
do_fifo (struct init *init, const struct op *op)
{
  const char *path = op_string (op, 0);
  char name[NAME_MAX + 1];
  int dir = walk_parent (init->root, path, name);
  struct stat st;

  if (dir < 0)
    fail (init, "make directory", path);
  if (mkfifoat (dir, name, (mode_t) op->numbers[0]) < 0)
    {
      if (errno != EEXIST || fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0
          || !S_ISFIFO (st.st_mode))
        {
          errno = EEXIST;
          fail (init, "make fifo", path);
        }
    }
  else if (fchownat (dir, name, (uid_t) op->numbers[1], (gid_t) op->numbers[2],
                     AT_SYMLINK_NOFOLLOW) < 0)
    fail (init, "chown", path);
  (void) close (dir);
}
