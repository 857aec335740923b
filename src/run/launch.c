/* Carrying out a Plan; see launch.h.
 *
 * Order: instructions and channels, bwrap, its child's pid, the maps (and meanwhile the
 * record of the child, from which "delete --force" recovers if we die), release, reports
 * of the init until it is ready. Any failure ends with the child and bwrap dead. */
#include "config.h"

#include "run/launch.h"

#include "base/error.h"
#include "base/fd.h"
#include "plan/initops.h"
#include "run/idmap.h"
#include "run/report.h"
#include "run/seccomp.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* The instructions as a sealed memfd, so that what the init reads is what was planned. */
static int
instructions (const LaunchRequest *request, GError **error)
{
  const OciSeccomp *seccomp = request->plan->spec->linux_->seccomp;
  g_autoptr (GByteArray) block = NULL;
  g_autoptr (GBytes) program = NULL;
  guint32 flags = 0;

  if (seccomp != NULL
      && !seccomp_program (seccomp, request->container->store->fd, &program, &flags, error))
    return -1;
  block = plan_encode (request->plan, program, flags);
  return fd_memfd ("bwrap-oci-instructions", block->data, block->len, TRUE, error);
}

static gboolean
fail_from_report (const Plan *plan, const struct report *report, GError **error)
{
  const PlanRow *row = report->row < plan->rows->len ? g_ptr_array_index (plan->rows, report->row)
                                                     : NULL;

  return report_to_error (report, row != NULL ? row->pointer : NULL,
                          row != NULL ? row->what : NULL, error);
}

/* Waits for the next report of the init, or for the end of bwrap before it could say
 * anything. Returns as report_receive(). */
static int
next_report (Launch *launch, struct report *ret_report, int *ret_fd, GError **error)
{
  struct pollfd fds[2] = {
    { .fd = launch->bwrap.control, .events = POLLIN },
    { .fd = launch->bwrap.monitor_pidfd, .events = POLLIN },
  };

  while (poll (fds, launch->bwrap.monitor > 0 ? 2 : 1, -1) < 0)
    if (errno != EINTR)
      {
        throw_errno (error, "poll");
        return -1;
      }
  if (fds[0].revents == 0)
    {
      bwrap_explain (&launch->bwrap, error);
      return -1;
    }
  return report_receive (launch->bwrap.control, ret_report, ret_fd, error);
}

/* Waits for a report of @kind; the terminal may come before. */
static gboolean
wait_report (Launch *launch, const Plan *plan, enum report_kind kind, GError **error)
{
  for (;;)
    {
      struct report report;
      autofd fd = -1;
      int got = next_report (launch, &report, &fd, error);

      if (got < 0)
        return FALSE;
      if (got == 0)
        return bwrap_explain (&launch->bwrap, error);
      if (report.kind == kind)
        return TRUE;
      switch (report.kind)
        {
        case REPORT_CONSOLE:
          fd_clear (&launch->console);
          launch->console = fd_steal (&fd);
          break;
        case REPORT_FAILED:
          return fail_from_report (plan, &report, error);
        default:
          return throw (error, "the init reports %u, which means nothing", report.kind);
        }
    }
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

/* The container's first process joins what bwrap holds. */
static gboolean
join (Launch *launch, const LaunchRequest *request, const BwrapRequest *bwrap, GError **error)
{
  return wait_report (launch, request->plan, REPORT_HELD, error)
         && bwrap_join (&launch->bwrap, bwrap, error)
         && container_set_init (request->container, launch->bwrap.child, error);
}

static gboolean
launch_steps (Launch *launch, const LaunchRequest *request, GError **error)
{
  const Plan *plan = request->plan;
  const MachineFacts *machine = &request->facts->machine;
  g_auto (IdMapWriter) writer = IDMAP_WRITER_INIT;
  autofd block = -1, gate = -1, user_namespace = -1;
  BwrapRequest bwrap = { .plan = plan, .facts = request->facts, .options = request->options,
                         .user_namespace = user_namespace_fd (request) };

  block = instructions (request, error);
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
      user_namespace = idmap_new_namespace (plan, machine, error);
      if (user_namespace < 0)
        return FALSE;
      bwrap.user_namespace = user_namespace;
    }
  bwrap.instructions = block;
  bwrap.gate = gate;
  if (!bwrap_start (&launch->bwrap, &bwrap, error)
      || !bwrap_wait_child (&launch->bwrap, error))
    return FALSE;
  if (plan->userns == USERNS_BWRAP
      && !idmap_begin (&writer, plan, machine, launch->bwrap.child, error))
    return FALSE;
  if (!container_set_init (request->container, launch->bwrap.child, error)
      || !idmap_finish (&writer, error) || !bwrap_release (&launch->bwrap, error))
    return FALSE;
  return (!plan->hold || join (launch, request, &bwrap, error))
         && wait_report (launch, plan, REPORT_READY, error);
}

gboolean
launch (Launch *launch, const LaunchRequest *request, GError **error)
{
  /* what bwrap leaves behind, should it die half-way, comes to us */
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    return throw_errno (error, "PR_SET_CHILD_SUBREAPER");
  if (!launch_steps (launch, request, error))
    {
      launch_clear (launch);
      return FALSE;
    }
  bwrap_end_monitor (&launch->bwrap);
  return TRUE;
}

static gboolean
send_command (Launch *launch, enum command command, GError **error)
{
  guint32 word = command;

  if (send (launch->bwrap.control, &word, sizeof word, MSG_NOSIGNAL) != sizeof word)
    return throw_errno (error, "send to the init");
  return TRUE;
}

gboolean
launch_commit (Launch *launch, GError **error)
{
  return send_command (launch, COMMAND_COMMIT, error);
}

gboolean
launch_start (Launch *launch, const Plan *plan, GError **error)
{
  struct report report;
  int got;

  if (!send_command (launch, COMMAND_START, error))
    return FALSE;
  got = report_receive (launch->bwrap.control, &report, NULL, error);
  if (got > 0)
    return fail_from_report (plan, &report, error);
  return got == 0;
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
  fd_clear (&launch->console);
}
