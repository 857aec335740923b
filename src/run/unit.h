/* Services of systemd for containers and bundles. */
#pragma once

#include "run/record.h"
#include "run/store.h"

typedef struct {
  const char *what;              /* a container's id, or the folder of a bundle */
  const char *name;              /* of the container; NULL: the id, or the name of the folder */
  const char *config;            /* file name, as in CreateRequest */
  int type;                      /* UnitType; -1: the one that fits the program */
  const char *const *globals;    /* options before the command, NULL-terminated */
} UnitRequest;

/* Prints the unit that runs the bundle; for a container the one that it was made of. */
gboolean print_unit (const Store *store, const UnitRequest *request, GError **error);
