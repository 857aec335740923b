/* One cgroup; see dir.h. */
#include "config.h"

#include "cgroup/dir.h"

#include "base/error.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((gsize) 16 * 1024 * 1024)

/* How long an empty cgroup may be busy, and how deep they may be nested. */
#define BUSY_WAIT_MS 5000
#define BUSY_STEP_MS 2
#define DEPTH_MAX 256

void
cgroup_dir_clear (CgroupDir *dir)
{
  fd_clear (&dir->fd);
  g_clear_pointer (&dir->path, g_free);
}

gboolean
cgroup_dir_open (CgroupDir *dir, const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    return throw_errno (error, "open cgroup %s", path);
  *dir = (CgroupDir) { fd, g_strdup (path) };
  return TRUE;
}

gboolean
cgroup_dir_open_below (CgroupDir *dir, const CgroupDir *parent, const char *name, gboolean make,
                       GError **error)
{
  int fd;

  if (make && mkdirat (parent->fd, name, 0755) < 0 && errno != EEXIST)
    return throw_errno (error, "make cgroup %s/%s", parent->path, name);
  fd = openat (parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return throw_errno (error, "open cgroup %s/%s", parent->path, name);
  *dir = (CgroupDir) { fd, g_strconcat (parent->path, "/", name, NULL) };
  return TRUE;
}

gboolean
cgroup_dir_has_gone (void)
{
  return errno == ENOENT || errno == ENODEV;
}

gboolean
cgroup_dir_has (const CgroupDir *dir, const char *file)
{
  return faccessat (dir->fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *
cgroup_dir_read (const CgroupDir *dir, const char *file, GError **error)
{
  char *text = fd_read_file_at (dir->fd, file, FILE_MAX, NULL, error);

  if (text == NULL)
    g_prefix_error (error, "cgroup %s: ", dir->path);
  else if (g_str_has_suffix (text, "\n"))
    text[strlen (text) - 1] = '\0';
  return text;
}

guint64
cgroup_dir_number (const CgroupDir *dir, const char *file, const char *key, guint64 otherwise)
{
  g_autofree char *text = cgroup_dir_read (dir, file, NULL);
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  gsize length = key != NULL ? strlen (key) : 0;
  guint64 number;

  for (char **line = lines; *line != NULL; line++)
    {
      if (key != NULL && (strncmp (*line, key, length) != 0 || (*line)[length] != ' '))
        continue;
      return g_ascii_string_to_unsigned (key != NULL ? *line + length + 1 : *line, 10, 0,
                                         G_MAXUINT64, &number, NULL)
               ? number : otherwise;
    }
  return otherwise;
}

gboolean
cgroup_dir_has_word (const CgroupDir *dir, const char *file, const char *word)
{
  g_autofree char *text = cgroup_dir_read (dir, file, NULL);
  g_auto (GStrv) words = g_strsplit_set (text != NULL ? text : "", " \n", -1);

  return g_strv_contains ((const char *const *) words, word);
}

gboolean
cgroup_dir_write (const CgroupDir *dir, const char *file, const char *value, GError **error)
{
  autofd fd = openat (dir->fd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  ssize_t n;

  if (fd < 0)
    return throw_errno (error, "open %s/%s", dir->path, file);
  do
    n = write (fd, value, strlen (value));
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return throw_errno (error, "write %s to %s/%s", value, dir->path, file);
  return TRUE;
}

/* --- what is in it --- */

/* The names of the cgroups directly below. */
static GPtrArray *
list_children (const CgroupDir *dir, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  autofd fd = openat (dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  const struct dirent *entry;

  if (stream == NULL)
    return throw_null_errno (error, "open cgroup %s", dir->path);
  (void) fd_steal (&fd);
  while ((entry = readdir (stream)) != NULL)
    if (entry->d_type == DT_DIR && strcmp (entry->d_name, ".") != 0
        && strcmp (entry->d_name, "..") != 0)
      g_ptr_array_add (names, g_strdup (entry->d_name));
  (void) closedir (stream);
  return g_steal_pointer (&names);
}

/* @error is not NULL. */
static gboolean
add_pids (const CgroupDir *dir, GArray *pids, guint depth, GError **error)
{
  g_autofree char *text = cgroup_dir_read (dir, "cgroup.procs", error);
  g_autoptr (GPtrArray) names = text != NULL ? list_children (dir, error) : NULL;
  char *rest = text;

  if (names == NULL)
    {
      /* it was removed meanwhile; a threaded one names its processes at its domain */
      if (!cgroup_dir_has_gone () && errno != EOPNOTSUPP)
        return FALSE;
      g_clear_error (error);
      return TRUE;
    }
  while (*rest != '\0')
    {
      char *end;
      pid_t pid = (pid_t) g_ascii_strtoull (rest, &end, 10);

      if (end == rest)
        break;
      /* 0 is one that our pid namespace does not know */
      if (pid > 0)
        g_array_append_val (pids, pid);
      rest = end + strspn (end, "\n");
    }
  for (guint i = 0; i < names->len && depth < DEPTH_MAX; i++)
    {
      g_auto (CgroupDir) child = CGROUP_DIR_INIT;

      if (cgroup_dir_open_below (&child, dir, g_ptr_array_index (names, i), FALSE, NULL)
          && !add_pids (&child, pids, depth + 1, error))
        return FALSE;
    }
  return TRUE;
}

static int
compare_pids (gconstpointer a, gconstpointer b)
{
  return *(const pid_t *) a - *(const pid_t *) b;
}

GArray *
cgroup_dir_pids (const CgroupDir *dir, GError **error)
{
  g_autoptr (GArray) pids = g_array_new (FALSE, FALSE, sizeof (pid_t));
  g_autoptr (GError) local = NULL;

  if (!add_pids (dir, pids, 0, &local))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  g_array_sort (pids, compare_pids);
  return g_steal_pointer (&pids);
}

/* --- removal --- */

static gboolean
remove_leaf (const CgroupDir *parent, const char *name, GError **error)
{
  gint64 end = g_get_monotonic_time () + BUSY_WAIT_MS * G_TIME_SPAN_MILLISECOND;

  while (unlinkat (parent->fd, name, AT_REMOVEDIR) < 0)
    {
      if (errno == ENOENT)
        return TRUE;
      if (errno != EBUSY || g_get_monotonic_time () >= end)
        return throw_errno (error, "remove cgroup %s/%s", parent->path, name);
      g_usleep (BUSY_STEP_MS * G_TIME_SPAN_MILLISECOND);
    }
  return TRUE;
}

static gboolean
remove_tree (const CgroupDir *parent, const char *name, guint depth, GError **error)
{
  g_auto (CgroupDir) dir = CGROUP_DIR_INIT;
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GError) local = NULL;

  /* the usual one has none below it */
  if (unlinkat (parent->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return TRUE;
  if (cgroup_dir_open_below (&dir, parent, name, FALSE, &local))
    names = list_children (&dir, &local);
  if (names == NULL)
    {
      if (cgroup_dir_has_gone ())
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  for (guint i = 0; i < names->len && depth < DEPTH_MAX; i++)
    if (!remove_tree (&dir, g_ptr_array_index (names, i), depth + 1, error))
      return FALSE;
  return remove_leaf (parent, name, error);
}

gboolean
cgroup_remove_below (const CgroupDir *parent, const char *name, GError **error)
{
  return remove_tree (parent, name, 0, error);
}
