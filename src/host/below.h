/* What is mounted below a source with one of the flags that bwrap sets on everything: where they
 * are not locked, nothing but the host's own table tells them from bwrap's. */
#pragma once

#include "plan/facts.h"

/* Returns the mounts with such a flag out of the text of a mountinfo file
 * (proc_pid_mountinfo(5)), with their whole paths. Transfer: full (of MountBelow). */
GPtrArray *mounts_parse (const char *mountinfo);

/* Returns those of this process, as far as they can be read. Transfer: full. */
GPtrArray *mounts_read (void);

/* Returns those of @mounts that are below @path. Transfer: full. */
GPtrArray *mounts_below (const GPtrArray *mounts, const char *path);
