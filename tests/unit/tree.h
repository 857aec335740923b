/* A tree of links that try to get out, beside a folder that must never change, and what the init's
 * walk makes of paths in it compared with the kernel's own resolution (openat2(2),
 * RESOLVE_IN_ROOT). */
#pragma once

#include <glib.h>

/* DIR/root is the root, DIR/victim must stay as it is. */
typedef struct {
  char *path;
  int fd;    /* of DIR */
  int root;  /* of DIR/root */
} Tree;

/* Makes an empty one below the folder for temporary files. Transfer: full. */
Tree *tree_new (void);

/* Removes it. */
void tree_free (Tree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tree, tree_free)

/* Make an entry at @path, which is relative to the root. */
void tree_make_dir (const Tree *tree, const char *path);
void tree_make_file (const Tree *tree, const char *path);
void tree_make_link (const Tree *tree, const char *path, const char *content);

/* Returns all entries of @tree as a set of lines: path, mode, inode, content of a link.
 * Transfer: full. */
GHashTable *tree_list (const Tree *tree);

/* Checks that nothing of @before, a list of @tree, is gone or another, and that what is new is
 * below the root. Returns how much that is. */
guint tree_check_added (const Tree *tree, GHashTable *before);

/* Each calls the function of init/init.h on @path and checks every promise of it. @flags are
 * OP_FLAG_.... tree_check_make() returns 0 or the errno. */
int tree_check_make (const Tree *tree, const char *path, unsigned int flags);
void tree_check_open (const Tree *tree, const char *path, unsigned int flags);
void tree_check_parent (const Tree *tree, const char *path);
