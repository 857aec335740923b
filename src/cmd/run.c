/* bwrap-oci run [ID] */
#include "config.h"

#include "cmd/create_options.h"

#include "base/error.h"

static const Option options[] = {
  CREATE_OPTION_ROWS,
  OPTION_STRING (CreateOptions, config, 'c', "configuration", "FILE", "the same as --config"),
  OPTION_FLAG (CreateOptions, detach, 'd', "detach", "return when the program runs"),
  OPTION_FLAG (CreateOptions, keep, 0, "keep", "do not remove the container when it ends"),
  OPTION_FLAG (CreateOptions, dry_run, 0, "dry-run", "only print what would be done"),
  OPTION_FLAG (CreateOptions, json, 0, "json", "as JSON, with --dry-run"),
  OPTION_FLAG (CreateOptions, plain, 0, "plain", "as one bwrap command, with --dry-run"),
  OPTION_IGNORED ("no-subreaper", NULL, "accepted, without effect"),
  OPTION_END,
};

static int
run (const CmdContext *context, gconstpointer data, char **args, GError **error)
{
  const CreateOptions *given = data;
  g_autoptr (Store) store = NULL;
  g_auto (CreateRequest) request = { 0 };
  int status = 0;

  if (given->plain && !given->dry_run)
    return throw_fd (error, "run: --plain goes with --dry-run");
  if (!create_request_fill (context, given, args[0], &request, error))
    return -1;
  store = cmd_open_store (context, !given->dry_run, error);
  if (store == NULL)
    return -1;
  if (given->plain)
    return print_plain (store, &request, error) ? 0 : -1;
  if (given->dry_run)
    return print_plan (store, &request, given->json, error) ? 0 : -1;
  return run_container (store, &request, &status, error) ? status : -1;
}

const Command cmd_run = {
  .name = "run",
  .arguments = "[ID]",
  .summary = "run a bundle to the end of its program",
  .options = options,
  .options_size = sizeof (CreateOptions),
  .max_args = 1,
  .run = run,
};
