/* Copies of the init that a container can have: to write to one changes no other container's. */
#pragma once

#include <glib.h>

/* Returns a sealed memfd with the init, -1 on error. */
int init_file_sealed (GError **error);

/* Returns the same for bwrap to execute by its descriptor, also where a security module goes by
 * paths: a file without a name in /dev/shm, or where that cannot be a sealed memfd. AppArmor takes
 * every memfd for "/", which no pattern for programs matches. */
int init_file_plain (GError **error);
