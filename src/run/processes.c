/* The processes of a container; see processes.h.
 *
 * A namespace is known by the inode of its file. The kernel gives inodes out again, so the file is
 * held open while /proc is read; and a pid may have passed on between two looks at it, so a signal
 * goes through a pidfd, with a second look behind it. */
#include "config.h"

#include "run/processes.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_MAX_LENGTH 65536

typedef enum {
  SCOPE_PID_NS,    /* the container's own, with those below it */
  SCOPE_MOUNT_NS,
  SCOPE_INIT,
} ScopeKind;

typedef struct {
  ScopeKind kind;
  pid_t init;
  ino_t inode;
  int fd;  /* keeps the inode from being given out again; -1: SCOPE_INIT */
} Scope;

static const char *const scope_files[] = {
  [SCOPE_PID_NS] = "ns/pid",
  [SCOPE_MOUNT_NS] = "ns/mnt",
};

static ino_t
inode_of (int fd)
{
  struct stat st;

  return fstat (fd, &st) == 0 ? st.st_ino : 0;
}

static int
open_namespace (pid_t pid, ScopeKind kind)
{
  char path[64];

  (void) snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, scope_files[kind]);
  return open (path, O_RDONLY | O_CLOEXEC);
}

/* Whether this process is in namespace @inode. */
static gboolean
is_ours (ScopeKind kind, ino_t inode)
{
  autofd fd = open_namespace (getpid (), kind);

  return fd < 0 || inode_of (fd) == inode;
}

/* Whether @pid is process 1 of its pid namespace (proc(5), NSpid). */
static gboolean
is_first (pid_t pid)
{
  g_autofree char *text = NULL;
  const char *line, *end;
  char path[64];

  (void) snprintf (path, sizeof path, "/proc/%d/status", (int) pid);
  text = fd_read_file_at (AT_FDCWD, path, STATUS_MAX_LENGTH, NULL, NULL);
  if (text == NULL)
    return FALSE;
  line = strstr (text, "\nNSpid:");
  end = line != NULL ? strchr (line + 1, '\n') : NULL;
  return end != NULL && end - line > 2 && end[-1] == '1' && end[-2] == '\t';
}

gboolean
processes_end_with_init (const InitRecord *init)
{
  return !is_ours (SCOPE_PID_NS, init->pid_ns) && is_first (init->pid);
}

static gboolean
scope_open (const InitRecord *init, Scope *ret_scope, GError **error)
{
  Scope scope = { .kind = SCOPE_INIT, .init = init->pid, .fd = -1 };
  autofd fd = -1;

  if (processes_end_with_init (init))
    scope.kind = SCOPE_PID_NS;
  else if (!is_ours (SCOPE_MOUNT_NS, init->mount_ns))
    scope.kind = SCOPE_MOUNT_NS;
  if (scope.kind != SCOPE_INIT)
    {
      scope.inode = scope.kind == SCOPE_PID_NS ? init->pid_ns : init->mount_ns;
      fd = open_namespace (init->pid, scope.kind);
      if (fd < 0)
        return throw_errno (error, "open /proc/%d/%s", (int) init->pid, scope_files[scope.kind]);
      if (inode_of (fd) != scope.inode)
        return throw (error, "/proc/%d/%s is not the recorded one", (int) init->pid,
                      scope_files[scope.kind]);
    }
  scope.fd = fd_steal (&fd);
  *ret_scope = scope;
  return TRUE;
}

/* Whether @pid is in @scope. What cannot be looked at is not ours: the kernel lets the owner of a
 * user namespace look at everything in it. */
static gboolean
scope_has (const Scope *scope, pid_t pid)
{
  autofd fd = -1;

  if (scope->kind == SCOPE_INIT)
    return pid == scope->init;
  fd = open_namespace (pid, scope->kind);
  while (fd >= 0 && inode_of (fd) != scope->inode)
    {
      autofd child = fd_steal (&fd);

      /* ends with EPERM above our own namespace */
      fd = scope->kind == SCOPE_PID_NS ? ioctl (child, NS_GET_PARENT) : -1;
    }
  return fd >= 0;
}

static int
compare_pids (gconstpointer a, gconstpointer b)
{
  return *(const pid_t *) a - *(const pid_t *) b;
}

static GArray *
scope_pids (const Scope *scope, GError **error)
{
  g_autoptr (GArray) pids = g_array_new (FALSE, FALSE, sizeof (pid_t));
  DIR *proc = opendir ("/proc");
  const struct dirent *entry;

  if (proc == NULL)
    return throw_null_errno (error, "open /proc");
  while ((entry = readdir (proc)) != NULL)
    {
      pid_t pid = (pid_t) g_ascii_strtoll (entry->d_name, NULL, 10);

      if (pid > 0 && scope_has (scope, pid))
        g_array_append_val (pids, pid);
    }
  (void) closedir (proc);
  g_array_sort (pids, compare_pids);
  return g_steal_pointer (&pids);
}

GArray *
processes_list (const InitRecord *init, GError **error)
{
  g_autoptr (GArray) pids = NULL;
  Scope scope;

  if (!scope_open (init, &scope, error))
    return NULL;
  pids = scope_pids (&scope, error);
  fd_clear (&scope.fd);
  return g_steal_pointer (&pids);
}

static gboolean
signal_member (const Scope *scope, pid_t pid, int signal, GError **error)
{
  autofd pidfd = proc_pidfd (pid);

  if (pidfd >= 0 && scope_has (scope, pid) && proc_pidfd_signal (pidfd, signal) < 0
      && errno != ESRCH)
    return throw_errno (error, "send signal %d to process %d", signal, (int) pid);
  return TRUE;
}

gboolean
processes_signal (const InitRecord *init, int signal, GError **error)
{
  g_autoptr (GArray) pids = NULL;
  gboolean ok;
  Scope scope;

  if (!scope_open (init, &scope, error))
    return FALSE;
  pids = scope_pids (&scope, error);
  ok = pids != NULL;
  for (guint i = 0; ok && i < pids->len; i++)
    ok = signal_member (&scope, g_array_index (pids, pid_t, i), signal, error);
  fd_clear (&scope.fd);
  return ok;
}
