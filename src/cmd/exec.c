/* bwrap-oci exec */
#include "config.h"

#include "base/error.h"
#include "cmd/cmd.h"
#include "run/exec.h"

typedef struct {
  ExecRequest request;
  const char *pid_file;
  const char *console_socket;
  GPtrArray *env, *caps, *groups, *cgroups;
} Options;

static const Option options[] = {
  OPTION_WORD (Options, request.process_file, 'p', "process", "FILE",
               "the process as JSON, instead of CMD"),
  OPTION_FLAG (Options, request.detach, 'd', "detach", "return when the program runs"),
  OPTION_FLAG (Options, request.terminal, 't', "tty", "give it a terminal"),
  OPTION_WORD (Options, request.cwd, 0, "cwd", "DIR", "working directory"),
  OPTION_STRINGS (Options, env, 'e', "env", "NAME=VALUE", "add to the environment"),
  OPTION_WORD (Options, request.user, 'u', "user", "UID[:GID]", "run as these ids"),
  OPTION_STRINGS (Options, groups, 'g', "additional-gids", "GID", "add a group"),
  OPTION_STRINGS (Options, caps, 'c', "cap", "CAP", "add a capability"),
  OPTION_FLAG (Options, request.no_new_privs, 0, "no-new-privs", "set no_new_privs"),
  OPTION_WORD (Options, pid_file, 0, "pid-file", "FILE", "write the program's pid there"),
  OPTION_WORD (Options, console_socket, 0, "console-socket", "PATH",
               "send the terminal to this socket"),
  OPTION_WORD (Options, request.pidfd_socket, 0, "pidfd-socket", "PATH",
               "send a pidfd of the program to this socket"),
  OPTION_UINT (Options, request.preserve_fds, 0, "preserve-fds", "N",
               "hand on N descriptors from 3 upwards"),
  OPTION_STRINGS (Options, cgroups, 0, "cgroup", "PATH",
                  "run in this cgroup below the container's"),
  OPTION_FLAG (Options, request.ignore_paused, 0, "ignore-paused", "also in a paused container"),
  OPTION_IGNORED ("no-subreaper", NULL, "accepted, without effect"),
  OPTION_WORD (Options, request.apparmor, 0, "apparmor", "PROFILE", "AppArmor profile"),
  OPTION_WORD (Options, request.label, 0, "process-label", "LABEL", "SELinux label"),
  OPTION_END,
};

static int
exec_run (const CmdContext *context, const Options *given, char **args, GError **error)
{
  ExecRequest request = given->request;
  g_autoptr (Store) store = cmd_open_store (context, FALSE, error);
  g_autoptr (Container) container = store != NULL ? container_open (store, args[0], error) : NULL;
  g_autofree char *pid_file = NULL, *console_socket = NULL;
  int status = 0;

  if (container == NULL)
    return -1;
  request.args = args + 1;
  request.env = given->env;
  request.caps = given->caps;
  request.groups = given->groups;
  request.cgroups = given->cgroups;
  if (given->pid_file != NULL)
    request.pid_file = pid_file = g_canonicalize_filename (given->pid_file, NULL);
  if (given->console_socket != NULL)
    request.console_socket = console_socket
      = g_canonicalize_filename (given->console_socket, NULL);
  request.absent_fds = context->absent_fds;
  if (!cmd_check_preserved (context, request.preserve_fds, error))
    return -1;
  if (request.process_file == NULL && args[1] == NULL)
    return throw_fd (error, "exec: no program given");
  return exec_in_container (container, &request, &status, error) ? status : -1;
}

/* Whatever keeps the program from running is 255, as with the peers. */
static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  int status = exec_run (context, values, args, error);

  if (status < 0 && error != NULL && *error != NULL)
    {
      g_prefix_error (error, "exec failed: ");
      (*error)->code = RUNTIME_ERROR_EXEC;
    }
  return status;
}

const Command cmd_exec = {
  .name = "exec",
  .arguments = "ID CMD [ARGUMENT...]",
  .summary = "run another program in a container",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = -1,
  /* of a wrong ID, too, what run says is 255 */
  .early_options = TRUE,
  .run = run,
};
