/* Paths below a hostile root, as the init walks them: against the kernel's own resolution
 * (openat2(2), RESOLVE_IN_ROOT) on trees of links that try to get out, and beside a folder that
 * must never change. */
#include "config.h"

#include "base/fd.h"
#include "init/init.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TREES 60
#define PATHS 40  /* tried on each */

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
          tree_make_file (tree, path);
          break;
        case 1:
        case 2:
          content = random_content (random, tree);
          tree_make_link (tree, path, content);
          break;
        case 3:
          tree_make_dir (tree, path);
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

          tree_check_open (tree, path, flags);
          tree_check_parent (tree, path);
          made += tree_check_make (tree, path, flags) == 0;
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

      tree_make_link (tree, tricks[i].link, content);
      g_assert_cmpint (tree_check_make (tree, tricks[i].path, tricks[i].flags), ==,
                       tricks[i].error);
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

  tree_make_file (tree, "file");
  g_assert_cmpint (tree_check_make (tree, "/file/below", OP_FLAG_DIRECTORY), ==, ENOTDIR);
  g_assert_cmpint (tree_check_make (tree, "/new/file", 0), ==, 0);
  made = walk_open (tree->root, "/new/file", 0);
  g_assert_cmpint (fstat (made, &st), ==, 0);
  g_assert_true (S_ISREG (st.st_mode) && st.st_size == 0);
  g_assert_cmpint (tree_check_make (tree, "/", OP_FLAG_DIRECTORY), ==, 0);
  g_assert_cmpint (tree_check_make (tree, "//new//directory//", OP_FLAG_DIRECTORY), ==, 0);
}

/* A chain of @n links, the last of which leads to something missing. */
static void
make_chain (const Tree *tree, int n)
{
  for (int i = 0; i < n; i++)
    {
      g_autofree char *link = g_strdup_printf ("chain%d", i);
      g_autofree char *content = i + 1 < n ? g_strdup_printf ("chain%d", i + 1) : g_strdup ("end");

      tree_make_link (tree, link, content);
    }
}

static void
test_chains (void)
{
  for (int n = 38; n <= 42; n++)
    {
      g_autoptr (Tree) tree = tree_new ();

      make_chain (tree, n);
      g_assert_cmpint (tree_check_make (tree, "/chain0", OP_FLAG_DIRECTORY), ==,
                       n <= 40 ? 0 : ELOOP);
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

  g_assert_cmpint (tree_check_make (tree, name, OP_FLAG_DIRECTORY), ==, 0);
  g_assert_cmpint (tree_check_make (tree, too_long, OP_FLAG_DIRECTORY), ==, ENAMETOOLONG);
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
        {
          g_assert_cmpint (tree_check_make (tree, path, OP_FLAG_DIRECTORY), ==, 0);
          continue;
        }
      g_assert_cmpint (walk_make (tree->root, path, OP_FLAG_DIRECTORY, &made), ==, -1);
      g_assert_cmpint (errno, ==, ENAMETOOLONG);
      g_assert_cmpint (walk_parent (tree->root, path, last), ==, -1);
      g_assert_cmpint (errno, ==, ENAMETOOLONG);
    }

  /* a link whose content leaves no room for what follows it */
  content[PATH_MAX - 2] = 'm';
  tree_make_link (tree, "wide", content);
  g_assert_cmpint (tree_check_make (tree, "/wide", OP_FLAG_DIRECTORY), ==, 0);
  g_assert_cmpint (unlinkat (tree->root, "m", AT_REMOVEDIR), ==, 0);
  g_assert_cmpint (tree_check_make (tree, "/wide/and/more", OP_FLAG_DIRECTORY), ==, ENAMETOOLONG);
}

/* A link of the image has thousands of components that are not there, with and without ".." among
 * them: the init makes them, or gives up, while somebody waits. What others do meanwhile counts for
 * nothing. */
static void
test_time (void)
{
  static const char *const parts[] = { "x/", "x/../", "../x/", "./x/", "y/x/../" };

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autoptr (Tree) tree = tree_new ();
      g_autoptr (GString) content = g_string_new ("/z/");
      clock_t start = clock ();
      autofd fd = -1;

      while (content->len + strlen (parts[i]) < PATH_MAX - 16)
        g_string_append (content, parts[i]);
      tree_make_link (tree, "link", content->str);
      fd = walk_make (tree->root, "/link/end", OP_FLAG_DIRECTORY, NULL);
      g_assert_true (fd >= 0 || errno == ELOOP);
      g_test_message ("%s: %d ms", parts[i], (int) ((clock () - start) * 1000 / CLOCKS_PER_SEC));
      g_assert_cmpint (clock () - start, <, 10 * CLOCKS_PER_SEC);
    }
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

  tree_make_file (tree, "file");
  tree_make_link (tree, "link", "/elsewhere");
  tree_make_link (tree, "out", "../../victim");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GHashTable) before = tree_list (tree);
      char name[NAME_MAX + 1];
      autofd dir = walk_parent (tree->root, cases[i].path, name);
      int code = errno;

      g_test_message ("%s", cases[i].path);
      if (cases[i].error != 0)
        g_assert_cmpint (code, ==, cases[i].error);
      g_assert_true ((dir < 0) == (cases[i].error != 0));
      if (dir >= 0)
        g_assert_cmpstr (name, ==, cases[i].name);
      (void) tree_check_added (tree, before);
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
  g_test_add_func ("/walk/time", test_time);
  g_test_add_func ("/walk/parent", test_parent);
  g_test_add_func ("/walk/generated", test_generated);
  return g_test_run ();
}
