/* --dry-run: the container's cgroup. */
#pragma once

#include "json/emit.h"
#include "plan/plan.h"

/* Appends what will be done with cgroups, for people; nothing if nothing is. */
void plan_format_cgroup (GString *out, const Plan *plan);

/* Writes the same as the member "cgroup" of the plan for machines. */
void plan_emit_cgroup (JsonEmit *emit, const Plan *plan);
