/* --dry-run: the whole Plan, for people or for machines. */
#pragma once

#include "plan/plan.h"

/* Prints on standard output the bwrap command (quoted for a shell), the id maps, the init's
 * instructions in words, and on standard error what is ignored or not to the letter. */
void plan_print (const Plan *plan, const HostFacts *facts, const PlanOptions *options);

/* Returns @plan as one JSON object, with slots where descriptors will be. The form is stable:
 * members are added, never changed. Transfer: full. */
GString *plan_format_json (const Plan *plan);
