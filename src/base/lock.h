/* Locks on directory descriptors (flock(2)): they end with the process. */
#pragma once

#include <glib.h>

/* Takes an exclusive (@shared FALSE) or shared lock on @fd and waits for it. */
gboolean lock_take (int fd, gboolean shared, GError **error);

/* Takes the lock if that needs no waiting; *@ret_taken says whether it did. */
gboolean lock_try (int fd, gboolean shared, gboolean *ret_taken, GError **error);

/* Gives the lock back, also for other processes that hold copies of @fd. */
void lock_release (int fd);
