/* Where our other programs are. */
#pragma once

#include <glib.h>

/* Returns the absolute path of the running program. Transfer: full. */
char *self_path (GError **error);

/* Returns the absolute path of our program @name: beside this one in a build tree, else in
 * pkglibexecdir. No environment variable has a say. Transfer: full. */
char *self_find_program (const char *name, GError **error);
