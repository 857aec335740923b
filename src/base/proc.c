/* Processes; see proc.h. */
#include "config.h"

#include "base/proc.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_MAX 65536
#define STAT_MAX 2048  /* 52 numbers and a name */
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LENGTH 36
#define EXITING 0x4  /* PF_EXITING of the kernel's linux/sched.h (proc(5), flags) */

static const struct {
  const char *name;
  int type;
} namespace_files[] = {
  { "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS },      { "pid", CLONE_NEWPID },
  { "net", CLONE_NEWNET },   { "ipc", CLONE_NEWIPC },     { "uts", CLONE_NEWUTS },
  { "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
};

gboolean
proc_stat (pid_t pid, ProcStat *ret_stat, GError **error)
{
  unsigned long long start = 0;
  unsigned flags = 0;
  const char *name, *end;
  char text[STAT_MAX], path[64], state;
  int parent = 0;

  (void) snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  if (!fd_read_record (path, text, sizeof text, error))
    return FALSE;

  /* the name in parentheses may hold anything, so start behind the last one */
  name = strchr (text, '(');
  end = strrchr (text, ')');
  if (name == NULL || end == NULL
      || sscanf (end + 1,
                 " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                 &state, &parent, &flags, &start) != 4)
    return throw (error, "%s: unexpected format", path);
  *ret_stat = (ProcStat) { .state = state, .parent = parent, .start_time = start,
                           .exiting = (flags & EXITING) != 0 };
  (void) g_strlcpy (ret_stat->name, name + 1,
                    MIN (sizeof ret_stat->name, (gsize) (end - name)));
  return TRUE;
}

gboolean
proc_stat_is (const ProcStat *stat, guint64 start_time)
{
  return stat->start_time == start_time && stat->state != 'Z' && stat->state != 'X';
}

gboolean
proc_inner_pid (pid_t pid, pid_t *ret_inner, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) pid);
  g_autofree char *text = fd_read_file_at (AT_FDCWD, path, STATUS_MAX, NULL, error);
  const char *numbers = text != NULL ? strstr (text, "\nNSpid:") : NULL;
  const char *last;

  if (text == NULL)
    return FALSE;
  if (numbers == NULL)
    return throw (error, "%s: no NSpid", path);
  /* one for each namespace, the innermost last */
  numbers += strlen ("\nNSpid:");
  last = numbers + strcspn (numbers, "\n");
  while (last > numbers && g_ascii_isdigit (last[-1]))
    last--;
  *ret_inner = (pid_t) strtol (last, NULL, 10);
  return TRUE;
}

gboolean
proc_is_ending (pid_t pid)
{
  char path[48];
  struct stat st;

  (void) snprintf (path, sizeof path, "/proc/%d/ns/mnt", (int) pid);
  return stat (path, &st) < 0 && errno == ENOENT;
}

gboolean
proc_other_namespaces (pid_t pid, int *ret_types, GError **error)
{
  int types = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (namespace_files); i++)
    {
      char ours[32], theirs[48];
      struct stat a, b;

      (void) snprintf (ours, sizeof ours, "/proc/self/ns/%s", namespace_files[i].name);
      (void) snprintf (theirs, sizeof theirs, "/proc/%d/ns/%s", (int) pid,
                       namespace_files[i].name);
      /* a kernel need not have all */
      if (stat (ours, &a) < 0 && errno == ENOENT)
        continue;
      if (stat (ours, &a) < 0)
        return throw_errno (error, "stat %s", ours);
      if (stat (theirs, &b) < 0)
        return throw_errno (error, "stat %s", theirs);
      if (a.st_ino != b.st_ino || a.st_dev != b.st_dev)
        types |= namespace_files[i].type;
    }
  *ret_types = types;
  return TRUE;
}

int
proc_pidfd (pid_t pid)
{
  return (int) syscall (SYS_pidfd_open, pid, 0);
}

int
proc_open_same (pid_t pid, guint64 start_time, gboolean *ret_gone, GError **error)
{
  g_autoptr (GError) local = NULL;
  autofd pidfd = -1;
  ProcStat stat;

  /* first the descriptor, then the comparison: what the descriptor holds can no
   * longer be replaced by another process of the same number */
  pidfd = proc_pidfd (pid);
  if (pidfd < 0 && errno != ESRCH && errno != EINVAL)
    return throw_fd_errno (error, "pidfd_open %d", (int) pid);
  *ret_gone = pidfd < 0;
  if (*ret_gone)
    return -1;
  if (!proc_stat (pid, &stat, &local))
    {
      /* it has just ended, or it lives and /proc does not show it (hidepid, no descriptor
       * left): then nothing may be concluded */
      *ret_gone = proc_pidfd_wait (pidfd, 0);
      if (!*ret_gone)
        g_propagate_error (error, g_steal_pointer (&local));
      return -1;
    }
  *ret_gone = !proc_stat_is (&stat, start_time);
  return *ret_gone ? -1 : fd_steal (&pidfd);
}

int
proc_pidfd_signal (int pidfd, int signal)
{
  return (int) syscall (SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

gboolean
proc_pidfd_wait (int pidfd, int timeout_ms)
{
  return fd_wait (pidfd, timeout_ms);
}

int
proc_reap (pid_t pid)
{
  int status;

  while (waitpid (pid, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return status;
}

gboolean
proc_ignores (int signal)
{
  struct sigaction action;

  return sigaction (signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

const char *
proc_boot_id (GError **error)
{
  static char boot_id[BOOT_ID_LENGTH + 1];
  g_autofree char *text = NULL;

  if (boot_id[0] != '\0')
    return boot_id;
  text = fd_read_file_at (AT_FDCWD, BOOT_ID_PATH, 2 * sizeof boot_id, NULL, error);
  if (text == NULL)
    return NULL;
  if (strlen (text) < BOOT_ID_LENGTH)
    return throw_null (error, BOOT_ID_PATH ": unexpected format");
  (void) g_strlcpy (boot_id, text, sizeof boot_id);
  return boot_id;
}

gboolean
proc_has_capability (unsigned int capability)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2] = { 0 };

  if (syscall (SYS_capget, &header, data) < 0)
    return FALSE;
  return (data[capability / 32].effective >> (capability % 32) & 1) != 0;
}
