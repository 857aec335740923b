/* The options that create and run share; see create_options.h. */
#include "config.h"

#include "cmd/create_options.h"

#include "base/error.h"
#include "run/notify.h"

#include <string.h>
#include <unistd.h>

#define PRESERVE_FDS_MAX 1000

/* How many descriptors were given to us by the protocol of sd_listen_fds(3). */
static guint
listen_fds (const Environment *environment)
{
  guint64 pid, count;

  if (environment->listen_pid == NULL || environment->listen_fds == NULL
      || !g_ascii_string_to_unsigned (environment->listen_pid, 10, 1, G_MAXINT32, &pid, NULL)
      || !g_ascii_string_to_unsigned (environment->listen_fds, 10, 1, PRESERVE_FDS_MAX, &count,
                                      NULL)
      || (pid_t) pid != getpid ())
    return 0;
  return (guint) count;
}

/* Where the user's own bus is: callers often pass on no more than XDG_RUNTIME_DIR. */
static char *
session_bus (const Environment *environment)
{
  if (environment->bus_address != NULL)
    return g_strdup (environment->bus_address);
  return environment->runtime_dir != NULL ? g_build_filename (environment->runtime_dir, "bus", NULL)
                                          : NULL;
}

/* Paths are the caller's; the words are those of plan/layers.h. */
static void
fill_overlay (const CreateOptions *options, CreateRequest *request)
{
  const char *where = options->overlay;

  if (where != NULL)
    request->overlay = strcmp (where, "state") == 0 || strcmp (where, "volatile") == 0
                         ? g_strdup (where) : g_canonicalize_filename (where, NULL);
  if (options->mount_program != NULL)
    request->mount_program = g_canonicalize_filename (options->mount_program, NULL);
  if (options->overlay_lower == NULL)
    return;
  request->overlay_lower = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < options->overlay_lower->len; i++)
    g_ptr_array_add (request->overlay_lower,
                     g_canonicalize_filename (g_ptr_array_index (options->overlay_lower, i), NULL));
}

gboolean
create_mode_read (const char *mode, gboolean *ret_plain, GError **error)
{
  gboolean plain = g_strcmp0 (mode, "plain") == 0;

  if (mode != NULL && !plain && strcmp (mode, "normal") != 0)
    return throw (error, "invalid mode \"%s\": expected normal or plain", mode);
  *ret_plain = plain;
  return TRUE;
}

gboolean
create_request_fill (const CmdContext *context, const CreateOptions *options, const char *id,
                     CreateRequest *ret_request, GError **error)
{
  const char *notify_socket = context->environment.notify_socket;
  guint listening = listen_fds (&context->environment);
  CreateRequest *request = ret_request;

  *request = (CreateRequest) {
    .bundle = g_canonicalize_filename (options->bundle != NULL ? options->bundle : ".", NULL),
    .config = options->config != NULL ? options->config : "config.json",
    .bwrap = context->options.bwrap,
    .cgroup_manager = context->cgroup_manager,
    .preserve_fds = listening + options->preserve_fds,
    .absent_fds = context->absent_fds,
    .listen_fds = listening,
    .new_keyring = !options->no_new_keyring,
    .detach = options->detach,
    .keep = options->keep,
    .look = options->dry_run,
  };
  request->id = id != NULL ? g_strdup (id) : g_path_get_basename (request->bundle);
  if (options->pid_file != NULL)
    request->pid_file = g_canonicalize_filename (options->pid_file, NULL);
  if (options->console_socket != NULL)
    request->console_socket = g_canonicalize_filename (options->console_socket, NULL);
  if (options->pidfd_socket != NULL)
    request->pidfd_socket = g_canonicalize_filename (options->pidfd_socket, NULL);
  request->session_bus = session_bus (&context->environment);
  fill_overlay (options, request);
  if (notify_socket != NULL && notify_is_address (notify_socket))
    request->notify_socket = notify_socket;
  if (options->preserve_fds > PRESERVE_FDS_MAX)
    return throw (error, "--preserve-fds %u: too many", options->preserve_fds);
  for (guint i = 0; i < MIN (listening, 64); i++)
    if (!cmd_check_preserved (context, i + 1, error))
      return FALSE;
  if (!cmd_check_preserved (context, request->preserve_fds, error))
    return FALSE;
  /* paths are recorded as JSON, which has no other encoding */
  if (!g_utf8_validate (request->bundle, -1, NULL))
    return throw (error, "bundle %s: its path is not UTF-8", request->bundle);
  return create_mode_read (options->mode, &request->plain, error)
         && store_check_id (request->id, error);
}
