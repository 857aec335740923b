/* The state root: a directory of ours with one directory per container.
 *
 * It is the boundary to other users, so it must belong to the caller, nobody else may write to
 * it, and its last component may not be a link. Names that begin with "." are for our own files;
 * no container can have them. */
#pragma once

#include <glib.h>

typedef struct {
  char *path;  /* absolute */
  int fd;      /* -1: the directory does not exist, there are no containers */
} Store;

/* Returns the absolute path of the state root: @option (of --root), else below @runtime_dir, else
 * /run/bwrap-oci for root. NULL with an error that names --root. Transfer: full. */
char *store_locate (const char *option, const char *runtime_dir, GError **error);

/* Opens the state root at the absolute @path. If it is missing it is made with @create; without,
 * it is an empty one. Transfer: full. */
Store *store_open (const char *path, gboolean create, GError **error);

void store_free (Store *store);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Store, store_free)

/* Whether @id can be a container's; every command asks before it touches anything. */
gboolean store_check_id (const char *id, GError **error);

/* Returns the ids of all containers, broken ones too, in order; strays (files, links, names that
 * are no ids) are left out. Transfer: full. */
GPtrArray *store_list (const Store *store, GError **error);
