/* A system call filter against the rules it was made of: a small interpreter of the kernel's
 * programs, and a small interpreter of the rules as the configuration has them. */
#pragma once

#include "spec/seccomp.h"

#include <linux/seccomp.h>

#define X32_BIT 0x40000000u

/* The architectures that calls are made up for. */
#define FILTER_ARCHITECTURES 5

/* Values around which comparisons go wrong. */
#define FILTER_VALUES 19
extern const guint64 filter_values[FILTER_VALUES];

/* Rules, with the highest number that they name on each architecture. */
typedef struct {
  const OciSeccomp *seccomp;
  int highest[FILTER_ARCHITECTURES];
} FilterRules;

void filter_rules_init (FilterRules *rules, const OciSeccomp *seccomp);

/* Whether call @number of @token (SCMP_ARCH_...) is newer than all that the rules name, so that it
 * has to look unknown. */
gboolean filter_is_newer (const FilterRules *rules, guint32 token, guint32 number);

/* Returns SECCOMP_RET_... with its data for @action. */
guint32 filter_answer (int action, const OptUint32 *errno_ret);

/* Returns what @program (of struct sock_filter) says of the call @data, as the kernel would run it
 * (Documentation/networking/filter.rst). */
guint32 filter_interpret (GBytes *program, const struct seccomp_data *data);

/* Makes up a call, often one that the rules speak of. */
void filter_random_call (GRand *random, const OciSeccomp *seccomp, struct seccomp_data *data);

/* Compares @program with the rules on @n calls; ends the process where they differ. */
void filter_check (const OciSeccomp *seccomp, GBytes *program, GRand *random, guint n);
