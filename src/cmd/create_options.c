/* The options that create and run share; see create_options.h. */
#include "config.h"

#include "cmd/create_options.h"

#include "base/error.h"

gboolean
create_request_fill (const CmdContext *context, const CreateOptions *options, const char *id,
                     CreateRequest *ret_request, GError **error)
{
  CreateRequest *request = ret_request;

  *request = (CreateRequest) {
    .bundle = g_canonicalize_filename (options->bundle != NULL ? options->bundle : ".", NULL),
    .config = options->config != NULL ? options->config : "config.json",
    .bwrap = context->options.bwrap,
    .cgroup_manager = context->cgroup_manager,
    .preserve_fds = options->preserve_fds,
    .new_keyring = !options->no_new_keyring,
    .detach = options->detach,
    .keep = options->keep,
  };
  request->id = id != NULL ? g_strdup (id) : g_path_get_basename (request->bundle);
  if (options->pid_file != NULL)
    request->pid_file = g_canonicalize_filename (options->pid_file, NULL);
  if (options->console_socket != NULL)
    request->console_socket = g_canonicalize_filename (options->console_socket, NULL);
  if (options->pidfd_socket != NULL)
    request->pidfd_socket = g_canonicalize_filename (options->pidfd_socket, NULL);
  if (options->preserve_fds > 1000)
    return throw (error, "--preserve-fds %u: too many", options->preserve_fds);
  /* paths are recorded as JSON, which has no other encoding */
  if (!g_utf8_validate (request->bundle, -1, NULL))
    return throw (error, "bundle %s: its path is not UTF-8", request->bundle);
  return store_check_id (request->id, error);
}
