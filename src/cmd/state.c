/* bwrap-oci state */
#include "config.h"

#include "cmd/cmd.h"

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  g_autofree char *root = cmd_locate_store (context, error);
  const char *const words[] = { root, args[0], NULL };

  return root != NULL ? cmd_exec_companion (context, "state", words, error) : -1;
}

const Command cmd_state = {
  .name = "state",
  .arguments = "ID",
  .summary = "print the state of a container as JSON",
  .min_args = 1,
  .max_args = 1,
  .takes_id = TRUE,
  .run = run,
};
