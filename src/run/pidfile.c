/* Pid files; see pidfile.h. */
#include "config.h"

#include "run/pidfile.h"

#include "base/error.h"
#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

gboolean
pid_file_write (const char *path, pid_t pid, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *temporary = g_strdup_printf ("%s.%d.tmp", name, (int) getpid ());
  g_autofree char *text = g_strdup_printf ("%d", (int) pid);
  autofd dir = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  autofd fd = -1;

  if (dir < 0)
    return throw_errno (error, "pid file %s", path);
  fd = openat (dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0)
    return throw_errno (error, "pid file %s: create %s", path, temporary);
  if (!fd_write_all (fd, text, strlen (text), error))
    g_prefix_error (error, "pid file %s: ", path);
  else if (renameat (dir, temporary, dir, name) < 0)
    throw_errno (error, "pid file %s: rename", path);
  else
    return TRUE;
  (void) unlinkat (dir, temporary, 0);
  return FALSE;
}

void
pid_file_remove (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  autofd dir = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (dir >= 0)
    (void) unlinkat (dir, name, 0);
}
