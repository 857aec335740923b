/* Commands for one container or for all whose id an expression matches. */
#pragma once

#include "run/store.h"

/* What is done with each container. */
typedef struct {
  gboolean (*function) (const Store *store, const char *id, gconstpointer data, GError **error);
  gconstpointer data;
} IdAction;

/* Does @action with the container @word; with @regex, with each container in whose id the extended
 * regular expression @word (regex(7)) is found: one that fails does not keep it from the others,
 * and the first failure is the error. */
gboolean ids_act (const Store *store, const char *word, gboolean regex, const IdAction *action,
                  GError **error);
