/* One cgroup: its directory and the files in it (cgroups(7)). */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Start it with CGROUP_DIR_INIT. */
typedef struct {
  int fd;
  char *path;  /* absolute, for messages */
} CgroupDir;

#define CGROUP_DIR_INIT { .fd = -1 }

void cgroup_dir_clear (CgroupDir *dir);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CgroupDir, cgroup_dir_clear)

/* Opens the cgroup at the absolute @path. Errors keep errno. */
gboolean cgroup_dir_open (CgroupDir *dir, const char *path, GError **error);

/* Opens cgroup @name directly below @parent; @make: makes it first if it is not there. */
gboolean cgroup_dir_open_below (CgroupDir *dir, const CgroupDir *parent, const char *name,
                                gboolean make, GError **error);

/* Whether errno is how a cgroup answers that was removed after it had been opened: so systemd does
 * with a scope whose last process has ended. */
gboolean cgroup_dir_has_gone (void);

/* Whether it has a file of this name. */
gboolean cgroup_dir_has (const CgroupDir *dir, const char *file);

/* Returns what is in @file, without the last newline. Errors keep errno. Transfer: full. */
char *cgroup_dir_read (const CgroupDir *dir, const char *file, GError **error);

/* Returns the number behind the word @key in @file, whose lines are "KEY NUMBER"; or, for @key
 * NULL, the number that it consists of. @otherwise if there is none. */
guint64 cgroup_dir_number (const CgroupDir *dir, const char *file, const char *key,
                           guint64 otherwise);

/* Whether @word is among those in @file. */
gboolean cgroup_dir_has_word (const CgroupDir *dir, const char *file, const char *word);

/* Writes @value to @file, at once. Errors keep errno. */
gboolean cgroup_dir_write (const CgroupDir *dir, const char *file, const char *value,
                           GError **error);

/* Returns the numbers of all processes in it and below, in order. Transfer: full. */
GArray *cgroup_dir_pids (const CgroupDir *dir, GError **error);

/* Removes cgroup @name below @parent with all those in it, leaves first; one that has just become
 * empty may be busy for a moment. One that is not there is no error. */
gboolean cgroup_remove_below (const CgroupDir *parent, const char *name, GError **error);
