/* New file systems by fsopen(2). */
#include "init.h"

#include "sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Notes that a call on file system context @fd failed, with the kernel's own words (fsopen's
 * message log) if it left any. */
static void
note_refusal (struct init *init, int fd, const char *step, const char *option)
{
  struct refusal *refusal = &init->refusal;
  char message[256];
  ssize_t n;

  refusal->error = errno;
  refusal->step = step;
  n = fd >= 0 ? read (fd, message, sizeof message - 1) : 0;
  message[n > 0 ? n : 0] = '\0';
  message[strcspn (message, "\n")] = '\0';
  (void) snprintf (refusal->detail, sizeof refusal->detail, "%s%s%s", option, n > 2 ? ": " : "",
                   n > 2 ? message + 2 : "");
}

_Noreturn void
fail_refused (struct init *init)
{
  errno = init->refusal.error;
  fail (init, init->refusal.step, init->refusal.detail);
}

int
filesystem_open (struct init *init, const char *type)
{
  int fd = sys_fsopen (type);

  if (fd < 0)
    note_refusal (init, fd, "fsopen", type);
  return fd;
}

bool
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
    note_refusal (init, fd, "mount option", option);
  return result >= 0;
}

int
filesystem_make (struct init *init, int fd, const char *type, unsigned int attributes)
{
  int mount = -1;

  if (sys_fsconfig (fd, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
    note_refusal (init, fd, "mount", type);
  else
    {
      mount = sys_fsmount (fd, attributes);
      if (mount < 0)
        note_refusal (init, fd, "fsmount", type);
    }
  (void) close (fd);
  return mount;
}

int
filesystem_new (struct init *init, const char *type, const struct op *op, unsigned int first,
                const char *more)
{
  unsigned int end = op->header->n_strings - (op->header->flags & OP_FLAG_LABEL ? 1 : 0);
  int fd = filesystem_open (init, type);
  bool fine = fd >= 0;

  for (unsigned int i = first; fine && i < end; i++)
    fine = filesystem_set (init, fd, op_string (op, i));
  if (fine && *more != '\0')
    fine = filesystem_set (init, fd, more);
  if (fine)
    return filesystem_make (init, fd, type, 0);
  if (fd >= 0)
    (void) close (fd);
  return -1;
}

/* Whether another would do what the kernel has not done. That somebody has the layer already, or
 * that there is no memory, is no reason to try. */
static bool
is_refused (const struct refusal *refusal)
{
  return refusal->error != EBUSY && refusal->error != ENOMEM && refusal->error != ENOSPC;
}

int
overlay_new (struct init *init, const struct op *op, unsigned int first)
{
  unsigned int flags = op->header->flags;
  int mount;

  if (flags & OP_FLAG_FUSE_ONLY)
    return fuse_new (init);
  mount = filesystem_new (init, "overlay", op, first, "");
  if (mount >= 0)
    return mount;
  if (!(flags & OP_FLAG_FUSE) || !is_refused (&init->refusal))
    fail_refused (init);
  return fuse_new (init);
}
