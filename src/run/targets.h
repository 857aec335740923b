/* Mount points that bwrap is given by their paths (the plain mode). */
#pragma once

#include "plan/plan.h"

/* Looks at each of the plan's targets, and makes what is missing if @make. Fails where a link is in
 * the way, or somebody else could put one there; nobody follows it then. */
gboolean targets_prepare (const Plan *plan, const HostFacts *facts, gboolean make,
                          GError **error);
