/* The process of an exec: from a file, or the container's with changes. */
#pragma once

#include "run/exec.h"
#include "spec/spec.h"

/* Returns the process that @request asks for in a container of @spec, whose own process is taken
 * out of it and changed. Transfer: full. */
OciProcess *exec_process (OciSpec *spec, const ExecRequest *request, GError **error);
