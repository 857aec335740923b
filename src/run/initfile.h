/* Copies of the init that a container can have: to write to one changes no other container's. */
#pragma once

#include <glib.h>

/* Returns a sealed memfd with the init, -1 on error. */
int init_file_sealed (GError **error);

/* The same as a file that may be executed by its descriptor alone, and by what goes by paths: where
 * there is a place for it a file without a name, else a sealed memfd. An AppArmor profile on bwrap
 * takes every memfd for "/", which patterns for programs do not match. */
int init_file_plain (GError **error);
