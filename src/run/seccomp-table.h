/* The rules of a system call filter as tables: for each number of each architecture, what is to be
 * done. seccomp-emit.h makes a program of them. */
#pragma once

#include "spec/seccomp.h"

#define SECCOMP_ARGUMENTS 6

/* A comparison of one argument. */
typedef struct {
  guint32 argument;
  OciSeccompOperator op;
  guint64 value;      /* the mask for OCI_SECCOMP_MASKED_EQ */
  guint64 value_two;  /* what the masked argument is compared with */
} SeccompCondition;

/* What is to be done with a call if all conditions hold. */
typedef struct {
  guint32 action;  /* SECCOMP_RET_... with its data */
  guint n;
  SeccompCondition conditions[SECCOMP_ARGUMENTS];
} SeccompRule;

/* One call. */
typedef struct {
  guint32 action;   /* if no rule holds */
  gboolean fixed;   /* @action is of a rule without conditions: no other rule counts */
  gboolean narrow;  /* arguments have 32 bits */
  GArray *rules;    /* of SeccompRule, the first that holds counts; NULL: none */
} SeccompCall;

/* All calls from number @start up to the next range. */
typedef struct {
  guint32 start;
  guint32 action;           /* if there are no rules */
  const SeccompCall *call;  /* of the one number of this range, if it has rules; NULL: none */
} SeccompRange;

/* One architecture. */
typedef struct {
  guint32 architecture;  /* AUDIT_ARCH_..., as the kernel has it in struct seccomp_data */
  GArray *ranges;        /* of SeccompRange, in order; the first starts at 0 */
  GHashTable *calls;     /* owns the calls */
} SeccompTable;

/* Makes the tables (of SeccompTable) for @seccomp, the machine's own architecture first.
 * @ret_complete is FALSE if something that a rule forbids will not be forbidden, which has been
 * warned of. Transfer: full. */
GPtrArray *seccomp_tables_new (const OciSeccomp *seccomp, gboolean *ret_complete);
