/* The init's instructions as the bytes it reads (init/ops.h). */
#pragma once

#include "plan/plan.h"

/* Encodes all instructions of @plan. @program is the filter for the one that carries a
 * seccomp filter, @program_flags its flags; NULL where there is none. Transfer: full. */
GByteArray *plan_encode (const Plan *plan, GBytes *program, guint32 program_flags);

/* Returns the name of instruction @code, as in "mount". */
const char *plan_op_name (guint32 code);
