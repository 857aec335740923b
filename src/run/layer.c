/* A container's writable layer; see layer.h.
 *
 * What is in there was made by the container: names, links, modes and depth are whatever it liked.
 * So the tree is emptied from the top with one descriptor, by names within it, and the way back up
 * is "..": neither the stack nor the descriptors grow with it. */
#include "config.h"

#include "run/layer.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/proc.h"
#include "host/machine.h"
#include "run/idmap.h"
#include "run/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int
layer_make (const Container *container, GError **error)
{
  autofd fd = -1;

  if (mkdirat (container->fd, CONTAINER_LAYER_FOLDER, 0700) < 0)
    return throw_fd_errno (error, "mkdir %s/%s/" CONTAINER_LAYER_FOLDER, container->store->path,
                           container->id);
  fd = openat (container->fd, CONTAINER_LAYER_FOLDER,
               O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return throw_fd_errno (error, "open %s/%s/" CONTAINER_LAYER_FOLDER, container->store->path,
                           container->id);
  return fd_steal (&fd);
}

/* Whether @path is the folder @directory. */
static gboolean
is_folder (const char *path, const SourceFacts *directory)
{
  struct stat st;

  return stat (path, &st) == 0 && st.st_dev == directory->device && st.st_ino == directory->inode;
}

gboolean
layer_claim (const Store *store, const SourceFacts *directory, const char *at, int *ret_claim,
             GError **error)
{
  autofd claim = openat (directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GPtrArray) entries = NULL;
  gboolean taken = FALSE;

  if (claim < 0)
    return throw_errno (error, "%s: open %s", at, directory->path);
  if (!lock_try (claim, FALSE, &taken, error))
    return FALSE;
  if (!taken)
    return throw (error, "%s: %s: another container is being made with it", at, directory->path);
  entries = list_containers (store, error);
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const ListEntry *entry = g_ptr_array_index (entries, i);

      if (entry->record != NULL && entry->record->layer != NULL
          && container_status_is_alive (entry->status)
          && is_folder (entry->record->layer, directory))
        return throw (error, "%s: %s: it is the layer of container %s, which lives", at,
                      directory->path, entry->id);
    }
  *ret_claim = fd_steal (&claim);
  return entries != NULL;
}

/* Removes @name of @directory: 1: done, 0: it is a folder with something in it, -1: errno says. */
static int
remove_entry (int directory, const char *name)
{
  if (unlinkat (directory, name, 0) == 0 || errno == ENOENT)
    return 1;
  if (errno != EISDIR)
    return -1;
  if (unlinkat (directory, name, AT_REMOVEDIR) == 0)
    return 1;
  return errno == ENOTEMPTY || errno == EEXIST ? 0 : -1;
}

/* Removes what can be removed at once; @next gets a folder that has to be emptied first, or "". */
static gboolean
clear_directory (int directory, char next[NAME_MAX + 1])
{
  int copy = openat (directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = copy >= 0 ? fdopendir (copy) : NULL;
  const struct dirent *entry;
  gboolean fine = stream != NULL;

  next[0] = '\0';
  while (fine && next[0] == '\0' && (entry = readdir (stream)) != NULL)
    {
      int removed = strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0
                      ? remove_entry (directory, entry->d_name) : 1;

      fine = removed >= 0;
      if (removed == 0)
        g_strlcpy (next, entry->d_name, NAME_MAX + 1);
    }
  if (stream != NULL)
    {
      int saved = errno;

      (void) closedir (stream);
      errno = saved;
    }
  return fine;
}

/* Opens the folder @name of @directory so that things can be removed from it. */
static int
enter (int directory, const char *name)
{
  /* it is ours, or we may do everything: a mode that forbids us does not mean us */
  if (fchmodat (directory, name, 0700, 0) < 0 && errno == ENOENT)
    return -1;
  return openat (directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Removes the folder of @parent. Sets errno on failure. */
static gboolean
remove_tree (int parent)
{
  autofd current = enter (parent, CONTAINER_LAYER_FOLDER);
  char next[NAME_MAX + 1];
  gsize depth = 0;

  if (current < 0)
    return FALSE;
  for (;;)
    {
      int fd;

      if (!clear_directory (current, next))
        return FALSE;
      if (next[0] == '\0' && depth == 0)
        return unlinkat (parent, CONTAINER_LAYER_FOLDER, AT_REMOVEDIR) == 0;
      depth = next[0] != '\0' ? depth + 1 : depth - 1;
      fd = next[0] != '\0' ? enter (current, next)
                           : openat (current, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (fd < 0)
        return FALSE;
      fd_clear (&current);
      current = fd;
    }
}

/* In the child: the caller and all his sub-ids. */
static _Noreturn void
remove_inside (int parent, int user_namespace)
{
  if (setns (user_namespace, CLONE_NEWUSER) == 0 && syscall (SYS_setresgid, 0, 0, 0) == 0
      && syscall (SYS_setresuid, 0, 0, 0) == 0 && remove_tree (parent))
    _exit (0);
  _exit (errno != 0 ? errno : EPERM);
}

/* Tries it again; @failure, which is why it failed, stays where the caller has no other ids. */
static gboolean
remove_as_all_ids (const Container *container, int *failure, GError **error)
{
  g_autoptr (HostFacts) facts = g_new0 (HostFacts, 1);
  g_autoptr (Plan) plan = NULL;
  autofd user_namespace = -1;
  pid_t child;
  int status;

  if (!host_ids_probe (&facts->machine, error))
    return FALSE;
  plan = plan_unshare_new (&facts->machine, 0, NULL);
  if (plan == NULL)
    return TRUE;
  user_namespace = idmap_new_namespace (plan, &facts->machine, NULL, error);
  if (user_namespace < 0)
    return FALSE;
  child = fork ();
  if (child < 0)
    return throw_errno (error, "fork");
  if (child == 0)
    remove_inside (container->fd, user_namespace);
  status = proc_reap (child);
  *failure = WIFEXITED (status) ? WEXITSTATUS (status) : EINTR;
  return TRUE;
}

gboolean
layer_remove (const Container *container, GError **error)
{
  int failure;

  if (remove_tree (container->fd) || errno == ENOENT)
    return TRUE;
  failure = errno;
  if ((failure == EACCES || failure == EPERM)
      && !remove_as_all_ids (container, &failure, error))
    return FALSE;
  errno = failure;
  return failure == 0
         || throw_errno (error, "remove %s/%s/" CONTAINER_LAYER_FOLDER, container->store->path,
                         container->id);
}
