/* Names of the kernel's numbers: signals, capabilities, resource limits. */
#pragma once

#include <glib.h>

/* A name and its number; the last row of a table has a NULL name. */
typedef struct {
  const char *name;
  gint64 value;
} Name;

/* Finds @name (exact case) in @table; returns NULL if it is not there. */
const Name *name_find (const Name *table, const char *name);

/* Finds the first row of @value; returns its name or NULL. */
const char *name_of (const Name *table, gint64 value);

extern const Name name_rlimits[];       /* RLIMIT_NOFILE ... */
extern const Name name_capabilities[];  /* CAP_CHOWN ..., in the kernel's order */

/* Reads a signal as kill(1) does: a number from 0 to SIGRTMAX, or a name with or
 * without SIG in any case, RTMIN+N and RTMAX-N too. Returns -1 if it is none. */
int name_to_signal (const char *text);

/* Returns the name of @signal without SIG: "TERM", "RTMIN+3"; its number where it has none.
 * Transfer: full. */
char *name_of_signal (int signal);

/* Returns what the system calls @signal, as runc has it: "bad system call". Transfer: full. */
char *name_signal_words (int signal);
