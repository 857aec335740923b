/* With whose rights the running program runs, and where our other programs are. */
#pragma once

#include <glib.h>

/* Fails where the file of this program gave it rights that the caller lacks (AT_SECURE). */
gboolean self_unprivileged (GError **error);

/* Returns the absolute path of the running program. Transfer: full. */
char *self_path (GError **error);

/* Returns the absolute path of our program @name: beside this one in a build tree, else in
 * pkglibexecdir. No environment variable has a say. Transfer: full. */
char *self_find_program (const char *name, GError **error);
