/* bwrap-oci kill */
#include "config.h"

#include "base/error.h"
#include "base/names.h"
#include "cmd/cmd.h"
#include "run/kill.h"

typedef struct {
  gboolean all;
} Options;

static const Option options[] = {
  OPTION_FLAG (Options, all, 'a', "all", "to all processes of the container, not only the first"),
  OPTION_END
};

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  const char *name = args[1] != NULL ? args[1] : "TERM";
  int signal = name_to_signal (name);
  g_autoptr (Container) container = NULL;
  g_autoptr (Store) store = NULL;

  if (signal < 0)
    return throw_fd (error, "unknown signal \"%s\"", name);
  store = cmd_open_store (context, FALSE, error);
  if (store == NULL)
    return -1;
  container = container_open (store, args[0], error);
  return container != NULL && container_kill (container, signal, given->all, error) ? 0 : -1;
}

const Command cmd_kill = {
  .name = "kill",
  .arguments = "ID [SIGNAL]",
  .summary = "send a signal to a container (default: TERM)",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = 2,
  .takes_id = TRUE,
  .run = run,
};
