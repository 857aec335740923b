/* Paths in a hostile tree: what the init's walk makes of them against the kernel. */
#include "config.h"

#include "../unit/tree.h"
#include "fuzz.h"
#include "init/ops.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS_MAX 10

/* Whether an entry can be made at @path without going through a link: the tree's own functions
 * follow none, and the victim lies beside it. */
static gboolean
is_plain (const Tree *tree, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  g_autoptr (GString) head = g_string_new (NULL);
  struct stat st;

  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (*parts[i] == '\0' || *parts[i] == '.' || strlen (parts[i]) > NAME_MAX)
        return FALSE;
      g_string_append_printf (head, "%s%s", i > 0 ? "/" : "", parts[i]);
      if (fstatat (tree->root, head->str, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return parts[i + 1] == NULL && head->len < PATH_MAX;
      if (!S_ISDIR (st.st_mode))
        return FALSE;
    }
  return FALSE;  /* it is there */
}

/* "l PATH CONTENT", "d PATH", "f PATH": an entry; anything else is a path to be tried. */
static void
carry_out (const Tree *tree, char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 3);
  guint n = g_strv_length (words);
  unsigned int flags = strlen (line) % 2 == 0 ? OP_FLAG_DIRECTORY : 0;

  if (n == 3 && strcmp (words[0], "l") == 0 && is_plain (tree, words[1]) && *words[2] != '\0'
      && strlen (words[2]) < PATH_MAX)
    tree_make_link (tree, words[1], words[2]);
  else if (n == 2 && strcmp (words[0], "d") == 0 && is_plain (tree, words[1]))
    tree_make_dir (tree, words[1]);
  else if (n == 2 && strcmp (words[0], "f") == 0 && is_plain (tree, words[1]))
    tree_make_file (tree, words[1]);
  else
    {
      tree_check_open (tree, line, flags);
      tree_check_parent (tree, line);
      (void) tree_check_make (tree, line, flags);
      (void) tree_check_make (tree, line, OP_FLAG_NO_SYMLINKS);
    }
}

void
fuzz_walk (const char *data, gsize size)
{
  g_autoptr (Tree) tree = tree_new ();
  g_autofree char *text = g_strndup (data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", STEPS_MAX + 1);

  /* no destination is empty */
  for (guint i = 0; i < STEPS_MAX && lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      carry_out (tree, lines[i]);
}
