/* bwrap-oci kill */
#include "config.h"

#include "base/error.h"
#include "base/names.h"
#include "cmd/cmd.h"
#include "cmd/ids.h"
#include "run/kill.h"

typedef struct {
  gboolean all;
  gboolean regex;
} Options;

static const Option options[] = {
  OPTION_FLAG (Options, all, 'a', "all", "to all processes of the container"),
  OPTION_FLAG (Options, regex, 'r', "regex", "all whose id this expression matches"),
  OPTION_END
};

typedef struct {
  int signal;
  gboolean all;
} Signal;

static gboolean
kill_one (const Store *store, const char *id, gconstpointer data, GError **error)
{
  g_autoptr (Container) container = container_open (store, id, error);
  const Signal *signal = data;

  return container != NULL && container_kill (container, signal->signal, signal->all, error);
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  const Options *given = values;
  const char *name = args[1] != NULL ? args[1] : "TERM";
  Signal signal = { name_to_signal (name), given->all };
  const IdAction action = { kill_one, &signal };
  g_autoptr (Store) store = NULL;

  if (signal.signal < 0)
    return throw_fd (error, "unknown signal \"%s\"", name);
  store = cmd_open_store (context, FALSE, error);
  return store != NULL && ids_act (store, args[0], given->regex, &action, error) ? 0 : -1;
}

const Command cmd_kill = {
  .name = "kill",
  .arguments = "ID [SIGNAL]",
  .summary = "send a signal to a container (default: TERM)",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = 2,
  .early_options = TRUE,
  .run = run,
};
