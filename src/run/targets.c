/* Mount points that bwrap is given by their paths; see targets.h.
 *
 * bwrap walks a path with the host still in reach, so a link in it could lead anywhere. There is
 * none when this returns, and nobody but the caller and root can put one there: each directory on
 * the way belongs to one of them, or to a sub-id of the caller, others may not write to it, and it
 * is the kernel that says so. */
#include "config.h"

#include "run/targets.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

static gboolean
is_sub_id (const GArray *ranges, uid_t uid)
{
  for (guint i = 0; ranges != NULL && i < ranges->len; i++)
    {
      const IdRange *range = &g_array_index (ranges, IdRange, i);

      if (uid >= range->first && uid - range->first < range->count)
        return TRUE;
    }
  return FALSE;
}

/* Whether nobody else can change the names in directory @fd. What is in a sticky one stays. */
static gboolean
check_directory (int fd, const PlanTarget *target, const MachineFacts *machine, GError **error)
{
  struct statfs fs;
  struct stat st;

  if (fstat (fd, &st) < 0 || fstatfs (fd, &fs) < 0)
    return throw_errno (error, "config.json: %s: stat", target->pointer);
  /* its server may answer otherwise the next time */
  if (fs.f_type == FUSE_SUPER_MAGIC)
    return throw (error, "config.json: %s: a directory of %s is in a file system that some program"
                         " makes (FUSE), which could change it meanwhile (not in the plain mode)",
                  target->pointer, target->rest);
  if (st.st_uid != machine->uid && st.st_uid != 0 && !is_sub_id (machine->sub_uids, st.st_uid))
    return throw (error, "config.json: %s: a directory of %s belongs to uid %u, who could change it"
                         " meanwhile (not in the plain mode)", target->pointer, target->rest,
                  st.st_uid);
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st.st_mode & S_ISVTX) == 0)
    return throw (error, "config.json: %s: others may write to a directory of %s, and could change"
                         " it meanwhile (chmod go-w, for the plain mode)", target->pointer,
                  target->rest);
  return TRUE;
}

/* Opens @name in @dir, made if it is missing and @make; -1 without an error: it is missing. */
static int
open_part (int dir, const char *name, gboolean directory, gboolean make)
{
  int fd = openat (dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  autofd made = -1;

  if (fd >= 0 || errno != ENOENT || !make)
    return fd;
  if (directory)
    (void) mkdirat (dir, name, 0755);
  else
    made = openat (dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (!directory && made < 0)
    return -1;
  return openat (dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static gboolean
walk (int base, const PlanTarget *target, const MachineFacts *machine, gboolean make,
      GError **error)
{
  g_auto (GStrv) parts = g_strsplit (target->rest, "/", -1);
  autofd dir = fcntl (base, F_DUPFD_CLOEXEC, 3);

  for (char **part = parts; *part != NULL; part++)
    {
      gboolean last = part[1] == NULL;
      struct stat st;
      int next;

      if (!check_directory (dir, target, machine, error))
        return FALSE;
      next = open_part (dir, *part, !last || target->directory, make);
      if (next < 0 && errno == ENOENT && !make)
        return TRUE;
      if (next < 0)
        return throw_errno (error, "config.json: %s: %s", target->pointer, target->rest);
      fd_clear (&dir);
      dir = next;
      if (fstat (dir, &st) < 0 || S_ISLNK (st.st_mode))
        return throw (error, "config.json: %s: there is a link in %s, which bwrap may follow out of"
                             " the container", target->pointer, target->rest);
    }
  return TRUE;
}

/* What the target lies in. */
static int
open_base (const PlanTarget *target, const BundleFacts *bundle)
{
  const SourceFacts *source = target->index == PATH_NONE
                                ? bundle->root : g_ptr_array_index (bundle->mounts, target->index);

  if (source->fd >= 0)
    return fcntl (source->fd, F_DUPFD_CLOEXEC, 3);
  return open (source->real_path != NULL ? source->real_path : source->path, O_PATH | O_CLOEXEC);
}

gboolean
targets_prepare (const Plan *plan, const HostFacts *facts, gboolean make, GError **error)
{
  for (guint i = 0; plan->targets != NULL && i < plan->targets->len; i++)
    {
      const PlanTarget *target = g_ptr_array_index (plan->targets, i);
      autofd base = open_base (target, &facts->bundle);

      if (base < 0)
        return throw_errno (error, "config.json: %s: open", target->pointer);
      if (!walk (base, target, &facts->machine, make, error))
        return FALSE;
    }
  return TRUE;
}
