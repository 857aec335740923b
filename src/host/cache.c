/* Small files kept in the state root; see cache.h. */
#include "config.h"

#include "host/cache.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

gboolean
cache_load (int root_fd, const char *name, gsize limit, char **ret_data, gsize *ret_length)
{
  autofd fd = -1;
  struct stat st;

  if (root_fd < 0)
    return FALSE;
  fd = openat (root_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode) || st.st_uid != geteuid ()
      || (guint64) st.st_size > limit)
    return FALSE;
  return fd_read_all (fd, limit, ret_data, ret_length, NULL);
}

/* Makes the directory that the file @name lies in. */
static gboolean
make_directory (int root_fd, const char *name)
{
  g_autofree char *directory = g_path_get_dirname (name);

  return mkdirat (root_fd, directory, 0700) == 0 || errno == EEXIST;
}

static gboolean
store (int root_fd, const char *name, const void *data, gsize length, GError **error)
{
  g_autofree char *temporary = NULL;
  autofd fd = -1;
  guint64 random = 0;

  /* a random name, not the pid: processes of several pid namespaces may share the root */
  if (getrandom (&random, sizeof random, 0) != sizeof random)
    return throw_errno (error, "getrandom");
  temporary = g_strdup_printf ("%s.%016" G_GINT64_MODIFIER "x", name, random);
  fd = openat (root_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 && errno == ENOENT && make_directory (root_fd, name))
    fd = openat (root_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return throw_errno (error, "create %s", temporary);
  if (!fd_write_all (fd, data, length, error))
    {
      (void) unlinkat (root_fd, temporary, 0);
      return FALSE;
    }
  if (renameat (root_fd, temporary, root_fd, name) < 0)
    {
      throw_errno (error, "rename to %s", name);
      (void) unlinkat (root_fd, temporary, 0);
      return FALSE;
    }
  return TRUE;
}

void
cache_store (int root_fd, const char *name, const void *data, gsize length)
{
  g_autoptr (GError) error = NULL;

  if (root_fd >= 0 && !store (root_fd, name, data, length, &error))
    log_debug ("cache: %s", error->message);
}

/* One file of a directory that is being trimmed. */
typedef struct {
  char *name;
  struct timespec modified;
} Entry;

static void
entry_clear (gpointer data)
{
  g_free (((Entry *) data)->name);
}

static int
entry_compare (gconstpointer a, gconstpointer b)
{
  const struct timespec *one = &((const Entry *) a)->modified;
  const struct timespec *two = &((const Entry *) b)->modified;

  if (one->tv_sec != two->tv_sec)
    return one->tv_sec < two->tv_sec ? -1 : 1;
  return (one->tv_nsec > two->tv_nsec) - (one->tv_nsec < two->tv_nsec);
}

/* Appends the regular files of @directory to @entries. */
static void
list_files (DIR *directory, GArray *entries)
{
  const struct dirent *item;

  while ((item = readdir (directory)) != NULL)
    {
      Entry entry;
      struct stat st;

      if (fstatat (dirfd (directory), item->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0
          || !S_ISREG (st.st_mode))
        continue;
      entry.name = g_strdup (item->d_name);
      entry.modified = st.st_mtim;
      g_array_append_val (entries, entry);
    }
}

void
cache_trim (int root_fd, const char *name, guint limit)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  DIR *directory = NULL;
  autofd fd = -1;

  g_array_set_clear_func (entries, entry_clear);
  if (root_fd >= 0)
    fd = openat (root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0)
    directory = fdopendir (fd);
  if (directory == NULL)
    return;
  (void) fd_steal (&fd);

  list_files (directory, entries);
  g_array_sort (entries, entry_compare);
  for (guint i = 0; i + limit < entries->len; i++)
    (void) unlinkat (dirfd (directory), g_array_index (entries, Entry, i).name, 0);
  (void) closedir (directory);
}
