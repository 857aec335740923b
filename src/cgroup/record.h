/* Which cgroups were made for a container and go with it: the file "cgroup" in its directory.
 *
 * It is written before they are made, so that whatever becomes of their maker they can be removed,
 * and again afterwards with their inodes: only what has the recorded inode is killed, frozen or
 * looked into. A cgroup that was there before is noted only as one that the container is in. */
#pragma once

#include "cgroup/systemd.h"
#include "json/field.h"

typedef struct {
  char *options;    /* of a v1 hierarchy: "cpu,cpuacct", "name=systemd"; NULL: cgroup v2 */
  char *path;       /* absolute */
  char *top;        /* the topmost directory that was made for it, itself or above it */
  OptUint64 inode;  /* absent: not made yet */
} CgroupEntry;

typedef struct {
  OptUint32 version;
  char *boot_id;
  GPtrArray *entries;  /* of CgroupEntry */
  GPtrArray *joined;   /* of CgroupEntry: not made for it, but it is in there */
  OptBool devices;      /* rules on devices hold there */
  SystemdScope *scope;  /* the entries are below it; NULL: none */
} CgroupRecord;

/* A record without entries. Transfer: full. */
CgroupRecord *cgroup_record_new (GError **error);

void cgroup_record_free (CgroupRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CgroupRecord, cgroup_record_free)

/* Adds a cgroup that is to be made. Transfer: none. */
CgroupEntry *cgroup_record_add (CgroupRecord *record, const char *options, const char *path,
                                const char *top);

/* Whether the container's cgroup is one below that of its scope. */
gboolean cgroup_record_is_below_scope (const CgroupRecord *record);

/* Notes that the cgroup of the entry at @index is one that somebody else has made. */
void cgroup_record_disown (CgroupRecord *record, guint index);

/* Reads what is in the file. Of another boot there are no entries. Transfer: full. */
CgroupRecord *cgroup_record_parse (const char *text, gsize length, GError **error);

/* Returns @record as one line of JSON with its newline. Transfer: full. */
GString *cgroup_record_format (const CgroupRecord *record);
