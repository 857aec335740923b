/* What can be done to a container's cgroups; see control.h.
 *
 * The processes are in all of them, so one will do: that of cgroup v2 if there is one, whose
 * freezer and cgroup.kill need no controller, else that of the freezer, else any. */
#include "config.h"

#include "cgroup/control.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Freezing takes as long as the slowest system call. */
#define FREEZE_WAIT_MS 10000
#define FREEZE_STEP_MS 10
#define KILL_WAIT_MS 10000
#define KILL_STEP_MS 2

gboolean
cgroup_entry_open (const CgroupEntry *entry, CgroupDir *dir)
{
  struct stat st;

  if (!entry->inode.set || !cgroup_dir_open (dir, entry->path, NULL))
    return FALSE;
  if (fstat (dir->fd, &st) == 0 && st.st_ino == entry->inode.value)
    return TRUE;
  cgroup_dir_clear (dir);
  return FALSE;
}

/* How well a hierarchy serves. */
static int
worth (const CgroupEntry *entry)
{
  g_auto (GStrv) controllers = NULL;

  if (entry->options == NULL)
    return 3;
  controllers = g_strsplit (entry->options, ",", -1);
  return g_strv_contains ((const char *const *) controllers, "freezer") ? 2 : 1;
}

/* Opens the best one; returns its worth, 0 if there is none. */
static int
open_best (const CgroupRecord *record, CgroupDir *dir)
{
  for (int wanted = 3; wanted > 0; wanted--)
    for (guint i = 0; i < record->entries->len; i++)
      {
        const CgroupEntry *entry = g_ptr_array_index (record->entries, i);

        if (worth (entry) == wanted && cgroup_entry_open (entry, dir))
          return wanted;
      }
  return 0;
}

gboolean
cgroups_are_owned (const CgroupRecord *record)
{
  g_auto (CgroupDir) dir = CGROUP_DIR_INIT;

  return open_best (record, &dir) > 0;
}

GArray *
cgroups_pids (const CgroupRecord *record, GError **error)
{
  g_auto (CgroupDir) dir = CGROUP_DIR_INIT;

  if (open_best (record, &dir) == 0)
    return g_array_new (FALSE, FALSE, sizeof (pid_t));
  return cgroup_dir_pids (&dir, error);
}

guint64
cgroups_oom_kills (const CgroupRecord *record)
{
  guint64 kills = 0;

  for (guint i = 0; i < record->entries->len && kills == 0; i++)
    {
      g_auto (CgroupDir) dir = CGROUP_DIR_INIT;
      const CgroupEntry *entry = g_ptr_array_index (record->entries, i);

      if (cgroup_entry_open (entry, &dir))
        kills = cgroup_dir_number (&dir, entry->options == NULL ? "memory.events"
                                                                : "memory.oom_control",
                                   "oom_kill", 0);
    }
  return kills;
}

/* --- the freezer --- */

static gboolean
is_frozen (const CgroupDir *dir)
{
  g_autofree char *state = NULL;

  if (cgroup_dir_has (dir, "cgroup.events"))
    return cgroup_dir_number (dir, "cgroup.events", "frozen", 0) != 0;
  state = cgroup_dir_read (dir, "freezer.state", NULL);
  return g_strcmp0 (state, "FROZEN") == 0;
}

gboolean
cgroups_are_frozen (const CgroupRecord *record)
{
  for (guint i = 0; i < record->entries->len; i++)
    {
      g_auto (CgroupDir) dir = CGROUP_DIR_INIT;
      const CgroupEntry *entry = g_ptr_array_index (record->entries, i);

      if (worth (entry) > 1 && cgroup_entry_open (entry, &dir) && is_frozen (&dir))
        return TRUE;
    }
  return FALSE;
}

/* Waits until the change has taken place. The v1 freezer has to be told again where a process
 * was about to fork. */
static gboolean
wait_frozen (const CgroupDir *dir, gboolean v2, gboolean frozen)
{
  gint64 end = g_get_monotonic_time () + FREEZE_WAIT_MS * G_TIME_SPAN_MILLISECOND;
  autofd events = v2 ? openat (dir->fd, "cgroup.events", O_RDONLY | O_CLOEXEC) : -1;
  struct pollfd changed = { .fd = events, .events = POLLPRI };

  while (is_frozen (dir) != frozen)
    {
      char ignored[256];

      if (g_get_monotonic_time () >= end)
        return FALSE;
      if (!v2)
        (void) cgroup_dir_write (dir, "freezer.state", frozen ? "FROZEN" : "THAWED", NULL);
      (void) poll (&changed, 1, FREEZE_STEP_MS);
      if (events >= 0)
        (void) !pread (events, ignored, sizeof ignored, 0);
    }
  return TRUE;
}

static gboolean
set_frozen (const CgroupDir *dir, gboolean v2, gboolean frozen, GError **error)
{
  const char *file = v2 ? "cgroup.freeze" : "freezer.state";
  const char *words[2][2] = { { "THAWED", "FROZEN" }, { "0", "1" } };

  if (!cgroup_dir_write (dir, file, words[v2][frozen], error))
    return FALSE;
  if (wait_frozen (dir, v2, frozen))
    return TRUE;
  (void) cgroup_dir_write (dir, file, words[v2][!frozen], NULL);
  return throw (error, "cgroup %s: it cannot be %s", dir->path, frozen ? "frozen" : "thawed");
}

gboolean
cgroups_freeze (const CgroupRecord *record, gboolean frozen, GError **error)
{
  gboolean found = FALSE;

  /* thaw them all: who froze it may have used the other one */
  for (int wanted = 3; wanted > 1 && !(found && frozen); wanted--)
    for (guint i = 0; i < record->entries->len; i++)
      {
        g_auto (CgroupDir) dir = CGROUP_DIR_INIT;
        const CgroupEntry *entry = g_ptr_array_index (record->entries, i);

        if (worth (entry) != wanted || !cgroup_entry_open (entry, &dir)
            || !cgroup_dir_has (&dir, wanted == 3 ? "cgroup.freeze" : "freezer.state"))
          continue;
        if (!set_frozen (&dir, wanted == 3, frozen, error))
          return FALSE;
        found = TRUE;
      }
  return found || throw (error, "cannot %s the container without a cgroup",
                         frozen ? "pause" : "resume");
}

/* --- signals --- */

/* Whether @pid is in @pids, which are in order. */
static gboolean
has_pid (const GArray *pids, pid_t pid)
{
  for (guint i = 0; i < pids->len; i++)
    if (g_array_index (pids, pid_t, i) == pid)
      return TRUE;
  return FALSE;
}

/* A number may pass on between two looks: so a descriptor first, and then a second look. */
static gboolean
signal_pids (const CgroupDir *dir, int signal, guint *ret_count, GError **error)
{
  g_autoptr (GArray) pids = cgroup_dir_pids (dir, error), again = NULL;
  g_autoptr (GArray) pidfds = g_array_new (FALSE, FALSE, sizeof (int));
  gboolean ok;

  if (pids == NULL)
    return FALSE;
  for (guint i = 0; i < pids->len; i++)
    {
      int pidfd = proc_pidfd (g_array_index (pids, pid_t, i));

      g_array_append_val (pidfds, pidfd);
    }
  again = cgroup_dir_pids (dir, error);
  ok = again != NULL;
  for (guint i = 0; i < pidfds->len; i++)
    {
      pid_t pid = g_array_index (pids, pid_t, i);
      autofd pidfd = g_array_index (pidfds, int, i);

      if (ok && pidfd >= 0 && has_pid (again, pid) && proc_pidfd_signal (pidfd, signal) < 0
          && errno != ESRCH)
        ok = throw_errno (error, "send signal %d to process %d", signal, (int) pid);
    }
  *ret_count = ok ? again->len : 0;
  return ok;
}

void
cgroups_let_die (const CgroupRecord *record)
{
  for (guint i = 0; i < record->entries->len; i++)
    {
      g_auto (CgroupDir) dir = CGROUP_DIR_INIT;
      const CgroupEntry *entry = g_ptr_array_index (record->entries, i);

      if (worth (entry) == 2 && cgroup_entry_open (entry, &dir))
        (void) cgroup_dir_write (&dir, "freezer.state", "THAWED", NULL);
    }
}

/* Has the kernel send SIGKILL; in one that is gone there is nothing left. */
static gboolean
write_kill (const CgroupDir *dir, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (cgroup_dir_write (dir, "cgroup.kill", "1", &local) || cgroup_dir_has_gone ())
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* SIGKILL to whatever there is until nothing is left. */
static gboolean
kill_all (const CgroupRecord *record, const CgroupDir *dir, GError **error)
{
  gint64 end = g_get_monotonic_time () + KILL_WAIT_MS * G_TIME_SPAN_MILLISECOND;
  guint left = 1;

  if (cgroup_dir_has (dir, "cgroup.kill"))
    {
      if (!write_kill (dir, error))
        return FALSE;
      cgroups_let_die (record);
      return TRUE;
    }
  while (left > 0)
    {
      if (!signal_pids (dir, SIGKILL, &left, error))
        return FALSE;
      if (left == 0)
        break;
      cgroups_let_die (record);
      if (g_get_monotonic_time () >= end)
        return throw (error, "cgroup %s: %u processes do not end", dir->path, left);
      g_usleep (KILL_STEP_MS * G_TIME_SPAN_MILLISECOND);
    }
  return TRUE;
}

gboolean
cgroups_signal (const CgroupRecord *record, int signal, GError **error)
{
  g_auto (CgroupDir) dir = CGROUP_DIR_INIT;
  guint count;

  if (open_best (record, &dir) == 0)
    return TRUE;
  if (signal == SIGKILL)
    return kill_all (record, &dir, error);
  return signal_pids (&dir, signal, &count, error);
}

/* --- removal --- */

/* Removes the directories above @entry that were made for it and that nobody else uses. */
static void
remove_above (const CgroupEntry *entry)
{
  g_autofree char *path = g_path_get_dirname (entry->path);

  while (strlen (path) >= strlen (entry->top))
    {
      g_autofree char *above = g_path_get_dirname (path), *name = g_path_get_basename (path);
      g_auto (CgroupDir) parent = CGROUP_DIR_INIT;

      if (!cgroup_dir_open (&parent, above, NULL)
          || (unlinkat (parent.fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT))
        return;
      g_free (path);
      path = g_steal_pointer (&above);
    }
}

static gboolean
remove_entry (const CgroupEntry *entry, GError **error)
{
  g_autofree char *above = g_path_get_dirname (entry->path);
  g_autofree char *name = g_path_get_basename (entry->path);
  g_auto (CgroupDir) parent = CGROUP_DIR_INIT, dir = CGROUP_DIR_INIT;

  if (!cgroup_dir_open (&parent, above, error))
    {
      if (errno != ENOENT)
        return FALSE;
      g_clear_error (error);
    }
  else if (!entry->inode.set)
    /* its maker has died: nothing was ever in it, unless it is somebody else's */
    (void) unlinkat (parent.fd, name, AT_REMOVEDIR);
  else if (cgroup_entry_open (entry, &dir) && !cgroup_remove_below (&parent, name, error))
    return FALSE;
  remove_above (entry);
  return TRUE;
}

gboolean
cgroups_remove (const CgroupRecord *record, GError **error)
{
  if (!cgroups_signal (record, SIGKILL, error))
    return FALSE;
  for (guint i = 0; i < record->entries->len; i++)
    {
      g_autoptr (GError) local = NULL;

      if (!remove_entry (g_ptr_array_index (record->entries, i), &local))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  return TRUE;
}
