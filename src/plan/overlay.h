/* An overlay (the kernel's filesystems/overlayfs): its options name folders of the host, which have
 * to be carried into bwrap's empty root like the sources of binds. They come behind those. */
#pragma once

#include "spec/mounts.h"

#define OVERLAY_PROGRAM_ANNOTATION "org.bwrap-oci.overlay.mount_program"

/* Where fuse-overlayfs has what is staged for the init. It is a folder that is everywhere, may be
 * searched by everybody and holds nothing that a program needs. */
#define OVERLAY_TREE "/sys"

/* Returns the folders of the host that the mount options @data name, in the order in which they are
 * carried in. Transfer: full (of char *). */
GPtrArray *overlay_folders (const GPtrArray *data);

/* Whether the last of those is the one that holds the upper and the work folder; the others are the
 * lower ones, the topmost first. */
gboolean overlay_has_upper (const GPtrArray *data);

/* Returns @data with the names /s/N, /s/N+1 ... in place of those folders, N being @first.
 * Transfer: full (of char *). */
GPtrArray *overlay_stage (const GPtrArray *data, guint first);
