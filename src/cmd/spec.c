/* bwrap-oci spec */
#include "config.h"

#include "cmd/cmd.h"

typedef struct {
  const char *bundle;
  const char *file;
  gboolean rootless;
} Options;

static const Option options[] = {
  OPTION_STRING (Options, bundle, 'b', "bundle", "DIR", "where to write it (default: here)"),
  OPTION_STRING (Options, file, 'f', "file", "FILE", "its name (default: config.json)"),
  OPTION_FLAG (Options, rootless, 0, "rootless", "for a caller without privilege"),
  OPTION_END
};

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  const char *const words[] = {
    given->bundle != NULL ? given->bundle : ".",
    given->file != NULL ? given->file : "config.json",
    given->rootless ? "rootless" : "",
    NULL,
  };

  return cmd_exec_companion (context, "spec", words, error);
}

const Command cmd_spec = {
  .name = "spec",
  .arguments = "",
  .summary = "write a config.json to begin with",
  .options = options,
  .options_size = sizeof (Options),
  .run = run,
};
