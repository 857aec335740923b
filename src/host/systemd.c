/* What is to be known for systemd as pid 1; see systemd.h. */
#include "config.h"

#include "host/systemd.h"

#include "base/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MACHINE_ID_MAX 64

/* Where @fd is, without links; NULL: nowhere. Transfer: full. */
static char *
real_path (int fd)
{
  char name[64], path[PATH_MAX];
  ssize_t length;

  (void) snprintf (name, sizeof name, "/proc/self/fd/%d", fd);
  length = readlink (name, path, sizeof path - 1);
  return length > 0 ? g_strndup (path, (gsize) length) : NULL;
}

/* The image is hostile: its links lead nowhere but into it. */
static char *
find_program (const OciSpec *spec, const char *bundle)
{
  g_autofree char *path = g_canonicalize_filename (spec->root->path, bundle);
  autofd root = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct open_how how = {
    .flags = O_PATH | O_CLOEXEC,
    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  };
  autofd fd = -1;

  if (root >= 0)
    fd = (int) syscall (SYS_openat2, root, spec->process->args[0], &how, sizeof how);
  return fd >= 0 ? real_path (fd) : NULL;
}

void
host_systemd_probe (const OciSpec *spec, const char *bundle, SystemdFacts *ret_facts)
{
  ret_facts->program = find_program (spec, bundle);
  ret_facts->machine_id = fd_read_file_at (AT_FDCWD, "/etc/machine-id", MACHINE_ID_MAX, NULL, NULL);
  /* "uninitialized" before the first boot */
  if (ret_facts->machine_id != NULL
      && strspn (ret_facts->machine_id, "0123456789abcdef") != SYSTEMD_ID_DIGITS)
    g_clear_pointer (&ret_facts->machine_id, g_free);
  if (ret_facts->machine_id != NULL)
    (void) g_strchomp (ret_facts->machine_id);
}
