/* bwrap-oci resume */
#include "config.h"

#include "cmd/cmd.h"
#include "run/pause.h"

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  g_autoptr (Container) container = NULL;
  g_autoptr (Store) store = cmd_open_store (context, FALSE, error);

  if (store == NULL)
    return -1;
  container = container_open_locked (store, args[0], error);
  return container != NULL && container_resume (container, error) ? 0 : -1;
}

const Command cmd_resume = {
  .name = "resume",
  .arguments = "ID",
  .summary = "let a paused container go on",
  .min_args = 1,
  .max_args = 1,
  .takes_id = TRUE,
  .run = run,
};
