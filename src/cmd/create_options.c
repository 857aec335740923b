/* The options that create and run share; see create_options.h. */
#include "config.h"

#include "cmd/create_options.h"

#include "base/error.h"

gboolean
create_request (const CmdContext *context, const CreateOptions *options, const char *id,
                CreateRequest *ret_request, GError **error)
{
  const char *bundle = options->bundle != NULL ? options->bundle : ".";
  CreateRequest request = {
    .id = id,
    .bundle = g_canonicalize_filename (bundle, NULL),
    .config = options->config != NULL ? options->config : "config.json",
    .bwrap = context->options.bwrap,
    .cgroup_manager = context->cgroup_manager,
    .preserve_fds = options->preserve_fds,
    .new_keyring = !options->no_new_keyring,
    .detach = options->detach,
    .keep = options->keep,
  };

  if (options->pid_file != NULL)
    request.pid_file = g_canonicalize_filename (options->pid_file, NULL);
  if (options->console_socket != NULL)
    request.console_socket = g_canonicalize_filename (options->console_socket, NULL);
  if (id == NULL)
    request.id = g_path_get_basename (request.bundle);
  if (options->preserve_fds > 1000)
    return throw (error, "--preserve-fds %u: too many", options->preserve_fds);
  if (!store_check_id (request.id, error))
    return FALSE;
  *ret_request = request;
  return TRUE;
}
