/* The state root; see store.h. */
#include "config.h"

#include "run/store.h"

#include "base/error.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_NAME "bwrap-oci"

/* Below NAME_MAX by as much as our own suffixes and a cgroup's name around it take. */
#define ID_MAX_LENGTH 240

#define ID_LETTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_"

char *
store_locate (const char *option, const char *runtime_dir, GError **error)
{
  if (option != NULL && *option == '\0')
    return throw_null (error, "--root: the path must not be empty");
  if (option != NULL)
    return g_canonicalize_filename (option, NULL);
  /* the XDG base directory specification: a relative path is to be ignored */
  if (runtime_dir != NULL && *runtime_dir == '/')
    return g_build_filename (runtime_dir, STORE_NAME, NULL);
  if (geteuid () == 0)
    return g_strdup ("/run/" STORE_NAME);
  return throw_null (error, "no place for the containers' state: XDG_RUNTIME_DIR is not set"
                            " (--root DIR names one)");
}

/* Whether nobody else can have put anything into the directory @fd. */
static gboolean
check_owner (int fd, const char *path, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return throw_errno (error, "stat %s", path);
  if (st.st_uid != geteuid ())
    return throw (error, "%s: belongs to uid %u, not to uid %u (--root DIR names another)", path,
                  st.st_uid, geteuid ());
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return throw (error, "%s: others may write to it (mode %04o)", path, st.st_mode & 07777);
  return TRUE;
}

/* Makes the directory at the absolute @path and those above it. */
static gboolean
make_directories (const char *path, GError **error)
{
  g_autofree char *head = g_strdup (path);

  for (char *end = strchr (head + 1, '/');; end = strchr (end + 1, '/'))
    {
      if (end != NULL)
        *end = '\0';
      if (mkdirat (AT_FDCWD, head, 0700) < 0 && errno != EEXIST)
        return throw_errno (error, "mkdir %s", head);
      if (end == NULL)
        return TRUE;
      *end = '/';
    }
}

Store *
store_open (const char *path, gboolean create, GError **error)
{
  g_autoptr (Store) store = g_new (Store, 1);

  *store = (Store) { g_strdup (path), -1 };
  if (strcmp (path, "/") == 0)
    return throw_null (error, "--root: / cannot hold the containers' state");
  for (;;)
    {
      store->fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (store->fd >= 0)
        break;
      if (errno != ENOENT)
        return throw_null_errno (error, "open %s", path);
      if (!create)
        return g_steal_pointer (&store);
      if (!make_directories (path, error))
        return NULL;
    }
  if (!check_owner (store->fd, path, error))
    return NULL;
  return g_steal_pointer (&store);
}

void
store_free (Store *store)
{
  if (store == NULL)
    return;
  fd_clear (&store->fd);
  g_free (store->path);
  g_free (store);
}

static gboolean
is_id (const char *id)
{
  return strchr (ID_LETTERS, *id) != NULL && strlen (id) <= ID_MAX_LENGTH
         && id[strspn (id, ID_LETTERS "+.-")] == '\0';
}

gboolean
store_check_id (const char *id, GError **error)
{
  if (*id == '\0')
    return throw (error, "container id cannot be empty");
  if (!is_id (id))
    return throw (error,
                  "invalid container ID format: \"%.*s\" (letters, digits and _+.- are allowed, a"
                  " letter, digit or _ first, at most %d)",
                  ID_MAX_LENGTH, id, ID_MAX_LENGTH);
  return TRUE;
}

/* Whether @entry may be a container's directory: what others may enter is none of ours. What cannot
 * be looked at may be one. */
static gboolean
is_directory (int dir_fd, const struct dirent *entry)
{
  struct stat st;

  if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
    return FALSE;
  if (fstatat (dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno != ENOENT;
  return S_ISDIR (st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
store_list (const Store *store, GError **error)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  const struct dirent *entry;
  autofd fd = -1;
  DIR *dir;

  if (store->fd < 0)
    return g_steal_pointer (&ids);
  fd = openat (store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    return throw_null_errno (error, "open %s", store->path);
  (void) fd_steal (&fd);
  for (errno = 0; (entry = readdir (dir)) != NULL; errno = 0)
    if (is_id (entry->d_name) && is_directory (store->fd, entry))
      g_ptr_array_add (ids, g_strdup (entry->d_name));
  if (errno != 0)
    {
      throw_errno (error, "read %s", store->path);
      g_clear_pointer (&ids, g_ptr_array_unref);
    }
  (void) closedir (dir);
  if (ids != NULL)
    g_ptr_array_sort (ids, compare_ids);
  return g_steal_pointer (&ids);
}
