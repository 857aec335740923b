/* bwrap-oci delete */
#include "config.h"

#include "cmd/cmd.h"
#include "run/delete.h"

typedef struct {
  gboolean force;
} Options;

static const Option options[] = {
  OPTION_FLAG (Options, force, 'f', "force", "kill it first; an unknown ID is no error"),
  OPTION_END
};

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  g_autoptr (Store) store = cmd_open_store (context, FALSE, error);

  return store != NULL && container_delete (store, args[0], given->force, error) ? 0 : -1;
}

const Command cmd_delete = {
  .name = "delete",
  .arguments = "ID",
  .summary = "remove a container that has stopped",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = 1,
  .takes_id = TRUE,
  .run = run,
};
