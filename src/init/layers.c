/* New file systems by fsopen(2), and the one made of the root file system and a writable layer. */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MEMORY "/l"  /* a layer in memory, in bwrap's own root */

/* Reports that a call on file system context @fd failed, with the kernel's own words
 * (fsopen's message log) if it left any. */
static _Noreturn void
fail_context (struct init *init, int fd, const char *step, const char *option)
{
  int saved = errno;
  char message[256], detail[512];
  ssize_t n = read (fd, message, sizeof message - 1);

  message[n > 0 ? n : 0] = '\0';
  message[strcspn (message, "\n")] = '\0';
  (void) snprintf (detail, sizeof detail, "%s%s%s", option, n > 2 ? ": " : "",
                   n > 2 ? message + 2 : "");
  errno = saved;
  fail (init, step, detail);
}

void
filesystem_set (struct init *init, int fd, const char *option)
{
  const char *equals = strchr (option, '=');
  char key[256];
  size_t length = equals != NULL ? (size_t) (equals - option) : strlen (option);
  int result;

  if (length >= sizeof key)
    {
      errno = ENAMETOOLONG;
      fail (init, "mount option", option);
    }
  memcpy (key, option, length);
  key[length] = '\0';
  if (equals != NULL)
    result = sys_fsconfig (fd, FSCONFIG_SET_STRING, key, equals + 1);
  else
    result = sys_fsconfig (fd, FSCONFIG_SET_FLAG, key, NULL);
  if (result < 0)
    fail_context (init, fd, "mount option", option);
}

int
filesystem_open (struct init *init, const char *type)
{
  int fd = sys_fsopen (type);

  if (fd < 0)
    fail (init, "fsopen", type);
  return fd;
}

int
filesystem_make (struct init *init, int fd, const char *type, unsigned int attributes)
{
  int mount;

  if (sys_fsconfig (fd, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
    fail_context (init, fd, "mount", type);
  mount = sys_fsmount (fd, attributes);
  if (mount < 0)
    fail_context (init, fd, "fsmount", type);
  (void) close (fd);
  return mount;
}

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

static const char *
make_memory (struct init *init)
{
  int fd = filesystem_open (init, "tmpfs");

  filesystem_set (init, fd, "mode=0700");
  if (mkdir (MEMORY, 0700) < 0)
    fail (init, "mkdir", MEMORY);
  attach (init, filesystem_make (init, fd, "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV), MEMORY);
  return MEMORY;
}

/* Sets the folder @key of @layer, which is new or as an earlier container has left it. @like is
 * what a new one has to look like. */
static void
set_folder (struct init *init, int fd, const char *layer, const char *key, const struct stat *like)
{
  char option[64], *path;
  struct stat st;

  (void) snprintf (option, sizeof option, "%sdir=%s/%s", key, layer, key);
  path = strchr (option, '=') + 1;
  if (mkdir (path, 0700) == 0)
    {
      /* the upper one is what the root itself looks like */
      if (like != NULL && (chown (path, like->st_uid, like->st_gid) < 0
                           || chmod (path, like->st_mode & 07777) < 0))
        fail (init, "chown", path);
    }
  else if (errno != EEXIST || lstat (path, &st) < 0 || !S_ISDIR (st.st_mode))
    fail (init, "mkdir", option);
  filesystem_set (init, fd, option);
}

void
do_layers (struct init *init, const struct op *op)
{
  const char *layer = op_string (op, 0);
  struct stat st;
  int fd;

  if (lstat ("/r", &st) < 0)
    fail (init, "stat", "/r");
  if (st.st_dev != op->numbers[0] || st.st_ino != op->numbers[1])
    {
      errno = 0;
      fail (init, "the root file system was replaced meanwhile", "");
    }
  if (*layer == '\0')
    layer = make_memory (init);
  fd = filesystem_open (init, "overlay");
  for (unsigned int i = 1; i < op->header->n_strings; i++)
    filesystem_set (init, fd, op_string (op, i));
  set_folder (init, fd, layer, "upper", &st);
  set_folder (init, fd, layer, "work", NULL);
  attach (init, filesystem_make (init, fd, "overlay", 0), "/r");
}
