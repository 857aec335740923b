/* A bundle as a service: the unit file for systemd (systemd.service(5)) that runs it.
 *
 * Pure, as the plan: the configuration and what the caller asked become text. */
#pragma once

#include "spec/spec.h"

typedef enum {
  UNIT_SIMPLE,   /* the runtime stays the main process, and is active from its start */
  UNIT_NOTIFY,   /* the same, but active when the program says so by sd_notify(3) */
  UNIT_FORKING,  /* the container's first process is the main process */
} UnitType;

extern const Name unit_types[];  /* "simple", "notify", "forking" */

typedef struct {
  const char *name;            /* the container's id */
  const char *bundle;          /* absolute */
  const char *config;          /* NULL: config.json */
  int type;                    /* UnitType; -1: the one that fits the program */
  const char *program;         /* absolute path of the runtime */
  const char *const *globals;  /* its options before the command, NULL-terminated */
} UnitOptions;

/* Returns the text of the unit. Fails for a configuration that cannot be a service, by the pointer
 * of the property, and for words that a unit cannot hold. Transfer: full. */
char *unit_format (const OciSpec *spec, const UnitOptions *options, GError **error);

/* Appends the resource limits of @spec as settings of systemd.resource-control(5), one a line. */
gboolean unit_append_limits (GString *unit, const OciSpec *spec, GError **error);
