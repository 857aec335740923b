/* Carrying out a Plan; see launch.h.
 *
 * Order: instructions and channels, bwrap, its child's pid, the maps (and meanwhile the
 * record of the child, from which "delete --force" recovers if we die), release, reports
 * of the init until it is ready. Any failure ends with the child and bwrap dead. */
#include "config.h"

#include "run/launch.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/patience.h"
#include "base/proc.h"
#include "plan/initops.h"
#include "run/cgroup.h"
#include "run/explain.h"
#include "run/fuse.h"
#include "run/handed.h"
#include "run/hooks.h"
#include "run/idmap.h"
#include "run/initfile.h"
#include "run/layer.h"
#include "run/seccomp.h"
#include "run/starting.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>

#define FILTER_FILE_MAX (1 << 17)

/* The filter's flags and then its program, as one file. */
static gboolean
store_filter (Container *container, GBytes *program, guint32 flags, GError **error)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();

  g_byte_array_append (file, (const guint8 *) &flags, sizeof flags);
  g_byte_array_append (file, g_bytes_get_data (program, NULL), (guint) g_bytes_get_size (program));
  return container_write (container, CONTAINER_SECCOMP_FILE, file->data, file->len, error);
}

static gboolean
load_filter (const Container *container, GBytes **ret_program, guint32 *ret_flags, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  text = fd_read_file_at (container->fd, CONTAINER_SECCOMP_FILE, FILTER_FILE_MAX, &length, error);
  if (text == NULL)
    return FALSE;
  if (length <= sizeof *ret_flags || (length - sizeof *ret_flags) % sizeof (struct sock_filter))
    return throw (error, CONTAINER_SECCOMP_FILE ": not a filter");
  memcpy (ret_flags, text, sizeof *ret_flags);
  *ret_program = g_bytes_new (text + sizeof *ret_flags, length - sizeof *ret_flags);
  return TRUE;
}

int
launch_instructions (const Plan *plan, Container *container, gboolean stored, GError **error)
{
  const OciSeccomp *seccomp = plan->spec->linux_->seccomp;
  gboolean wanted = container != NULL && seccomp != NULL && seccomp->default_action >= 0;
  g_autoptr (GByteArray) block = NULL;
  g_autoptr (GBytes) program = NULL;
  guint32 flags = 0;

  if (wanted && stored && !load_filter (container, &program, &flags, error))
    return -1;
  if (wanted && !stored
      && (!seccomp_program (seccomp, container->store->fd, &program, &flags, error)
          || !store_filter (container, program, flags, error)))
    return -1;
  if (wanted && seccomp_notifies (seccomp))
    flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
  block = plan_encode (plan, program, flags);
  return fd_memfd ("bwrap-oci-instructions", block->data, block->len, TRUE, error);
}

/* Whether it was the kernel that would not have a new file system. */
static gboolean
is_refusal (const struct report *report)
{
  static const char *const steps[] = { "fsopen", "mount option", "mount", "fsmount", NULL };

  return (report->code == OP_LAYERS || report->code == OP_MOUNT)
         && g_strv_contains (steps, report->step);
}

gboolean
launch_fail (const Plan *plan, const struct report *report, GError **error)
{
  const PlanRow *row = report->row < plan->rows->len ? g_ptr_array_index (plan->rows, report->row)
                                                     : NULL;
  g_autoptr (GError) refused = NULL;

  if (row == NULL || row->hint == NULL || !is_refusal (report))
    return report_to_error (report, row != NULL ? row->pointer : NULL,
                            row != NULL ? row->what : NULL, error);
  report_to_error (report, row->pointer, row->what, &refused);
  return throw (error, "%s (%s)", refused->message, row->hint);
}

/* Waits for the next report of the init, or for the end of bwrap before it could say
 * anything. Returns as report_receive(). */
static int
next_report (Launch *launch, struct report *ret_report, int *ret_fd, GError **error)
{
  const Bwrap *bwrap = &launch->bwrap;
  struct pollfd fds[] = {
    { .fd = bwrap->control, .events = POLLIN },
    { .fd = bwrap->monitor > 0 ? bwrap->monitor_pidfd : -1, .events = POLLIN },
    { .fd = bwrap->interrupt != NULL ? bwrap->interrupt->fd : -1, .events = POLLIN },
  };

  while (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
    if (errno != EINTR)
      {
        throw_errno (error, "poll");
        return -1;
      }
  if (!interrupt_check (bwrap->interrupt, error))
    return -1;
  if (fds[0].revents == 0)
    {
      bwrap_explain (&launch->bwrap, error);
      return -1;
    }
  return report_receive (launch->bwrap.control, ret_report, ret_fd, error);
}

/* The container's namespaces for a hook; of the mounts it gets those of the host, where its path
 * and the bundle's exist, as a copy that it may change. */
static gboolean
choose_namespaces (SpawnNamespaces *namespaces, const Launch *launch, const Plan *plan,
                   GError **error)
{
  if (!proc_other_namespaces (launch->bwrap.child, &namespaces->types, error))
    return FALSE;
  namespaces->types &= ~CLONE_NEWNS;
  namespaces->pidfd = launch->bwrap.child_pidfd;
  namespaces->new_mount_ns = TRUE;
  namespaces->fork = (namespaces->types & CLONE_NEWPID) != 0;
  namespaces->keep_groups = plan->keep_groups;
  namespaces->keep_capabilities = (namespaces->types & CLONE_NEWUSER) != 0;
  namespaces->as_root = namespaces->keep_capabilities && plan_id_is_mapped (plan->uid_map, 0)
                        && plan_id_is_mapped (plan->gid_map, 0);
  return TRUE;
}

/* The init has stopped for the hooks of create. */
static gboolean
run_hooks (Launch *launch, const Plan *plan, GError **error)
{
  SpawnNamespaces namespaces = SPAWN_NAMESPACES_INIT;
  HookRequest request = { .hooks = plan->spec->hooks, .record = launch->record,
                          .pid = launch->bwrap.child, .pidfd = launch->bwrap.child_pidfd,
                          .namespaces = &namespaces };

  launch->hooked = TRUE;
  return choose_namespaces (&namespaces, launch, plan, error)
         && hooks_run (&request, HOOK_PRESTART, error)
         && hooks_run (&request, HOOK_CREATE_RUNTIME, error)
         && hooks_run (&request, HOOK_CREATE_CONTAINER, error)
         && command_send (launch->bwrap.control, COMMAND_CONTINUE, error);
}

/* The init has stopped for network devices. */
static gboolean
move_devices (Launch *launch, const Plan *plan, GError **error)
{
  return net_devices_move (plan, launch->bwrap.child, &launch->devices, error)
         && command_send (launch->bwrap.control, COMMAND_CONTINUE, error);
}

/* The init has a mount that wants to be served by @device. */
static gboolean
serve (Launch *launch, const Plan *plan, int device, GError **error)
{
  const FuseRequest request = {
    .plan = plan, .facts = launch->facts, .container = launch->container,
    .child = launch->bwrap.child, .child_pidfd = launch->bwrap.child_pidfd,
    .control = launch->bwrap.control, .interrupt = launch->bwrap.interrupt,
    .index = launch->n_fuse++, .tree = launch->tree, .device = device,
  };
  gboolean served = fuse_start (&request, error);

  fd_clear (&launch->tree);
  return served;
}

static void
say_busy (const struct report *report)
{
  g_autofree char *what = g_strconcat (report->step, " ", report->detail, NULL);

  patience_say (what);
}

/* Takes what the init may say of more than one instruction. Returns 1, 0 if @report is nothing of
 * that, -1 on error. */
static int
take_repeated (Launch *launch, const Plan *plan, const struct report *report, int *fd,
               GError **error)
{
  gboolean expected = FALSE;

  switch (report->kind)
    {
    case REPORT_BUSY:
      expected = launch->n_busy++ < plan->ops->len;
      if (expected)
        say_busy (report);
      break;
    case REPORT_TREE:
      expected = launch->tree < 0 && *fd >= 0 && launch->n_fuse < plan->fuse->len;
      if (expected)
        launch->tree = fd_steal (fd);
      break;
    case REPORT_FUSE:
      return serve (launch, plan, *fd, error) ? 1 : -1;
    default:
      return 0;
    }
  if (expected)
    return 1;
  report_meaningless (report, error);
  return -1;
}

/* Waits for a report of @kind; the terminal and the stops of the init may come before. */
static gboolean
wait_report (Launch *launch, const Plan *plan, enum report_kind kind, GError **error)
{
  for (;;)
    {
      struct report report;
      autofd fd = -1;
      int got = next_report (launch, &report, &fd, error), taken;

      if (got < 0)
        return FALSE;
      if (got == 0)
        return bwrap_explain (&launch->bwrap, error);
      taken = take_repeated (launch, plan, &report, &fd, error);
      if (taken > 0)
        continue;
      if (taken < 0 || !report_once (&launch->heard, &report, error))
        return FALSE;
      if (report.kind == kind)
        return TRUE;
      switch (report.kind)
        {
        case REPORT_CONSOLE:
          if (!plan->terminal || fd < 0)
            return report_meaningless (&report, error);
          launch->console = fd_steal (&fd);
          break;
        case REPORT_NET_DEVICES:
          if (!move_devices (launch, plan, error))
            return FALSE;
          break;
        case REPORT_HOOKS:
          if (!run_hooks (launch, plan, error))
            return FALSE;
          break;
        case REPORT_FAILED:
          return launch_fail (plan, &report, error);
        default:
          return report_meaningless (&report, error);
        }
    }
}

gboolean
launch_wait_ready (Launch *launch, const Plan *plan, GError **error)
{
  return wait_report (launch, plan, REPORT_READY, error);
}

/* The user namespace that the configuration names; -1: none. */
static int
user_namespace_fd (const LaunchRequest *request)
{
  const GPtrArray *wanted = request->plan->spec->linux_->namespaces;

  for (guint i = 0; request->plan->userns == USERNS_JOIN && i < field_count (wanted); i++)
    {
      const OciNamespace *namespace = g_ptr_array_index (wanted, i);
      const NamespaceFacts *facts = g_ptr_array_index (request->facts->bundle.namespaces, i);

      if (namespace->type == CLONE_NEWUSER)
        return facts->fd;
    }
  return -1;
}

/* The container's first process joins what bwrap holds. It goes on at once and may have ended
 * before it is on record, but not without a word. */
static gboolean
join (Launch *launch, const LaunchRequest *request, const BwrapRequest *bwrap, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (!wait_report (launch, request->plan, REPORT_HELD, error)
      || !bwrap_join (&launch->bwrap, bwrap, error))
    return FALSE;
  if (request->container == NULL
      || container_set_init (request->container, launch->bwrap.child, &local))
    return TRUE;
  /* its namespaces go before its end is told, but what it has said is there */
  if (!proc_pidfd_wait (launch->bwrap.child_pidfd, fd_wait (launch->bwrap.control, 0) ? 1000 : 0)
      || launch_wait_ready (launch, request->plan, error))
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Nothing holds the child back where no map is to be written: it may have ended before its pid was
 * looked at, but not without a word. */
static gboolean
know_child (Launch *launch, const LaunchRequest *request, GError **error)
{
  g_autoptr (GError) local = NULL;
  struct report report;

  if (bwrap_wait_child (&launch->bwrap, &local)
      && (request->plan->userns == USERNS_BWRAP || request->container == NULL
          || container_set_init (request->container, launch->bwrap.child, &local)))
    return TRUE;
  if (request->plan->userns != USERNS_BWRAP && fd_wait (launch->bwrap.control, 0)
      && report_receive (launch->bwrap.control, &report, NULL, NULL) > 0
      && report.kind == REPORT_FAILED)
    return launch_fail (request->plan, &report, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* The tools write the maps while the record is written. */
static gboolean
write_maps (const Launch *launch, const LaunchRequest *request, GError **error)
{
  g_auto (IdMapWriter) writer = IDMAP_WRITER_INIT;
  pid_t child = launch->bwrap.child;

  writer.interrupt = launch->bwrap.interrupt;
  return idmap_begin (&writer, request->plan, &request->facts->machine, child, error)
         && (request->container == NULL || container_set_init (request->container, child, error))
         && idmap_finish (&writer, error);
}

static gboolean
launch_steps (Launch *launch, const LaunchRequest *request, const CgroupDoors *doors,
              GError **error)
{
  const Plan *plan = request->plan;
  const MachineFacts *machine = &request->facts->machine;
  autofd block = -1, gate = -1, user_namespace = -1, layer = -1, opaque_init = -1;
  BwrapRequest bwrap = { .plan = plan, .facts = request->facts, .options = request->options,
                         .user_namespace = user_namespace_fd (request), .doors = doors };

  launch->facts = request->facts;
  launch->container = request->container;
  block = launch_instructions (plan, request->container, FALSE, error);
  if (block < 0)
    return FALSE;
  if (request->options->gate)
    {
      gate = container_gate_listen (request->container, error);
      if (gate < 0)
        return FALSE;
    }
  if (plan->userns == USERNS_ENTER)
    {
      user_namespace = idmap_new_namespace (plan, machine, launch->bwrap.interrupt, error);
      if (user_namespace < 0)
        return FALSE;
      bwrap.user_namespace = user_namespace;
    }
  if (plan->layer_in_state)
    {
      layer = layer_make (request->container, error);
      if (layer < 0)
        return FALSE;
    }
  if (plan->opaque_init)
    {
      opaque_init = init_file_opaque (error);
      if (opaque_init < 0)
        return FALSE;
    }
  bwrap.layer = layer;
  bwrap.opaque_init = opaque_init;
  bwrap.instructions = block;
  bwrap.gate = gate;
  if (!bwrap_start (&launch->bwrap, &bwrap, error)
      || !know_child (launch, request, error)
      || (plan->userns == USERNS_BWRAP && !write_maps (launch, request, error))
      || !bwrap_release (&launch->bwrap, error))
    return FALSE;
  return (!plan->hold || join (launch, request, &bwrap, error))
         && handed_send (plan, request->facts, launch->bwrap.control, error)
         && launch_wait_ready (launch, plan, error);
}

gboolean
launch (Launch *launch, const LaunchRequest *request, GError **error)
{
  /* cppcheck-suppress unknownEvaluationOrder ; it sees an assignment where there is none */
  g_auto (CgroupMaking) cgroups = CGROUP_MAKING_INIT;

  /* what bwrap leaves behind, should it die half-way, comes to us */
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    return throw_errno (error, "PR_SET_CHILD_SUBREAPER");
  launch->record = request->container->record;
  cgroups.container = request->container;
  cgroups.plan = request->plan;
  cgroups.bus = request->bus;
  if (!container_cgroup_make (&cgroups, error)
      || !launch_steps (launch, request, &cgroups.doors, error))
    {
      /* a hook fails for reasons of its own */
      if (!launch->hooked)
        explain_failure (request->plan, launch->bwrap.child > 0, error);
      launch_clear (launch);
      return FALSE;
    }
  launch->hooked = TRUE;
  bwrap_kill_monitor (&launch->bwrap);
  if (cgroups.set.dirs != NULL)
    bwrap_await_monitor (&launch->bwrap);
  if (container_cgroup_finish (&cgroups, launch->bwrap.child, error))
    return TRUE;
  launch_clear (launch);
  return FALSE;
}

gboolean
launch_try (const LaunchRequest *request, GError **error)
{
  g_auto (CgroupDoors) doors = CGROUP_DOORS_INIT;
  g_auto (Launch) trial = LAUNCH_INIT;

  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    return throw_errno (error, "PR_SET_CHILD_SUBREAPER");
  return launch_steps (&trial, request, &doors, error)
         || explain_failure (request->plan, trial.bwrap.child > 0, error);
}

gboolean
launch_commit (Launch *launch, GError **error)
{
  gboolean sent = command_send (launch->bwrap.control, COMMAND_COMMIT, error);

  if (sent)
    g_clear_pointer (&launch->devices, net_devices_free);
  bwrap_reap_monitor (&launch->bwrap);
  return sent;
}

gboolean
launch_start (Launch *launch, const Plan *plan, const Container *container, GError **error)
{
  Starting starting = { .container = container, .pid = launch->bwrap.child, .notify = -1,
                        .interrupt = launch->bwrap.interrupt };
  struct report report;
  int got;

  if (!command_send (launch->bwrap.control, COMMAND_START, error))
    return FALSE;
  bwrap_reap_monitor (&launch->bwrap);
  got = starting_wait (&starting, launch->bwrap.control, &report, error);
  launch->notify = starting.notify;
  if (got == 0)
    g_clear_pointer (&launch->devices, net_devices_free);
  return got > 0 ? launch_fail (plan, &report, error) : got == 0;
}

void
launch_release (Launch *launch)
{
  fd_clear (&launch->bwrap.child_pidfd);
  launch_clear (launch);
}

void
launch_clear (Launch *launch)
{
  bwrap_clear (&launch->bwrap);
  g_clear_pointer (&launch->devices, net_devices_return);
  fd_clear (&launch->console);
  fd_clear (&launch->notify);
  fd_clear (&launch->tree);
}
