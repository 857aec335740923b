/* bwrap-oci unshare */
#include "config.h"

#include "run/unshare.h"

#include "base/error.h"
#include "base/fd.h"
#include "cmd/cmd.h"

#include <sched.h>
#include <unistd.h>

typedef struct {
  gboolean all, cgroup, ipc, mount, net, pid, uts;
} Options;

static const Option options[] = {
  OPTION_FLAG (Options, all, 'a', "all", "all of the namespaces below"),
  OPTION_FLAG (Options, cgroup, 'c', "cgroup", "make a cgroup namespace as well"),
  OPTION_FLAG (Options, ipc, 'i', "ipc", "an IPC namespace"),
  OPTION_FLAG (Options, mount, 'm', "mount", "a mount namespace"),
  OPTION_FLAG (Options, net, 'n', "net", "a network namespace, with nothing in it"),
  OPTION_FLAG (Options, pid, 'p', "pid", "a pid namespace, in which CMD is pid 1"),
  OPTION_FLAG (Options, uts, 'u', "uts", "a UTS namespace, for a host name"),
  OPTION_IGNORED ("map-all", NULL, "map all sub-ids, which is done in any case"),
  OPTION_END,
};

static int
wanted_namespaces (const Options *given)
{
  const struct {
    gboolean wanted;
    int type;
  } rows[] = {
    { given->cgroup, CLONE_NEWCGROUP }, { given->ipc, CLONE_NEWIPC },
    { given->mount, CLONE_NEWNS },      { given->net, CLONE_NEWNET },
    { given->pid, CLONE_NEWPID },       { given->uts, CLONE_NEWUTS },
  };
  int types = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (given->all || rows[i].wanted)
      types |= rows[i].type;
  return types;
}

static int
run (const CmdContext *context, gconstpointer values, char **args, GError **error)
{
  g_autoptr (GArray) fds = fd_list_from (STDERR_FILENO + 1, error);
  UnshareRequest request = { .argv = args, .namespaces = wanted_namespaces (values),
                             .fds = fds, .ignored = &context->ignored };
  int status = 0;

  if (fds == NULL)
    return -1;
  /* the log is ours */
  for (guint i = 0; i < fds->len; i++)
    if (g_array_index (fds, int, i) == log_descriptor ())
      g_array_remove_index (fds, i--);
  if (unshare_command (&request, &status, error))
    return status;
  g_prefix_error (error, "unshare: ");
  return -1;
}

const Command cmd_unshare = {
  .name = "unshare",
  .arguments = "CMD [ARGUMENT...]",
  .summary = "run a command as root of the caller's sub-ids, without a container",
  .options = options,
  .options_size = sizeof (Options),
  .min_args = 1,
  .max_args = -1,
  .early_options = TRUE,
  .run = run,
};
