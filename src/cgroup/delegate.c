/* Handing a cgroup on: to the cgroups below it, or to another user; see make.h. */
#include "config.h"

#include "cgroup/make.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Processes may appear while others are moved. */
#define MOVE_ROUNDS 100

#define DELEGATE_FILE "/sys/kernel/cgroup/delegate"

/* Moves what is in @text, the contents of cgroup.procs, to @aside. */
static gboolean
move_processes (char *text, const CgroupDir *aside, GError **error)
{
  char *rest, *line;

  for (line = strtok_r (text, "\n", &rest); line != NULL; line = strtok_r (NULL, "\n", &rest))
    if (!cgroup_dir_write (aside, "cgroup.procs", line, error))
      {
        if (errno != ESRCH)
          return FALSE;
        g_clear_error (error);
      }
  return TRUE;
}

gboolean
cgroup_move_aside (const CgroupDir *dir, GError **error)
{
  g_auto (CgroupDir) aside = CGROUP_DIR_INIT;
  g_autoptr (GError) local = NULL;

  if (!cgroup_dir_open_below (&aside, dir, CGROUP_SUPERVISOR, TRUE, error))
    return FALSE;
  for (int round = 0; round < MOVE_ROUNDS; round++)
    {
      g_autofree char *text = cgroup_dir_read (dir, "cgroup.procs", error);

      if (text == NULL)
        return FALSE;
      if (*text == '\0')
        return TRUE;
      if (!move_processes (text, &aside, &local))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  return throw (error, "cgroup %s: it does not become empty", dir->path);
}

gboolean
cgroup_give_away (const CgroupDir *dir, uid_t owner, GError **error)
{
  static const char usual[] = "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n";
  g_autofree char *text = fd_read_file_at (AT_FDCWD, DELEGATE_FILE, 65536, NULL, NULL);
  g_auto (GStrv) files = g_strsplit (text != NULL ? text : usual, "\n", -1);

  if (fchown (dir->fd, owner, (gid_t) -1) < 0)
    return throw_errno (error, "give cgroup %s to %u", dir->path, owner);
  for (char **file = files; *file != NULL; file++)
    if (**file != '\0' && strchr (*file, '/') == NULL
        && fchownat (dir->fd, *file, owner, (gid_t) -1, AT_SYMLINK_NOFOLLOW) < 0
        && errno != ENOENT)
      return throw_errno (error, "give %s/%s to %u", dir->path, *file, owner);
  return TRUE;
}

gboolean
cgroups_delegate (const CgroupPlan *plan, const CgroupSet *set, pid_t pid, GError **error)
{
  g_auto (CgroupDir) dir = CGROUP_DIR_INIT;
  char number[16];
  guint i = 0;

  while (((const CgroupTarget *) g_ptr_array_index (plan->targets, i))->options != NULL)
    i++;
  (void) snprintf (number, sizeof number, "%d", (int) pid);
  return cgroup_dir_open_below (&dir, cgroup_set_get (set, i), plan->delegated, TRUE, error)
         && cgroup_dir_write (&dir, "cgroup.procs", number, error)
         && (plan->owner < 0 || cgroup_give_away (&dir, (uid_t) plan->owner, error));
}
