/* bwrap-oci create ID */
#include "config.h"

#include "cmd/create_options.h"

static const Option options[] = {
  CREATE_OPTION_ROWS,
  OPTION_END,
};

static int
create (const CmdContext *context, gconstpointer data, char **args, GError **error)
{
  g_autoptr (Store) store = NULL;
  g_auto (CreateRequest) request = { 0 };

  if (!create_request_fill (context, data, args[0], &request, error))
    return -1;
  store = cmd_open_store (context, TRUE, error);
  if (store == NULL)
    return -1;
  return create_container (store, &request, error) ? 0 : -1;
}

const Command cmd_create = {
  .name = "create",
  .arguments = "ID",
  .summary = "make a container that waits for its start",
  .options = options,
  .options_size = sizeof (CreateOptions),
  .min_args = 1,
  .max_args = 1,
  .run = create,
};
