/* Which security modules are at work. */
#pragma once

#include "plan/facts.h"

/* Fills @ret_modules. That nothing can be found out is no error: then there are none. */
void host_security_probe (SecurityModules *ret_modules);
