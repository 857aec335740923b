/* Mounts that the runtime makes and hands in; see plan/mounts_idmap.c. */
#pragma once

#include "plan/plan.h"

/* Makes these mounts of @plan and sends them to the init, whose control socket is @control. */
gboolean handed_send (const Plan *plan, const HostFacts *facts, int control, GError **error);
