/* The system call filter: from the configuration's rules to the program for seccomp(2).
 *
 * libseccomp makes the program (seccomp_init(3), seccomp_rule_add(3)); the init loads it. Making
 * one for an engine's default profile takes milliseconds, so programs are kept in the state root
 * by the content of the rules. The rules mean what they mean to the peers: see seccomp-compile.c. */
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
