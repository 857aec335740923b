/* --dry-run: the whole Plan, for people or for machines. */
#pragma once

#include "plan/plan.h"

/* Returns the bwrap command (quoted for a shell), the id maps and the init's instructions in words,
 * a line each. Transfer: full. */
GString *plan_format_text (const Plan *plan, const HostFacts *facts, const PlanOptions *options);

/* Returns what is ignored or not to the letter, a line each. Transfer: full. */
GString *plan_format_notes (const Plan *plan);

/* Prints the text on standard output and the notes on standard error. */
void plan_print (const Plan *plan, const HostFacts *facts, const PlanOptions *options);

/* Returns @plan as one JSON object, with slots where descriptors will be. The form is stable:
 * members are added, never changed. Transfer: full. */
GString *plan_format_json (const Plan *plan);
