/* Paths of the container as they are on the host, for the command of plan/plain.h. */
#pragma once

#include "plan/facts.h"
#include "spec/spec.h"

/* Fills paths of @facts, which has been filled for @spec otherwise. What cannot be looked at is no
 * error: its errno is there. */
void host_paths_probe (const OciSpec *spec, BundleFacts *facts);
