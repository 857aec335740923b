/* bwrap-oci features */
#include "config.h"

#include "cmd/cmd.h"

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const char *const words[] = { context->options.bwrap != NULL ? context->options.bwrap : "",
                                NULL };

  return cmd_exec_companion (context, "features", words, error);
}

const Command cmd_features = {
  .name = "features",
  .arguments = "",
  .summary = "print what this runtime can do as JSON",
  .run = run,
};
