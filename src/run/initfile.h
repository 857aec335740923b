/* Copies of the init that a container can have: to write to one changes no other container's. */
#pragma once

#include <glib.h>

/* Returns a sealed memfd with the init, -1 on error. */
int init_file_sealed (GError **error);

/* Returns the same as a file that only who may read any file of the caller's can read: what runs it
 * cannot be looked at (prctl(2), PR_SET_DUMPABLE), and belongs to the caller's user namespace. */
int init_file_opaque (GError **error);

/* Returns the same for bwrap to execute by its descriptor, also where a security module goes by
 * paths: a file without a name in /dev/shm, or where that cannot be a sealed memfd. AppArmor takes
 * every memfd for "/", which no pattern for programs matches. */
int init_file_plain (GError **error);
