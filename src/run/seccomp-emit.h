/* The program of a system call filter. */
#pragma once

#include "run/seccomp-table.h"

#include <linux/filter.h>

/* Makes the program (of struct sock_filter) for @tables (of SeccompTable). A call of any other
 * architecture ends the thread. Errors: it is longer than BPF_MAXINSNS. Transfer: full. */
GArray *seccomp_emit (const GPtrArray *tables, GError **error);
