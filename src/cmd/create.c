/* bwrap-oci create ID */
#include "config.h"

#include "cmd/create_options.h"

static const Option options[] = {
  OPTION_STRING (CreateOptions, bundle, 'b', "bundle", "DIR",
                 "the bundle's directory (default: the current one)"),
  OPTION_STRING (CreateOptions, config, 'f', "config", "FILE",
                 "its configuration (default: config.json)"),
  OPTION_STRING (CreateOptions, pid_file, 0, "pid-file", "FILE",
                 "write the pid of the first process there"),
  OPTION_STRING (CreateOptions, console_socket, 0, "console-socket", "PATH",
                 "send the terminal to this socket"),
  OPTION_STRING (CreateOptions, pidfd_socket, 0, "pidfd-socket", "PATH",
                 "send a pidfd of the first process to this socket"),
  OPTION_UINT (CreateOptions, preserve_fds, 0, "preserve-fds", "N",
               "hand on N descriptors from 3 upwards"),
  OPTION_FLAG (CreateOptions, no_new_keyring, 0, "no-new-keyring", "keep the session keyring"),
  OPTION_IGNORED ("no-pivot", NULL, "accepted, without effect"),
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
