/* The file system made of the root and a writable layer over it. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Attaches the detached @mount to @path, one of our own short names. */
static void
attach (struct init *init, int mount, const char *path)
{
  int at = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (at < 0 || sys_move_mount (mount, at) < 0)
    fail (init, "move_mount", path);
  (void) close (at);
  (void) close (mount);
}

static void
make_memory (struct init *init)
{
  int fd = filesystem_open (init, "tmpfs");
  int mount = fd >= 0 && filesystem_set (init, fd, "mode=0700")
                ? filesystem_make (init, fd, "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) : -1;

  if (mount < 0)
    fail_refused (init);
  if (mkdir (LAYER_MEMORY, 0700) < 0)
    fail (init, "mkdir", LAYER_MEMORY);
  attach (init, mount, LAYER_MEMORY);
}

/* Makes the folder @name of @layer, unless an earlier container has left it. @like is what a new
 * one has to look like. */
static void
make_folder (struct init *init, const char *layer, const char *name, const struct stat *like)
{
  char path[64];
  struct stat st;

  (void) snprintf (path, sizeof path, "%s/%s", layer, name);
  if (mkdir (path, 0700) == 0)
    {
      if (like != NULL && (chown (path, like->st_uid, like->st_gid) < 0
                           || chmod (path, like->st_mode & 07777) < 0))
        fail (init, "chown", path);
    }
  else if (errno != EEXIST || lstat (path, &st) < 0 || !S_ISDIR (st.st_mode))
    fail (init, "mkdir", path);
}

void
do_layers (struct init *init, const struct op *op)
{
  const char *layer = op_string (op, 0);
  struct stat st;

  if (lstat ("/r", &st) < 0)
    fail (init, "stat", "/r");
  if (st.st_dev != op->numbers[0] || st.st_ino != op->numbers[1])
    {
      errno = 0;
      fail (init, "the root file system was replaced meanwhile", "");
    }
  if (strcmp (layer, LAYER_MEMORY) == 0)
    make_memory (init);
  /* the upper one is what the root itself looks like */
  make_folder (init, layer, "upper", &st);
  make_folder (init, layer, "work", NULL);
  attach (init, overlay_new (init, op, 1), "/r");
}
