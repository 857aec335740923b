/* --dry-run --plain: one bwrap command that runs by hand, with bubblewrap alone.
 *
 * It gives the same container as far as bwrap can; the rest is told, item by item. One command
 * cannot wait for newuidmap, so one id is mapped: the process's, to the caller. And bwrap follows
 * links in the image while the host is still in reach, so a destination is used only where it was
 * seen to have none in it. Where bwrap can do less, there is less: never less isolation. */
#pragma once

#include "plan/plan.h"

typedef struct {
  GPtrArray *words;   /* of the command */
  GString *command;   /* the same for a shell, without a newline at the end */
  GPtrArray *losses;  /* of PlanNote: what the command does not do */
} Plain;

/* Makes the command for @spec. @facts must be those after host_paths_probe(). Errors are what no
 * command could be made for: "config.json: POINTER: ...". Transfer: full. */
Plain *plain_new (const OciSpec *spec, const HostFacts *facts, GError **error);

void plain_free (Plain *plain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Plain, plain_free)

/* Returns the losses of @plain, a line each. Transfer: full. */
GString *plain_format_losses (const Plain *plain);

/* Prints the command on standard output and the losses on standard error. */
void plain_print (const Plain *plain);

/* Returns which paths of a container of @spec must be looked up, as PathFacts by JSON pointer
 * ("/mounts/3", with those added; "/process/cwd"; a device of the usual ones by its path);
 * what is to be found on the host is still open. Transfer: full. */
GHashTable *plain_paths (const OciSpec *spec);
