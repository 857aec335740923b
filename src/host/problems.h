/* What this host lacks or forbids, for "check": each problem with the command that mends it. */
#pragma once

#include "plan/facts.h"

typedef struct {
  gboolean fatal;  /* no container can be made; else only less is possible */
  char *what;
  char *remedy;    /* NULL: nothing that can be done here */
} HostProblem;

/* Returns an array that takes HostProblem. Transfer: full. */
GPtrArray *host_problems_new (void);

/* Adds one; a remedy in parentheses at the end of @message is taken apart. */
void host_problems_add (GPtrArray *problems, gboolean fatal, const char *message);

/* Adds all that @facts show, which must be those after host_machine_probe_problems() and
 * host_cgroup_places(). @types: the namespaces (CLONE_NEW...) that are to be made. */
void host_problems_find (GPtrArray *problems, const MachineFacts *facts, int types);

/* Whether one of @problems is fatal. */
gboolean host_problems_are_fatal (const GPtrArray *problems);
