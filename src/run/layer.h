/* The writable layer that a container has in its own directory: made with it, and gone with it. */
#pragma once

#include "run/container.h"

/* Makes the folder of @container; returns a descriptor of it (O_PATH), -1 on error. */
int layer_make (const Container *container, GError **error);

/* Removes the folder with everything in it, if there is one. What the container has made belongs to
 * ids of its own: where the caller may not remove that, a child does who has all of the caller's
 * ids. */
gboolean layer_remove (const Container *container, GError **error);
