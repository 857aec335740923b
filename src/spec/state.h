/* The state of a container as one line of JSON (runtime-spec runtime.md, "State"), which hooks read
 * from their standard input. */
#pragma once

#include "json/emit.h"
#include "json/field.h"

#include <sys/types.h>

typedef struct {
  const char *oci_version;
  const char *id;
  const char *status;
  const char *bundle;
  const GPtrArray *annotations;  /* of OciPair; NULL: none */
  pid_t pid;                     /* 0: it has no process (any more) */
} OciState;

/* Adds the state as an object, in an object under @key. */
void oci_state_emit (JsonEmit *emit, const char *key, const OciState *state);

/* Returns @state as one line with its newline. Transfer: full. */
GString *oci_state_format (const OciState *state);

/* Returns that line up to where the number of the process belongs, which only the process itself
 * knows; behind it go "}" and a newline. Transfer: full. */
GString *oci_state_format_head (const OciState *state);
