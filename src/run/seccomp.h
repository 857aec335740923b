/* The system call filter: from the configuration's rules to the program for seccomp(2), which the
 * init loads. What the rules mean is in seccomp-table.c, what the program is like in
 * seccomp-emit.c. Programs are kept in the state root, known by the content of the rules. */
#pragma once

#include "spec/seccomp.h"

/* Makes the program for @seccomp: an array of struct sock_filter, at most BPF_MAXINSNS long;
 * NULL if the configuration asks for no filter (default_action -1). @ret_flags gets the flags of
 * seccomp(2), without SECCOMP_FILTER_FLAG_NEW_LISTENER, which is the caller's to add if
 * seccomp_notifies(). Programs are looked for and kept in ".cache" below the state root @root_fd;
 * -1: neither.
 * Errors: "config.json: /linux/seccomp/...: what cannot be done". Transfer: full. */
gboolean seccomp_program (const OciSeccomp *seccomp, int root_fd, GBytes **ret_program,
                          guint32 *ret_flags, GError **error);

/* Whether a rule of @seccomp hands calls to a listener (SCMP_ACT_NOTIFY). */
gboolean seccomp_notifies (const OciSeccomp *seccomp);
