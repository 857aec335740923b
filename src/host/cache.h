/* Files in the state root that spare the next command some work and may vanish at any
 * time: what is unreadable, foreign or too large is simply not there. */
#pragma once

#include <glib.h>

/* Reads @name below the state root @root_fd. Only a regular file of this user is read (openat(2),
 * O_NOFOLLOW), of at most @limit bytes. FALSE: it is not there; also if @root_fd is -1. The bytes
 * are followed by a NUL that is not counted. Transfer: full. */
gboolean cache_load (int root_fd, const char *name, gsize limit, char **ret_data,
                     gsize *ret_length);

/* Puts @length bytes into @name below @root_fd, by a temporary file and rename(2). A failure is
 * only a debug message. Nothing is done if @root_fd is -1. */
void cache_store (int root_fd, const char *name, const void *data, gsize length);

/* Removes the oldest files (by modification) of the directory @name below @root_fd until at most
 * @limit are left. */
void cache_trim (int root_fd, const char *name, guint limit);
