/* Hooks (runtime-spec config.md, "POSIX-platform Hooks"). */
#pragma once

#include "json/field.h"

typedef struct {
  char *path;        /* absolute, never NULL */
  char **args;       /* the whole argv, args[0] included; NULL: absent */
  char **env;        /* each "NAME=value"; NULL: absent */
  OptInt64 timeout;  /* seconds, at least 1 */
} OciHook;

/* Arrays of OciHook, in the order in which they are called. */
typedef struct {
  GPtrArray *prestart;
  GPtrArray *create_runtime;
  GPtrArray *create_container;
  GPtrArray *start_container;
  GPtrArray *poststart;
  GPtrArray *poststop;
} OciHooks;

extern const FieldType oci_hooks_type;

/* Checks what the rows cannot. */
gboolean oci_hooks_check (const OciHooks *hooks, GError **error);
