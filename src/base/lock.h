/* Locks on directory descriptors (flock(2)): they end with the process. */
#pragma once

#include <glib.h>

/* Takes an exclusive (@shared FALSE) or shared lock on @fd and waits for it. */
gboolean lock_take (int fd, gboolean shared, GError **error);
