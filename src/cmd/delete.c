/* bwrap-oci delete */
#include "config.h"

#include "cmd/cmd.h"
#include "cmd/ids.h"
#include "run/delete.h"

typedef struct {
  gboolean force;
  gboolean regex;
} Options;

static const Option options[] = {
  OPTION_FLAG (Options, force, 'f', "force", "kill it first; an unknown ID is no error"),
  OPTION_FLAG (Options, regex, 'r', "regex", "all whose id this expression matches"),
  OPTION_END
};

static gboolean
delete_one (const Store *store, const char *id, gconstpointer data, GError **error)
{
  const Options *given = data;

  return container_delete (store, id, given->force, error);
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  g_autoptr (Store) store = cmd_open_store (context, FALSE, error);
  const IdAction action = { delete_one, given };

  return store != NULL && ids_act (store, args[0], given->regex, &action, error) ? 0 : -1;
}

const Command cmd_delete = {
  .name = "delete",
  .arguments = "ID",
  .summary = "remove a container that has stopped",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = 1,
  .run = run,
};
