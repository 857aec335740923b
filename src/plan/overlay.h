/* An overlay (the kernel's filesystems/overlayfs): its options name folders of the host, which have
 * to be carried into bwrap's empty root like the sources of binds. They come behind those. */
#pragma once

#include "spec/mounts.h"

/* Returns the folders of the host that the mount options @data name, in the order in which they are
 * carried in. Transfer: full (of char *). */
GPtrArray *overlay_folders (const GPtrArray *data);

/* Returns @data with the names /s/N, /s/N+1 ... in place of those folders, N being @first.
 * Transfer: full (of char *). */
GPtrArray *overlay_stage (const GPtrArray *data, guint first);
