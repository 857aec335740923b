/* A hostile tree; see tree.h. */
#include "config.h"

#include "tree.h"

#include "base/fd.h"
#include "init/init.h"
#include "init/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* A walk that the kernel has to begin again goes on counting links, so that a chain of more than
 * twenty may now and then be too long although it is not. */
#define LOOPS_MAX 8

Tree *
tree_new (void)
{
  g_autoptr (GError) error = NULL;
  Tree *tree = g_new0 (Tree, 1);

  tree->path = g_dir_make_tmp ("walk-XXXXXX", &error);
  g_assert_no_error (error);
  tree->fd = open (tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (tree->fd, >=, 0);
  g_assert_cmpint (mkdirat (tree->fd, "root", 0755), ==, 0);
  g_assert_cmpint (mkdirat (tree->fd, "victim", 0755), ==, 0);
  tree->root = openat (tree->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (tree->root, >=, 0);
  return tree;
}

/* Returns the entries of the folder @fd that are there, in no order. Transfer: full. */
static char **
entries (int fd)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  autofd own = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fdopendir (own);
  const struct dirent *entry;

  g_assert_nonnull (dir);
  (void) fd_steal (&own);
  while ((entry = readdir (dir)) != NULL)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      g_ptr_array_add (names, g_strdup (entry->d_name));
  (void) closedir (dir);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* By descriptor: it may be deeper than a path is long. */
static void
remove_below (int fd)
{
  g_auto (GStrv) names = entries (fd);

  for (guint i = 0; names[i] != NULL; i++)
    {
      autofd below = openat (fd, names[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

      if (below >= 0)
        remove_below (below);
      (void) unlinkat (fd, names[i], below >= 0 ? AT_REMOVEDIR : 0);
    }
}

void
tree_free (Tree *tree)
{
  fd_clear (&tree->root);
  remove_below (tree->fd);
  fd_clear (&tree->fd);
  (void) rmdir (tree->path);
  g_free (tree->path);
  g_free (tree);
}

void
tree_make_dir (const Tree *tree, const char *path)
{
  g_assert_cmpint (mkdirat (tree->root, path, 0755), ==, 0);
}

void
tree_make_file (const Tree *tree, const char *path)
{
  autofd fd = openat (tree->root, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
}

void
tree_make_link (const Tree *tree, const char *path, const char *content)
{
  g_assert_cmpint (symlinkat (content, tree->root, path), ==, 0);
}

/* --- what is there --------------------------------------------------------- */

static char *
read_link (int fd, const char *name)
{
  char content[PATH_MAX];
  ssize_t length = readlinkat (fd, name, content, sizeof content);

  g_assert_cmpint (length, >, 0);
  return g_strndup (content, (gsize) length);
}

static void
list_below (int fd, const char *path, GHashTable *lines)
{
  g_auto (GStrv) names = entries (fd);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *below_path = g_strconcat (path, "/", names[i], NULL);
      autofd below = -1;
      g_autofree char *content = NULL;
      struct stat st;

      g_assert_cmpint (fstatat (fd, names[i], &st, AT_SYMLINK_NOFOLLOW), ==, 0);
      if (S_ISLNK (st.st_mode))
        content = read_link (fd, names[i]);
      g_hash_table_add (lines, g_strdup_printf ("%s %o %lu %s", below_path, st.st_mode,
                                                (unsigned long) st.st_ino,
                                                content != NULL ? content : ""));
      if (S_ISDIR (st.st_mode))
        below = openat (fd, names[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (below >= 0)
        list_below (below, below_path, lines);
    }
}

GHashTable *
tree_list (const Tree *tree)
{
  GHashTable *lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  list_below (tree->fd, "", lines);
  return lines;
}

guint
tree_check_added (const Tree *tree, GHashTable *before)
{
  g_autoptr (GHashTable) after = tree_list (tree);
  GHashTableIter iter;
  gpointer line;

  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &line, NULL))
    g_assert_true (g_hash_table_contains (after, line));
  g_hash_table_iter_init (&iter, after);
  while (g_hash_table_iter_next (&iter, &line, NULL))
    g_assert_true (g_hash_table_contains (before, line) || g_str_has_prefix (line, "/root/"));
  return g_hash_table_size (after) - g_hash_table_size (before);
}

/* What the kernel makes of @path. */
static int
resolve (const Tree *tree, const char *path, guint64 more)
{
  struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                          .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | more };
  int fd = -1;

  /* EAGAIN: something was renamed or mounted somewhere meanwhile (openat2(2)) */
  for (int loops = 0; loops < LOOPS_MAX; loops += errno == ELOOP)
    {
      fd = sys_openat2 (tree->root, path, &how);
      if (fd >= 0 || (errno != EAGAIN && errno != ELOOP))
        break;
    }
  return fd;
}

/* walk_make(), asked again as resolve() does. */
static int
make (const Tree *tree, const char *path, unsigned int flags, bool *ret_made)
{
  int fd = walk_make (tree->root, path, flags, ret_made);

  for (int loops = 1; fd < 0 && errno == ELOOP && loops < LOOPS_MAX; loops++)
    fd = walk_make (tree->root, path, flags, ret_made);
  return fd;
}

static gboolean
same_file (int a, int b)
{
  struct stat one, other;

  return fstat (a, &one) == 0 && fstat (b, &other) == 0 && one.st_ino == other.st_ino
         && one.st_dev == other.st_dev;
}

/* --- one path -------------------------------------------------------------- */

/* walk_make() of @path, with every promise of it checked. Returns 0 or the errno. */
int
tree_check_make (const Tree *tree, const char *path, unsigned int flags)
{
  g_autoptr (GHashTable) before = tree_list (tree);
  guint64 more = flags & OP_FLAG_NO_SYMLINKS ? RESOLVE_NO_SYMLINKS : 0;
  autofd was = resolve (tree, path, more);
  int was_error = was < 0 ? errno : 0;
  bool made = false;
  autofd got = make (tree, path, flags, &made);
  int error = got < 0 ? errno : 0;
  autofd is = resolve (tree, path, more);
  int is_error = is < 0 ? errno : 0;
  guint added = tree_check_added (tree, before);

  g_test_message ("\"%.60s\" flags %u: %s, %u added", path, flags, g_strerror (error), added);
  if (was >= 0)
    {
      g_assert_cmpint (got, >=, 0);
      g_assert_true (same_file (was, got));
      g_assert_cmpuint (added, ==, 0);
      g_assert_false (made);
    }
  else if (was_error != ENOENT)
    {
      /* what the kernel refuses for another reason is never worked around */
      g_assert_cmpint (error, ==, was_error);
      g_assert_cmpuint (added, ==, 0);
    }
  if (got >= 0)
    {
      /* a file for a name with a slash behind it, perhaps a link's: nobody finds it then */
      g_assert_true (is >= 0 || (is_error == ENOTDIR && !(flags & OP_FLAG_DIRECTORY)));
      g_assert_true (is < 0 || same_file (is, got));
      /* "new/.." makes something, and yet what it names was there */
      g_assert_true (!made || added > 0);
      g_assert_true (was >= 0 || added > 0);
    }
  return error;
}

void
tree_check_open (const Tree *tree, const char *path, unsigned int flags)
{
  guint64 more = flags & OP_FLAG_NO_SYMLINKS ? RESOLVE_NO_SYMLINKS : 0;
  autofd expected = resolve (tree, path, more);
  int expected_error = expected < 0 ? errno : 0;
  autofd got = walk_open (tree->root, path, flags);

  if (expected < 0)
    g_assert_cmpint (errno, ==, expected_error);
  g_assert_true ((expected < 0) == (got < 0));
  g_assert_true (got < 0 || same_file (expected, got));
}

/* walk_parent() of @path: the name is its last part, and nothing can be made below what is no
 * directory. */
void
tree_check_parent (const Tree *tree, const char *path)
{
  g_autoptr (GHashTable) before = tree_list (tree);
  char name[NAME_MAX + 1];
  autofd dir = walk_parent (tree->root, path, name);
  struct stat st;

  (void) tree_check_added (tree, before);
  if (dir < 0)
    return;
  g_assert_cmpint (fstat (dir, &st), ==, 0);
  if (!S_ISDIR (st.st_mode))
    {
      g_assert_cmpint (mkdirat (dir, name, 0755), ==, -1);
      g_assert_cmpint (errno, ==, ENOTDIR);
    }
  g_assert_null (strchr (name, '/'));
  g_assert_cmpstr (name, !=, "");
  g_assert_cmpstr (name, !=, ".");
  g_assert_cmpstr (name, !=, "..");
}
