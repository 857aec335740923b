/* Why a container could not be made, where only the machine's settings tell. */
#pragma once

#include "plan/plan.h"

/* Puts into @error, that of a launch by @plan, what the administrator has to change, if it looks
 * like something that the machine forbids. @made: there were namespaces already. Only to be called
 * after a failure: it reads kernel parameters that nobody needs otherwise. Returns FALSE. */
gboolean explain_failure (const Plan *plan, gboolean made, GError **error);
