/* The root file system and the mounts (runtime-spec config.md, "Root" and "Mounts"). */
#pragma once

#include "json/field.h"

typedef struct {
  char *path;  /* never NULL, not empty, not "/"; relative to the bundle if not absolute */
  OptBool readonly;
} OciRoot;

typedef struct {
  char *destination;        /* never NULL; not empty, not the root; as written: may be relative */
  char *type;               /* NULL: absent or empty */
  char *source;             /* NULL: absent or empty */
  char **options;           /* NULL: absent */
  GPtrArray *uid_mappings;  /* of OciIdMapping; both or neither */
  GPtrArray *gid_mappings;  /* of OciIdMapping */
  gboolean added;           /* not of the file: plan/systemd.h */
} OciMount;

extern const FieldType oci_root_type;
extern const FieldType oci_mount_type;

/* Checks root.path beyond its row. */
gboolean oci_root_check (const OciRoot *root, GError **error);

/* Checks all of @mounts (of OciMount; NULL is fine): no destination is the root, none lies at or
 * below /proc except the files and directories that hide no security interface. */
gboolean oci_mounts_check (const GPtrArray *mounts, GError **error);

/* Returns the JSON pointer of what asks for the mount with @index of @mounts: "/mounts/3", or of
 * one that was added, the program that needs it. Transfer: full. */
char *oci_mount_pointer (const GPtrArray *mounts, guint index);

/* Returns @path as an absolute path without ".", "..", empty parts and trailing slash; a relative
 * one is taken from "/", and ".." of the root is the root. Lexical: links are not looked at.
 * Transfer: full. */
char *oci_path_normalize (const char *path);
