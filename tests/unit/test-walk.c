/* Paths below a hostile root, as the init walks them: against the kernel's own resolution
 * (openat2(2), RESOLVE_IN_ROOT) on trees of links that try to get out, and beside a folder that
 * must never change. */
#include "config.h"

#include "base/fd.h"
#include "init/init.h"
#include "init/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define TREES 60
#define PATHS 40  /* tried on each */

/* DIR/root is the root, DIR/victim must stay as it is. */
typedef struct {
  char *path;
  int fd;    /* of DIR */
  int root;  /* of DIR/root */
} Tree;

static Tree *
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

static void
remove_below (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_below (child);
    }
  (void) g_remove (path);
}

static void
tree_free (Tree *tree)
{
  fd_clear (&tree->fd);
  fd_clear (&tree->root);
  remove_below (tree->path);
  g_free (tree->path);
  g_free (tree);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tree, tree_free)

static void
make_dir (const Tree *tree, const char *path)
{
  g_assert_cmpint (mkdirat (tree->root, path, 0755), ==, 0);
}

static void
make_file (const Tree *tree, const char *path)
{
  autofd fd = openat (tree->root, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
}

static void
make_link (const Tree *tree, const char *path, const char *content)
{
  g_assert_cmpint (symlinkat (content, tree->root, path), ==, 0);
}

/* --- what is there --------------------------------------------------------- */

static void
list_below (const char *path, GPtrArray *lines)
{
  g_autoptr (GDir) dir = NULL;
  g_autofree char *content = NULL;
  struct stat st;
  const char *name;

  g_assert_cmpint (lstat (path, &st), ==, 0);
  if (S_ISLNK (st.st_mode))
    content = g_file_read_link (path, NULL);
  g_ptr_array_add (lines, g_strdup_printf ("%s %o %lu %s", path, st.st_mode,
                                           (unsigned long) st.st_ino,
                                           content != NULL ? content : ""));
  if (S_ISDIR (st.st_mode))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      list_below (child, lines);
    }
}

/* All entries of @tree as lines: path, mode, inode, content of a link. */
static GPtrArray *
list_tree (const Tree *tree)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  list_below (tree->path, lines);
  return lines;
}

static gboolean
has_line (const GPtrArray *lines, const char *line)
{
  for (guint i = 0; i < lines->len; i++)
    if (strcmp (g_ptr_array_index (lines, i), line) == 0)
      return TRUE;
  return FALSE;
}

/* Nothing that was there is gone or another, and what is new is below the root. */
static guint
check_only_added (const Tree *tree, const GPtrArray *before)
{
  g_autoptr (GPtrArray) after = list_tree (tree);
  g_autofree char *below = g_strconcat (tree->path, "/root/", NULL);

  for (guint i = 0; i < before->len; i++)
    g_assert_true (has_line (after, g_ptr_array_index (before, i)));
  for (guint i = 0; i < after->len; i++)
    g_assert_true (has_line (before, g_ptr_array_index (after, i))
                   || g_str_has_prefix (g_ptr_array_index (after, i), below));
  return after->len - before->len;
}

/* What the kernel makes of @path. */
static int
resolve (const Tree *tree, const char *path, guint64 more)
{
  struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                          .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | more };
  int fd;

  /* EAGAIN: something was renamed or mounted somewhere meanwhile (openat2(2)) */
  do
    fd = sys_openat2 (tree->root, path, &how);
  while (fd < 0 && errno == EAGAIN);
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
static int
check_make (const Tree *tree, const char *path, unsigned int flags)
{
  g_autoptr (GPtrArray) before = list_tree (tree);
  guint64 more = flags & OP_FLAG_NO_SYMLINKS ? RESOLVE_NO_SYMLINKS : 0;
  autofd was = resolve (tree, path, more);
  int was_error = was < 0 ? errno : 0;
  bool made = false;
  autofd got = walk_make (tree->root, path, flags, &made);
  int error = got < 0 ? errno : 0;
  autofd is = resolve (tree, path, more);
  int is_error = is < 0 ? errno : 0;
  guint added = check_only_added (tree, before);

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

static void
check_open (const Tree *tree, const char *path, unsigned int flags)
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
static void
check_parent (const Tree *tree, const char *path)
{
  g_autoptr (GPtrArray) before = list_tree (tree);
  char name[NAME_MAX + 1];
  autofd dir = walk_parent (tree->root, path, name);
  struct stat st;

  (void) check_only_added (tree, before);
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

/* --- made-up trees --------------------------------------------------------- */

static const char *const names[] = { "a", "b", "c", "d" };

/* A path of up to four parts, now and then with what it should not have; never with a slash at the
 * end, which destinations have lost before they come here. */
static char *
random_path (GRand *random, gboolean absolute)
{
  GString *path = g_string_new (absolute ? "/" : NULL);
  int parts = g_rand_int_range (random, 1, 5);

  for (int i = 0; i < parts; i++)
    {
      int kind = g_rand_int_range (random, 0, 8);

      g_string_append (path, i > 0 ? "/" : "");
      g_string_append (path, kind == 0 ? ".." : kind == 1 ? "." : kind == 2 ? "missing"
                             : names[g_rand_int_range (random, 0, G_N_ELEMENTS (names))]);
    }
  return g_string_free (path, FALSE);
}

/* What a hostile link may hold. */
static char *
random_content (GRand *random, const Tree *tree)
{
  switch (g_rand_int_range (random, 0, 7))
    {
    case 0:
      return g_strdup_printf ("%s/victim", tree->path);
    case 1:
      return g_strdup ("../../../../victim/new");
    case 2:
      return g_strdup ("../victim");
    case 3:
      return g_strdup_printf ("%s/", names[g_rand_int_range (random, 0, G_N_ELEMENTS (names))]);
    default:
      return random_path (random, g_rand_boolean (random));
    }
}

/* Entries of any kind, three levels deep. */
static void
fill (GRand *random, const Tree *tree, const char *at, int depth)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strconcat (at, names[i], NULL);
      g_autofree char *content = NULL, *below = NULL;

      switch (g_rand_int_range (random, 0, 5))
        {
        case 0:
          make_file (tree, path);
          break;
        case 1:
        case 2:
          content = random_content (random, tree);
          make_link (tree, path, content);
          break;
        case 3:
          make_dir (tree, path);
          below = g_strconcat (path, "/", NULL);
          if (depth > 0)
            fill (random, tree, below, depth - 1);
          break;
        default:
          break;
        }
    }
}

static void
test_generated (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  guint made = 0;

  for (int t = 0; t < TREES; t++)
    {
      g_autoptr (Tree) tree = tree_new ();

      fill (random, tree, "", 2);
      for (int i = 0; i < PATHS; i++)
        {
          g_autofree char *path = random_path (random, g_rand_boolean (random));
          unsigned int flags = (g_rand_boolean (random) ? OP_FLAG_DIRECTORY : 0)
                               | (g_rand_int_range (random, 0, 4) == 0 ? OP_FLAG_NO_SYMLINKS : 0);

          check_open (tree, path, flags);
          check_parent (tree, path);
          made += check_make (tree, path, flags) == 0;
        }
    }
  g_assert_cmpuint (made, >, TREES * PATHS / 4);
}

/* --- known tricks ---------------------------------------------------------- */

static void
test_tricks (void)
{
  static const struct {
    const char *link, *content;  /* in the root; "@" is the folder above it */
    const char *path;
    unsigned int flags;
    int error;
    const char *at;              /* where it is then, if it is made */
  } tricks[] = {
    { "run", "/somewhere", "/run/lock", OP_FLAG_DIRECTORY, 0, "somewhere/lock" },
    { "run", "../victim", "/run/lock", OP_FLAG_DIRECTORY, 0, "victim/lock" },
    { "run", "../../../../victim", "/run", 0, 0, "victim" },
    { "run", "@/victim", "/run/file", 0, 0, NULL },
    { "run", "/run", "/run", OP_FLAG_DIRECTORY, ELOOP, NULL },
    { "run", "run/run", "/run/x", OP_FLAG_DIRECTORY, ELOOP, NULL },
    { "run", "/gone", "/run", OP_FLAG_NO_SYMLINKS, ELOOP, NULL },
    { "run", "/gone", "/run/x", OP_FLAG_NO_SYMLINKS | OP_FLAG_DIRECTORY, ELOOP, NULL },
    { "run", "/", "/run/x", OP_FLAG_DIRECTORY, 0, "x" },
    { "run", "..", "/run/run/x", OP_FLAG_DIRECTORY, 0, "x" },
    { "run", "gone/", "/run", OP_FLAG_DIRECTORY, 0, "gone" },
    { "run", "gone/../other", "/run", OP_FLAG_DIRECTORY, 0, "other" },
    { "run", "/proc/self/root", "/run/x", OP_FLAG_DIRECTORY, 0, "proc/self/root/x" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (tricks); i++)
    {
      g_autoptr (Tree) tree = tree_new ();
      g_autofree char *content = tricks[i].content[0] == '@'
                                   ? g_strconcat (tree->path, tricks[i].content + 1, NULL)
                                   : g_strdup (tricks[i].content);

      make_link (tree, tricks[i].link, content);
      g_assert_cmpint (check_make (tree, tricks[i].path, tricks[i].flags), ==, tricks[i].error);
      if (tricks[i].at != NULL)
        g_assert_cmpint (faccessat (tree->root, tricks[i].at, F_OK, AT_SYMLINK_NOFOLLOW), ==, 0);
    }
}

static void
test_kinds (void)
{
  g_autoptr (Tree) tree = tree_new ();
  autofd made = -1;
  struct stat st;

  make_file (tree, "file");
  g_assert_cmpint (check_make (tree, "/file/below", OP_FLAG_DIRECTORY), ==, ENOTDIR);
  g_assert_cmpint (check_make (tree, "/new/file", 0), ==, 0);
  made = walk_open (tree->root, "/new/file", 0);
  g_assert_cmpint (fstat (made, &st), ==, 0);
  g_assert_true (S_ISREG (st.st_mode) && st.st_size == 0);
  g_assert_cmpint (check_make (tree, "/", OP_FLAG_DIRECTORY), ==, 0);
  g_assert_cmpint (check_make (tree, "//new//directory//", OP_FLAG_DIRECTORY), ==, 0);
}

/* A chain of @n links, the last of which leads to something missing. */
static void
make_chain (const Tree *tree, int n)
{
  for (int i = 0; i < n; i++)
    {
      g_autofree char *link = g_strdup_printf ("chain%d", i);
      g_autofree char *content = i + 1 < n ? g_strdup_printf ("chain%d", i + 1) : g_strdup ("end");

      make_link (tree, link, content);
    }
}

static void
test_chains (void)
{
  for (int n = 38; n <= 42; n++)
    {
      g_autoptr (Tree) tree = tree_new ();

      make_chain (tree, n);
      g_assert_cmpint (check_make (tree, "/chain0", OP_FLAG_DIRECTORY), ==, n <= 40 ? 0 : ELOOP);
    }
}

/* A path of single letters, @length bytes long. */
static char *
long_path (gsize length)
{
  char *path = g_malloc (length + 1);

  for (gsize i = 0; i < length; i++)
    path[i] = i % 2 == 0 ? '/' : 'x';
  path[length] = '\0';
  return path;
}

static void
test_lengths (void)
{
  g_autoptr (Tree) tree = tree_new ();
  g_autofree char *name = g_strnfill (NAME_MAX, 'n');
  g_autofree char *too_long = g_strnfill (NAME_MAX + 1, 'n');
  g_autofree char *content = g_strnfill (PATH_MAX - 1, '/');
  char last[NAME_MAX + 1];

  g_assert_cmpint (check_make (tree, name, OP_FLAG_DIRECTORY), ==, 0);
  g_assert_cmpint (check_make (tree, too_long, OP_FLAG_DIRECTORY), ==, ENAMETOOLONG);
  g_assert_cmpint (walk_parent (tree->root, too_long, last), ==, -1);
  g_assert_cmpint (errno, ==, ENAMETOOLONG);
  for (gsize length = PATH_MAX - 1; length <= PATH_MAX + 1; length++)
    {
      g_autofree char *path = long_path (length);
      bool made;
      autofd fd = walk_open (tree->root, path, 0);

      g_assert_cmpint (fd, ==, -1);
      g_assert_cmpint (errno, ==, length < PATH_MAX ? ENOENT : ENAMETOOLONG);
      if (length < PATH_MAX)
        continue;
      g_assert_cmpint (walk_make (tree->root, path, OP_FLAG_DIRECTORY, &made), ==, -1);
      g_assert_cmpint (errno, ==, ENAMETOOLONG);
      g_assert_cmpint (walk_parent (tree->root, path, last), ==, -1);
      g_assert_cmpint (errno, ==, ENAMETOOLONG);
    }

  /* a link whose content leaves no room for what follows it */
  content[PATH_MAX - 2] = 'm';
  make_link (tree, "wide", content);
  g_assert_cmpint (check_make (tree, "/wide", OP_FLAG_DIRECTORY), ==, 0);
  g_assert_cmpint (unlinkat (tree->root, "m", AT_REMOVEDIR), ==, 0);
  g_assert_cmpint (check_make (tree, "/wide/and/more", OP_FLAG_DIRECTORY), ==, ENAMETOOLONG);
}

static void
test_parent (void)
{
  static const struct {
    const char *path;
    int error;
    const char *name;
  } cases[] = {
    { "/a/b", 0, "b" },     { "/a", 0, "a" },       { "a", 0, "a" },
    { "/a/b///", 0, "b" },  { "/", EINVAL, NULL },  { "", EINVAL, NULL },
    { "/a/..", EINVAL, NULL }, { "/a/.", EINVAL, NULL }, { "..", EINVAL, NULL },
    { "/link/x", 0, "x" },  { "/out/x", 0, "x" },   { "/file/x", 0, "x" },
    { "/file/x/y", ENOTDIR, NULL },
  };
  g_autoptr (Tree) tree = tree_new ();

  make_file (tree, "file");
  make_link (tree, "link", "/elsewhere");
  make_link (tree, "out", "../../victim");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) before = list_tree (tree);
      char name[NAME_MAX + 1];
      autofd dir = walk_parent (tree->root, cases[i].path, name);

      g_test_message ("%s", cases[i].path);
      if (cases[i].error != 0)
        g_assert_cmpint (errno, ==, cases[i].error);
      g_assert_true ((dir < 0) == (cases[i].error != 0));
      if (dir >= 0)
        g_assert_cmpstr (name, ==, cases[i].name);
      (void) check_only_added (tree, before);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/walk/tricks", test_tricks);
  g_test_add_func ("/walk/kinds", test_kinds);
  g_test_add_func ("/walk/chains", test_chains);
  g_test_add_func ("/walk/lengths", test_lengths);
  g_test_add_func ("/walk/parent", test_parent);
  g_test_add_func ("/walk/generated", test_generated);
  return g_test_run ();
}
