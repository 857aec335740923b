/* Running another program in a container; see exec.h.
 *
 * A child of ours joins all namespaces with one setns(2) and becomes the init, out of a sealed
 * memfd, since what it would find in the container is the container's. The init looks the program
 * up with its final ids, takes on its restrictions and execs it, as at create. */
#include "config.h"

#include "run/exec.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/self.h"
#include "base/spawn.h"
#include "host/security.h"
#include "init/ops.h"
#include "run/bwrap.h"
#include "run/cgroup.h"
#include "run/exec_process.h"
#include "run/initfile.h"
#include "run/interrupt.h"
#include "run/launch.h"
#include "run/passfd.h"
#include "run/pidfile.h"
#include "run/report.h"
#include "run/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_MAP_MAX 65536

/* Reads /proc/@pid/@name, a map as seen from here. */
static GArray *
read_map (pid_t pid, const char *name, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/%s", (int) pid, name);
  g_autofree char *text = fd_read_file_at (AT_FDCWD, path, ID_MAP_MAX, NULL, error);
  GArray *map;
  char *line, *rest;

  if (text == NULL)
    return NULL;
  map = g_array_new (FALSE, FALSE, sizeof (IdMapLine));
  for (line = strtok_r (text, "\n", &rest); line != NULL; line = strtok_r (NULL, "\n", &rest))
    {
      IdMapLine entry;

      if (sscanf (line, "%u %u %u", &entry.inside, &entry.outside, &entry.count) == 3)
        g_array_append_val (map, entry);
    }
  return map;
}

static void
exec_facts_clear (ExecFacts *facts)
{
  g_clear_pointer (&facts->uid_map, g_array_unref);
  g_clear_pointer (&facts->gid_map, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ExecFacts, exec_facts_clear)

static gboolean
read_facts (pid_t pid, ExecFacts *ret_facts, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/setgroups", (int) pid);
  g_autofree char *setgroups = NULL;

  ret_facts->last_capability = 63;
  ret_facts->uid_map = read_map (pid, "uid_map", error);
  if (ret_facts->uid_map == NULL)
    return FALSE;
  ret_facts->gid_map = read_map (pid, "gid_map", error);
  if (ret_facts->gid_map == NULL)
    return FALSE;
  setgroups = fd_read_file_at (AT_FDCWD, path, 64, NULL, error);
  if (setgroups == NULL)
    return FALSE;
  ret_facts->setgroups_deny = g_str_has_prefix (setgroups, "deny");
  return TRUE;
}

/* What the new process goes into, and with what. */
typedef struct {
  SpawnNamespaces namespaces;
  const CgroupDoors *doors;
  guint preserve_fds;
  guint64 absent_fds;
  int instructions;
  int proc;         /* our /proc, for the init; -1: it needs none */
  gboolean inside;  /* the init forks: of this process nothing is seen in the container */
} Joining;

/* The init has forked; its child is the one that counts. */
static gboolean
follow_inside (Launch *launch, const Plan *plan, GError **error)
{
  struct report report = { 0 };
  siginfo_t ignored;
  autofd child = -1;
  int result;

  if (!interrupt_wait (launch->bwrap.interrupt, launch->bwrap.control, error))
    return FALSE;
  result = report_receive (launch->bwrap.control, &report, NULL, error);
  if (result < 0)
    return FALSE;
  if (result == 0 || (report.kind == REPORT_INSIDE && report.row <= 1))
    return throw (error, "the init ended before its time");
  if (report.kind != REPORT_INSIDE)
    return launch_fail (plan, &report, error);
  /* it has nothing more to do, and what it leaves comes to us */
  spawn_kill (&launch->bwrap.child);
  fd_clear (&launch->bwrap.child_pidfd);
  child = proc_pidfd ((pid_t) report.row);
  if (child < 0)
    return throw_errno (error, "pidfd_open");
  do
    result = waitid (P_PIDFD, (id_t) child, &ignored, WEXITED | WNOHANG | WNOWAIT);
  while (result < 0 && errno == EINTR);
  if (result < 0)
    return throw (error, "the init reports process %u, which is not its child", report.row);
  launch->bwrap.child = (pid_t) report.row;
  launch->bwrap.child_pidfd = fd_steal (&child);
  return TRUE;
}

/* Starts the init in the container's namespaces; what it says comes to launch->bwrap.control. */
static gboolean
join (Launch *launch, const Joining *joining, const Plan *plan, GError **error)
{
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (SpawnFd));
  int first = 3 + (int) joining->preserve_fds, ends[2];
  autofd init = init_file_sealed (error), theirs = -1;
  char first_number[16];
  const char *const argv[] = { "bwrap-oci-init", first_number, NULL };
  SpawnRequest request = { .program = "bwrap-oci-init", .program_fd = init, .argv = argv,
                           .directory = "/", .namespaces = &joining->namespaces };

  if (init < 0)
    return FALSE;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return throw_errno (error, "socketpair");
  launch->bwrap.control = ends[0];
  theirs = ends[1];
  for (int fd = 3; fd < first; fd++)
    {
      int source = bwrap_preserved (fd, joining->absent_fds, theirs);

      g_array_append_val (fds, ((SpawnFd) { source, fd }));
    }
  g_array_append_val (fds, ((SpawnFd) { joining->instructions, first + INIT_FD_OPS }));
  g_array_append_val (fds, ((SpawnFd) { theirs, first + INIT_FD_CONTROL }));
  if (joining->proc >= 0)
    g_array_append_val (fds, ((SpawnFd) { joining->proc, first + INIT_FD_PROC }));
  g_array_append_val (fds, ((SpawnFd) { STDERR_FILENO, first + INIT_FD_STDERR }));
  (void) snprintf (first_number, sizeof first_number, "%d", first);
  request.fds = (const SpawnFd *) (const void *) fds->data;
  request.n_fds = fds->len;
  if (!cgroup_doors_spawn (joining->doors, &request, &launch->bwrap.child,
                           &launch->bwrap.child_pidfd, error))
    return FALSE;
  fd_clear (&theirs);
  return !joining->inside || follow_inside (launch, plan, error);
}

/* The plan for a program in the live @container of @spec, and which namespaces to join for it. */
static Plan *
make_plan (Container *container, OciSpec *spec, const ExecRequest *request, Joining *joining,
           GError **error)
{
  SpawnNamespaces *namespaces = &joining->namespaces;
  g_autoptr (OciProcess) process = exec_process (spec, request, error);
  g_auto (ExecFacts) facts = { 0 };
  PlanOptions options = { .id = container->id, .detach = request->detach,
                          .plain = container->record->plain.value,
                          .console_socket = request->console_socket != NULL };
  Plan *plan;

  if (process == NULL || !read_facts (container->init.pid, &facts, error)
      || !proc_other_namespaces (container->init.pid, &namespaces->types, error))
    return NULL;
  facts.joins_pid_ns = (namespaces->types & CLONE_NEWPID) != 0;
  facts.cgroup_apart = joining->doors->doors != NULL
                       && cgroup_is_apart (spec, joining->doors->scope != NULL);
  if (plan_needs_modules (spec, process))
    host_security_probe (&facts.modules);
  plan = plan_exec_new (spec, process, &facts, &options, error);
  if (plan == NULL)
    return NULL;
  namespaces->keep_groups = plan->keep_groups;
  namespaces->keep_capabilities = (namespaces->types & CLONE_NEWUSER) != 0;
  namespaces->as_root = namespaces->keep_capabilities && plan_id_is_mapped (facts.uid_map, 0)
                        && plan_id_is_mapped (facts.gid_map, 0);
  return plan;
}

/* Whether the init has something to write that only our /proc leads to. */
static gboolean
needs_proc (const Plan *plan)
{
  for (guint i = 0; i < plan->ops->len; i++)
    if (((const PlanOp *) g_ptr_array_index (plan->ops, i))->flags & OP_FLAG_OUTSIDE)
      return TRUE;
  return FALSE;
}

/* Everything up to the running program. */
static gboolean
bring_up (Launch *launch, Container *container, const ExecRequest *request, Console *console,
          GError **error)
{
  g_autoptr (OciSpec) spec = container_spec (container, error);
  g_autoptr (Plan) plan = NULL;
  autofd pidfd = -1, instructions = -1, proc = -1;
  g_auto (CgroupDoors) doors = CGROUP_DOORS_INIT;
  Joining joining = { .namespaces = SPAWN_NAMESPACES_INIT, .doors = &doors,
                      .preserve_fds = request->preserve_fds,
                      .absent_fds = request->absent_fds };

  if (spec == NULL || !container_pidfd (container, &pidfd, error))
    return FALSE;
  if (pidfd < 0)
    return throw (error, "cannot exec in a stopped container");
  if (!container_cgroup_doors (container, request->cgroups, &doors, error))
    return FALSE;
  plan = make_plan (container, spec, request, &joining, error);
  if (plan == NULL)
    return FALSE;
  instructions = launch_instructions (plan, container, TRUE, error);
  if (instructions < 0)
    return FALSE;
  if (needs_proc (plan))
    {
      proc = open ("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (proc < 0)
        return throw_errno (error, "open /proc");
    }
  joining.namespaces.pidfd = pidfd;
  joining.inside = (joining.namespaces.types & CLONE_NEWPID) != 0;
  joining.instructions = instructions;
  joining.proc = proc;
  return join (launch, &joining, plan, error)
         && launch_wait_ready (launch, plan, error)
         && pass_pidfd (request->pidfd_socket, "setns", launch->bwrap.child_pidfd, error)
         && console_take (&launch->console, console, request->console_socket, error)
         && launch_start (launch, plan, container, error);
}

static gboolean
check_status (Container *container, const ExecRequest *request, GError **error)
{
  ContainerStatus status = container_status (container);

  if (!container_check (container, error))
    return FALSE;
  switch (status)
    {
    case CONTAINER_CREATED:
    case CONTAINER_RUNNING:
      return TRUE;
    case CONTAINER_PAUSED:
      return request->ignore_paused
             || throw (error, "cannot exec in a paused container"
                              " (use --ignore-paused to override)");
    case CONTAINER_CREATING:
    case CONTAINER_STOPPED:
    case CONTAINER_BROKEN:
      break;
    }
  return throw (error, "cannot exec in a stopped container");
}

/* Says of what has failed because the container ends meanwhile just that. In whatever step it is,
 * the message would be about a process that is not there, and callers take "no such file" for a
 * program that is missing. */
static gboolean
blame_end (const Container *container, GError **error)
{
  autofd pidfd = -1;

  if ((container_pidfd (container, &pidfd, NULL) && pidfd < 0)
      || proc_is_ending (container->init.pid))
    {
      g_clear_error (error);
      return throw (error, "cannot exec in a stopped container");
    }
  return FALSE;
}

gboolean
exec_in_container (Container *container, const ExecRequest *request, int *ret_status,
                   GError **error)
{
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  g_auto (Launch) launch = LAUNCH_INIT;
  g_auto (Console) console = CONSOLE_INIT;
  Supervision supervision = { 0 };
  gboolean up;

  if (!check_status (container, request, error))
    return FALSE;
  /* the init forks and goes: its child comes to us */
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    return throw_errno (error, "PR_SET_CHILD_SUBREAPER");
  if (!request->detach && !supervise_block (&supervision.signals, error))
    return FALSE;
  if (!interrupt_open (&interrupt, error))
    return FALSE;
  launch.bwrap.interrupt = &interrupt;
  up = bring_up (&launch, container, request, &console, error);
  /* from now on a signal is for the program */
  interrupt_seal (&interrupt);
  if (!up)
    return blame_end (container, error);
  if (request->pid_file != NULL
      && !pid_file_write (request->pid_file, launch.bwrap.child, error))
    return FALSE;
  if (request->detach)
    {
      *ret_status = 0;
      launch_release (&launch);
      return TRUE;
    }
  supervision.pid = launch.bwrap.child;
  supervision.pidfd = launch.bwrap.child_pidfd;
  supervision.console = console.master >= 0 ? &console : NULL;
  if (!supervise_wait (&supervision, ret_status, error))
    return FALSE;
  fd_clear (&launch.bwrap.child_pidfd);
  return TRUE;
}
