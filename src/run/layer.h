/* The writable layer that a container has: in its own directory, made with it and gone with it, or
 * in a folder that the caller keeps. */
#pragma once

#include "plan/facts.h"
#include "run/container.h"

/* Makes the folder of @container; returns a descriptor of it (O_PATH), -1 on error. */
int layer_make (const Container *container, GError **error);

/* Makes sure that no live container of @store has its writable layer in the folder @directory,
 * which stands at @at: what two overlays do in one is undefined, and a kernel that works for a user
 * namespace does not prevent it. *@ret_claim, to be closed when the container is on record, keeps
 * others from it meanwhile. */
gboolean layer_claim (const Store *store, const SourceFacts *directory, const char *at,
                      int *ret_claim, GError **error);

/* Removes the folder with everything in it, if there is one. What the container has made belongs to
 * ids of its own: where the caller may not remove that, a child does who has all of the caller's
 * ids. */
gboolean layer_remove (const Container *container, GError **error);
