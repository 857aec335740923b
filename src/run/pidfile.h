/* Pid files. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Writes @pid to the absolute @path as callers read it: digits and nothing else, whole or not
 * there. */
gboolean pid_file_write (const char *path, pid_t pid, GError **error);

/* Takes it away, for whom what it tells of has not come about. */
void pid_file_remove (const char *path);
