/* Which cgroup hierarchies there are; see cgroups.h. */
#include "config.h"

#include "host/cgroups.h"

#include "base/error.h"
#include "base/fd.h"
#include "plan/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MOUNTINFO_SIZE_MAX ((gsize) 16 * 1024 * 1024)

/* The optional fields of a mountinfo line end with this, type, source and superblock options
 * follow. */
#define OPTIONAL_END " - "

/* Options of a v1 hierarchy's superblock that are not what it is asked for by. */
static const char *const not_controllers[] = {
  "rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", NULL,
};

/* Returns the controllers and the name of a hierarchy, "cpu,cpuacct" or "name=systemd", out of the
 * @options of its superblock. Transfer: full. */
static char *
hierarchy_options (const char *options)
{
  g_auto (GStrv) words = g_strsplit (options, ",", -1);
  g_autoptr (GString) found = g_string_new (NULL);

  for (char **word = words; *word != NULL; word++)
    {
      if (**word == '\0' || g_strv_contains (not_controllers, *word)
          || g_str_has_prefix (*word, "release_agent="))
        continue;
      if (found->len > 0)
        g_string_append_c (found, ',');
      g_string_append (found, *word);
    }
  return g_string_free (g_steal_pointer (&found), FALSE);
}

void
cgroup_mount_free (CgroupMount *mount)
{
  g_free (mount->options);
  g_free (mount->mount);
  g_free (mount->root);
  g_free (mount);
}

/* The mount that @line describes; NULL: it is not one of cgroups. */
static CgroupMount *
read_line (const char *line)
{
  enum { ID, PARENT, DEVICE, ROOT, MOUNT, REST, N_FIELDS };
  const char *tail = strstr (line, OPTIONAL_END);
  g_auto (GStrv) fields = NULL, words = NULL;
  g_autofree char *options = NULL;
  guint major, minor;
  CgroupMount *mount;

  if (tail == NULL)
    return NULL;
  words = g_strsplit (tail + strlen (OPTIONAL_END), " ", 3);
  fields = g_strsplit (line, " ", N_FIELDS);
  if (g_strv_length (words) != 3 || g_strv_length (fields) != N_FIELDS
      || sscanf (fields[DEVICE], "%u:%u", &major, &minor) != 2)
    return NULL;
  if (strcmp (words[0], "cgroup") == 0)
    options = hierarchy_options (words[2]);
  else if (strcmp (words[0], "cgroup2") != 0)
    return NULL;
  if (options != NULL && *options == '\0')
    return NULL;
  mount = g_new0 (CgroupMount, 1);
  mount->options = g_steal_pointer (&options);
  /* a space in a path is \040 */
  mount->mount = g_strcompress (fields[MOUNT]);
  mount->root = g_strcompress (fields[ROOT]);
  mount->device = makedev (major, minor);
  return mount;
}

static void
free_mount (gpointer data)
{
  cgroup_mount_free (data);
}

GPtrArray *
cgroup_mounts_parse (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GPtrArray *mounts = g_ptr_array_new_with_free_func (free_mount);

  for (char **line = lines; *line != NULL; line++)
    {
      CgroupMount *mount = read_line (*line);

      if (mount != NULL)
        g_ptr_array_add (mounts, mount);
    }
  return mounts;
}

/* Whether the mount of this index is of a hierarchy that an earlier one is of as well. */
static gboolean
is_repeated (const GPtrArray *mounts, guint index)
{
  const CgroupMount *mount = g_ptr_array_index (mounts, index);

  for (guint i = 0; i < index; i++)
    {
      const CgroupMount *other = g_ptr_array_index (mounts, i);

      if (g_strcmp0 (other->options, mount->options) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
set_mode (const GPtrArray *mounts, MachineFacts *facts)
{
  g_autoptr (GPtrArray) hierarchies = g_ptr_array_new_with_free_func (g_free);
  gboolean unified = FALSE;

  for (guint i = 0; i < mounts->len; i++)
    {
      const CgroupMount *mount = g_ptr_array_index (mounts, i);

      if (mount->options == NULL)
        unified = TRUE;
      else if (!is_repeated (mounts, i))
        g_ptr_array_add (hierarchies, g_strdup (mount->options));
    }
  if (hierarchies->len > 0)
    facts->cgroup_mode = unified ? CGROUP_HYBRID : CGROUP_V1;
  else
    facts->cgroup_mode = unified ? CGROUP_V2 : CGROUP_NONE;
  g_ptr_array_add (hierarchies, NULL);
  g_strfreev (facts->cgroup_v1);
  facts->cgroup_v1 = (char **) g_ptr_array_free (g_steal_pointer (&hierarchies), FALSE);
}

void
cgroups_parse (const char *text, MachineFacts *facts)
{
  g_autoptr (GPtrArray) mounts = cgroup_mounts_parse (text);

  set_mode (mounts, facts);
}

/* Drops what lies below another mount. */
static void
drop_hidden (GPtrArray *mounts)
{
  for (guint i = mounts->len; i-- > 0;)
    {
      const CgroupMount *mount = g_ptr_array_index (mounts, i);
      struct stat st;

      if (stat (mount->mount, &st) < 0 || st.st_dev != mount->device)
        g_ptr_array_remove_index (mounts, i);
    }
}

static GPtrArray *
visible_mounts (GError **error)
{
  g_autofree char *text = fd_read_file_at (AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_SIZE_MAX,
                                           NULL, error);
  GPtrArray *mounts = text != NULL ? cgroup_mounts_parse (text) : NULL;

  if (mounts != NULL)
    drop_hidden (mounts);
  return mounts;
}

gboolean
host_cgroup_probe (MachineFacts *facts, GError **error)
{
  g_autoptr (GPtrArray) mounts = NULL;
  struct statfs fs;

  /* the usual case, told by one call */
  if (statfs ("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
    {
      cgroups_parse ("", facts);
      facts->cgroup_mode = CGROUP_V2;
      return TRUE;
    }
  mounts = visible_mounts (error);
  if (mounts == NULL)
    return FALSE;
  set_mode (mounts, facts);
  return TRUE;
}

/* --- places --- */

/* What @path, seen from the root of the hierarchy, is seen from @root; NULL: it is not below. */
static char *
below (const char *path, const char *root)
{
  gsize length = strcmp (root, "/") == 0 ? 0 : strlen (root);

  /* above the root of our cgroup namespace */
  if (strncmp (path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\0'))
    return NULL;
  if (strncmp (path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
    return NULL;
  return g_strdup (path[length] != '\0' ? path + length : "/");
}

char *
cgroup_own_parse (const char *text, const CgroupMount *mount)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  const char *options = mount->options != NULL ? mount->options : "";

  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, ":", 3);
      g_autofree char *own = NULL;

      if (g_strv_length (words) != 3 || strcmp (words[1], options) != 0)
        continue;
      own = below (words[2], mount->root);
      /* what was moved aside belongs to the cgroup above */
      if (own != NULL && g_str_has_suffix (own, "/" CGROUP_SUPERVISOR))
        own[MAX (strlen (own) - strlen ("/" CGROUP_SUPERVISOR), 1)] = '\0';
      return g_steal_pointer (&own);
    }
  return NULL;
}

/* Whether the caller may write to file @name of cgroup @path, or to the cgroup itself ("."). */
static gboolean
may_write (const CgroupFacts *facts, const char *path, const char *name, int *ret_error)
{
  g_autofree char *file = g_strconcat (facts->mount, path, "/", name, NULL);

  if (faccessat (AT_FDCWD, file, W_OK, AT_EACCESS) == 0)
    return TRUE;
  *ret_error = errno;
  return FALSE;
}

static gboolean
exists (const CgroupFacts *facts, const char *path)
{
  g_autofree char *directory = g_strconcat (facts->mount, path, NULL);

  return faccessat (AT_FDCWD, directory, F_OK, 0) == 0;
}

/* The cgroup that holds both; for @b NULL the topmost. */
static char *
common_ancestor (const char *a, const char *b)
{
  g_autofree char *ancestor = g_strdup (a);

  while (strcmp (ancestor, "/") != 0
         && (b == NULL || !g_str_has_prefix (b, ancestor)
             || (b[strlen (ancestor)] != '/' && b[strlen (ancestor)] != '\0')))
    {
      g_autofree char *above = g_path_get_dirname (ancestor);

      g_free (ancestor);
      ancestor = g_steal_pointer (&above);
    }
  return g_steal_pointer (&ancestor);
}

static char **
read_controllers (const CgroupFacts *facts, const char *path, const char *name)
{
  g_autofree char *file = g_strconcat (facts->mount, path, "/", name, NULL);
  g_autofree char *text = fd_read_file_at (AT_FDCWD, file, 4096, NULL, NULL);

  return g_strsplit_set (text != NULL ? g_strchomp (text) : "", " \n", -1);
}

/* The controllers that the caller can give to the cgroup, whose nearest existing one is
 * @nearest: those of the topmost cgroup from which he may hand them down. */
static char **
possible_controllers (const CgroupFacts *facts, const char *nearest)
{
  gboolean there = strcmp (nearest, facts->path) == 0;
  char **controllers = read_controllers (facts, nearest, there ? "cgroup.controllers"
                                                               : "cgroup.subtree_control");
  g_autofree char *directory = there && strcmp (nearest, "/") != 0 ? g_path_get_dirname (nearest)
                                                                   : g_strdup (nearest);
  int ignored;

  while (may_write (facts, directory, "cgroup.subtree_control", &ignored))
    {
      g_autofree char *above = g_path_get_dirname (directory);

      g_strfreev (controllers);
      controllers = read_controllers (facts, directory, "cgroup.controllers");
      if (strcmp (above, directory) == 0)
        break;
      g_free (directory);
      directory = g_steal_pointer (&above);
    }
  return controllers;
}

/* Finds out what would become of facts->path. */
static void
look_at_place (CgroupFacts *facts)
{
  g_autofree char *nearest = g_strdup (facts->path), *shared = NULL;

  while (!exists (facts, nearest) && strcmp (nearest, "/") != 0)
    {
      g_autofree char *above = g_path_get_dirname (nearest);

      g_free (nearest);
      nearest = g_steal_pointer (&above);
    }
  if (facts->options == NULL)
    facts->controllers = possible_controllers (facts, nearest);
  if (!may_write (facts, nearest, strcmp (nearest, facts->path) == 0 ? "cgroup.procs" : ".",
                  &facts->error)
      || facts->options != NULL)
    return;
  /* cgroup v2 lets nobody move out of what was delegated to him (cgroups(7)) */
  shared = common_ancestor (facts->path, facts->own);
  (void) may_write (facts, shared, "cgroup.procs", &facts->error);
}

static CgroupFacts *
find_place (CgroupMount *mount, const char *self, const char *wanted, const char *id)
{
  CgroupFacts *facts = g_new0 (CgroupFacts, 1);

  facts->own = cgroup_own_parse (self, mount);
  facts->options = g_steal_pointer (&mount->options);
  facts->mount = g_steal_pointer (&mount->mount);
  if (facts->options != NULL)
    facts->controllers = g_strsplit (facts->options, ",", -1);
  facts->path = plan_cgroup_path (facts->own, wanted, id);
  if (facts->path != NULL)
    look_at_place (facts);
  return facts;
}

static void
free_facts (gpointer data)
{
  cgroup_facts_free (data);
}

/* Each hierarchy that this process can see, once. Transfer: full, of CgroupMount. */
static GPtrArray *
hierarchies (GError **error)
{
  GPtrArray *mounts = visible_mounts (error);

  for (guint i = mounts != NULL ? mounts->len : 0; i-- > 0;)
    if (is_repeated (mounts, i))
      g_ptr_array_remove_index (mounts, i);
  return mounts;
}

/* The text of proc_pid_cgroup(5) of @pid. Transfer: full. */
static char *
read_membership (pid_t pid, GError **error)
{
  g_autofree char *file = pid > 0 ? g_strdup_printf ("/proc/%d/cgroup", (int) pid)
                                  : g_strdup ("/proc/self/cgroup");

  return fd_read_file_at (AT_FDCWD, file, MOUNTINFO_SIZE_MAX, NULL, error);
}

gboolean
host_cgroup_hierarchies (MachineFacts *facts, GError **error)
{
  g_autoptr (GPtrArray) mounts = hierarchies (error);

  if (mounts == NULL)
    return FALSE;
  facts->cgroups = g_ptr_array_new_with_free_func (free_facts);
  for (guint i = 0; i < mounts->len; i++)
    {
      CgroupMount *mount = g_ptr_array_index (mounts, i);
      CgroupFacts *found = g_new0 (CgroupFacts, 1);

      found->options = g_steal_pointer (&mount->options);
      found->mount = g_steal_pointer (&mount->mount);
      found->controllers = found->options != NULL ? g_strsplit (found->options, ",", -1)
                                                  : read_controllers (found, "",
                                                                      "cgroup.controllers");
      g_ptr_array_add (facts->cgroups, found);
    }
  return TRUE;
}

gboolean
host_cgroup_places (MachineFacts *facts, pid_t pid, const char *wanted, const char *id,
                    GError **error)
{
  g_autoptr (GPtrArray) mounts = hierarchies (error);
  g_autofree char *membership = mounts != NULL ? read_membership (pid, error) : NULL;

  if (membership == NULL)
    return FALSE;
  facts->cgroups = g_ptr_array_new_with_free_func (free_facts);
  for (guint i = 0; i < mounts->len; i++)
    g_ptr_array_add (facts->cgroups,
                     find_place (g_ptr_array_index (mounts, i), membership, wanted, id));
  return TRUE;
}

char *
host_cgroup_of_unit (pid_t pid, const char *unit, GError **error)
{
  g_autoptr (GPtrArray) mounts = hierarchies (error);
  g_autofree char *membership = mounts != NULL ? read_membership (pid, error) : NULL;
  g_autofree char *end = g_strconcat ("/", unit, NULL);

  for (guint i = 0; membership != NULL && i < mounts->len; i++)
    {
      g_autofree char *own = cgroup_own_parse (membership, g_ptr_array_index (mounts, i));

      if (own != NULL && g_str_has_suffix (own, end))
        return g_steal_pointer (&own);
    }
  return membership != NULL
           ? throw_null (error, "systemd: %s: its cgroup is not to be seen here", unit) : NULL;
}
