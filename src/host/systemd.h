/* What must be known of the world for a container whose program may be systemd. */
#pragma once

#include "plan/systemd.h"

/* Fills @ret_facts for @spec, whose relative paths are those of the absolute path @bundle. What
 * cannot be found out is no error. */
void host_systemd_probe (const OciSpec *spec, const char *bundle, SystemdFacts *ret_facts);
