/* Mounts of the configuration: their options, and what becomes of each. */
#pragma once

#include "spec/mounts.h"

/* The options of one mount, by meaning. Attributes are MOUNT_ATTR_ bits. */
typedef struct MountOptions {
  gboolean bind;
  gboolean recursive;             /* rbind */
  guint64 set, clear;             /* of the mount itself */
  guint64 recursive_set;          /* and of all below it */
  guint64 recursive_clear;
  guint64 propagation;            /* MS_SHARED ..., 0: none given */
  guint64 recursive_propagation;
  gboolean has_atime;
  guint64 atime;                  /* a MOUNT_ATTR_ access-time value */
  gboolean copy_up;               /* tmpcopyup */
  gboolean copy_symlink;          /* copy-symlink: the facts say whether there is a link */
  gboolean idmap;                 /* idmap or ridmap */
  gboolean recursive_idmap;       /* ridmap */
  GPtrArray *data;                /* of char *: for the file system */
  GPtrArray *superblock;          /* of char *: flags of the superblock, no effect on a bind */
} MountOptions;

/* Sorts the options of @mount; @at is its JSON pointer. Clear with
 * mount_options_clear(), also after an error. */
gboolean mount_options_read (const OciMount *mount, const char *at, MountOptions *ret_options,
                             GError **error);

void mount_options_clear (MountOptions *options);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MountOptions, mount_options_clear)

/* Whether @mount brings something of the host in: by its type or an option. */
gboolean mount_is_bind (const OciMount *mount);

/* Whether it is a bind that copies its source, where that is a symbolic link (crun's option, which
 * podman has for volumes with no-dereference). */
gboolean mount_copies_symlink (const OciMount *mount);

/* Whether it is an overlay. */
gboolean mount_is_overlay (const OciMount *mount);

/* Returns the names of the options that are understood, for the features document; NULL-terminated.
 * Transfer: container. */
const char **mount_option_names (void);
