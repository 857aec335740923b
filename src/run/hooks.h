/* Running hooks outside the container (runtime-spec config.md, "POSIX-platform Hooks"). Those of
 * startContainer are run by the init. */
#pragma once

#include "base/spawn.h"
#include "run/record.h"
#include "spec/hooks.h"

typedef enum {
  HOOK_PRESTART,
  HOOK_CREATE_RUNTIME,
  HOOK_CREATE_CONTAINER,
  HOOK_POSTSTART,
  HOOK_POSTSTOP,
} HookKind;

typedef struct {
  const OciHooks *hooks;              /* NULL: there are none */
  const ContainerRecord *record;      /* of the container, for the state */
  pid_t pid;                          /* its first process, as seen here; 0: it is gone */
  int pidfd;                          /* the hooks end with this process; 0: with none */
  const SpawnNamespaces *namespaces;  /* its, for createContainer */
} HookRequest;

/* Runs the hooks of @kind one after the other, until one fails: "KIND hook N PATH: ...". A hook
 * that is too late, or of which we are asked to end, is killed with its process group. */
gboolean hooks_run (const HookRequest *request, HookKind kind, GError **error);

/* Runs all poststop hooks; one that fails is only warned of. */
void hooks_run_poststop (const HookRequest *request);

/* Whether there are hooks that run after create. */
gboolean hooks_come_later (const OciHooks *hooks);
