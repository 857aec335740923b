/* Mounts whose ids are mapped; see plan/mounts_idmap.c. */
#pragma once

#include "plan/plan.h"

/* Makes the id-mapped mounts of @plan and sends them to the init, whose control socket is
 * @control. */
gboolean idmapped_send (const Plan *plan, const HostFacts *facts, int control, GError **error);
