/* The plain mode: for hosts where bwrap may make namespaces, but what it starts may use no
 * capability in them (bubblewrap under an AppArmor profile of its own).
 *
 * bwrap puts everything in place itself, as with the command that --dry-run --plain prints, and the
 * init does what takes no capability: limits, the terminal, the lookup, the start gate, the filter.
 * It is a container like any other, so here nothing is merely told: what bwrap cannot do exactly is
 * refused by name. Since bwrap follows links of the image while the host is still in reach, each
 * mount point is made beforehand, and the init looks afterwards whether everything is there. */
#include "config.h"

#include "plan/builder.h"
#include "plan/plain_work.h"

#include "init/ops.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mount.h>

/* --- what cannot be had at all --------------------------------------------------------------- */

static gboolean
check_namespaces (PlanContext *context, GError **error)
{
  const GPtrArray *wanted = context->spec->linux_->namespaces;
  const Plan *plan = context->plan;

  for (guint i = 0; i < field_count (wanted); i++)
    {
      const OciNamespace *ns = g_ptr_array_index (wanted, i);
      g_autofree char *at = g_strdup_printf ("/linux/namespaces/%u", i);
      gboolean ok = TRUE;

      if (ns->path != NULL)
        ok = plan_refuse (error, at, "the plain mode joins no namespace");
      else if (ns->type == CLONE_NEWTIME)
        ok = plan_refuse (error, at, "the plain mode makes no time namespace");
      if (!plan_go_on (context, ok, error))
        return FALSE;
    }
  return plan_go_on (context, plan->userns == USERNS_BWRAP
                                || plan_refuse (error, "/linux/uidMappings", "the plain mode needs"
                                                " a user namespace with the caller in it"),
                     error);
}

static guint32
inside_id (const GArray *map, guint32 outside)
{
  for (guint i = 0; map != NULL && i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      if (outside >= line->outside && outside - line->outside < line->count)
        return line->inside + (outside - line->outside);
    }
  return G_MAXUINT32;
}

/* Without capabilities nobody changes his ids, and what bwrap makes belongs to whom it works as:
 * that must be the container's root. */
static gboolean
check_ids (PlanContext *context, GError **error)
{
  const MachineFacts *machine = &context->facts->machine;
  const OciProcess *process = context->process;
  const Plan *plan = context->plan;
  gboolean ok = TRUE;

  if (process == NULL)
    return plan_go_on (context, plan_refuse (error, "/process", "missing: the plain mode has"
                                             " nothing to run"), error);
  if (process->user->uid.value != 0)
    ok = plan_refuse (error, "/process/user/uid", "the plain mode runs user 0 only");
  else if (plan->userns == USERNS_BWRAP && inside_id (plan->uid_map, machine->uid) != 0)
    ok = plan_refuse (error, "/linux/uidMappings", "the plain mode needs the caller as user 0");
  if (!plan_go_on (context, ok, error))
    return FALSE;
  ok = TRUE;
  if (process->user->gid.value != 0)
    ok = plan_refuse (error, "/process/user/gid", "the plain mode runs group 0 only");
  else if (plan->userns == USERNS_BWRAP && inside_id (plan->gid_map, machine->gid) != 0)
    ok = plan_refuse (error, "/linux/gidMappings", "the plain mode needs the caller's group as"
                      " group 0");
  if (!plan_go_on (context, ok, error))
    return FALSE;
  return process->user->additional_gids == NULL || process->user->additional_gids->len == 0
         || plan_go_on (context, plan_refuse (error, "/process/user/additionalGids", "the plain"
                                              " mode adds no group"), error);
}

/* The rest, which needs capabilities. */
static gboolean
check_wanted (PlanContext *context, GError **error)
{
  const int shared = MS_SHARED | MS_SLAVE | MS_UNBINDABLE;
  const OciSpec *spec = context->spec;
  const OciProcess *process = context->process;
  const struct {
    gboolean wanted;
    const char *pointer, *message;
  } refusals[] = {
    { process != NULL && process->no_new_privileges.set && !process->no_new_privileges.value,
      "/process/noNewPrivileges", "false: what bwrap starts always has no_new_privs" },
    { spec->systemd != SYSTEMD_NONE, "/process/args/0", "systemd needs capabilities" },
    { spec->domainname != NULL, "/domainname", "bwrap sets none" },
    { spec->linux_->mount_label != NULL, "/linux/mountLabel", "bwrap labels no file system" },
    { field_count (spec->linux_->sysctl) > 0, "/linux/sysctl", "bwrap sets none" },
    { spec->linux_->rootfs_propagation >= 0 && (spec->linux_->rootfs_propagation & shared) != 0,
      "/linux/rootfsPropagation", "with bwrap mounts are private" },
    { spec->hooks != NULL && field_count (spec->hooks->create_container) > 0,
      "/hooks/createContainer", "there is no stop between the mounts and the pivot" },
    { context->options->notify, "/process/env", "NOTIFY_SOCKET: a socket for notifications needs a"
      " mount of the init" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    if (refusals[i].wanted
        && !plan_go_on (context, plan_refuse (error, refusals[i].pointer, "%s in the plain mode",
                                              refusals[i].message), error))
      return FALSE;
  return TRUE;
}

/* --- files ----------------------------------------------------------------------------------- */

static void
free_target (gpointer data)
{
  PlanTarget *target = data;

  g_free (target->pointer);
  g_free (target->rest);
  g_free (target);
}

/* What lies in the root or in a source must be there before bwrap looks for it. */
static void
add_target (Plan *plan, const PlainPoint *point)
{
  PlanTarget *target;

  if ((point->path->base != PATH_ROOT && point->path->base != PATH_SOURCE)
      || *point->path->rest == '\0')
    return;
  target = g_new0 (PlanTarget, 1);
  target->pointer = g_strdup (point->pointer);
  target->index = point->path->base == PATH_ROOT ? PATH_NONE : point->path->index;
  target->rest = g_strdup (point->path->rest);
  target->directory = point->directory;
  g_ptr_array_add (plan->targets, target);
}

/* Whether one of the points behind the @index-th hides it. */
static gboolean
is_covered (const GPtrArray *points, guint index)
{
  const PlainPoint *point = g_ptr_array_index (points, index);

  for (guint i = index + 1; i < points->len; i++)
    {
      const PlainPoint *later = g_ptr_array_index (points, i);

      if (plain_below (point->target, later->target) != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
add_seen (Plan *plan, const PlainPoint *point)
{
  guint32 row = plan_row (plan, point->pointer, "see that %s is mounted", point->target);
  PlanOp *op = plan_op (plan, OP_SEEN, row, 0);
  const guint64 numbers[SEEN_NUMBERS] = {
    [SEEN_DEVICE] = point->source != NULL ? point->source->device : 0,
    [SEEN_INODE] = point->source != NULL ? point->source->inode : 0,
    [SEEN_FILESYSTEM] = point->filesystem,
    [SEEN_READ_ONLY] = point->read_only,
  };

  for (guint i = 0; i < SEEN_NUMBERS; i++)
    plan_op_number (op, numbers[i]);
  plan_op_string (op, point->target);
}

/* The init is started by /proc, and a terminal has its place in bwrap's /dev. */
static gboolean
check_files (PlanContext *context, const PlainWork *work, GError **error)
{
  gboolean proc = FALSE, dev = FALSE;

  for (guint i = 0; i < work->points->len; i++)
    {
      const PlainPoint *point = g_ptr_array_index (work->points, i);

      if (is_covered (work->points, i))
        continue;
      proc = proc || (strcmp (point->target, "/proc") == 0 && point->source == NULL);
      dev = dev || (strcmp (point->target, "/dev") == 0 && point->source == NULL);
    }
  return plan_go_on (context, proc || plan_refuse (error, "/mounts", "the plain mode needs a proc"
                                                   " on /proc"), error)
         && plan_go_on (context, dev || context->process == NULL
                                   || !context->process->terminal.value
                                   || plan_refuse (error, "/process/terminal", "in the plain mode"
                                                   " it needs a tmpfs on /dev"), error);
}

/* Everything that the command for a shell would merely tell. */
static gboolean
refuse_losses (PlanContext *context, const Plain *plain, GError **error)
{
  for (guint i = 0; i < plain->losses->len; i++)
    {
      const PlanNote *loss = g_ptr_array_index (plain->losses, i);

      if (loss->ignored)
        plan_note (context->plan, loss->pointer, "%s", loss->message);
      else if (!plan_go_on (context, plan_refuse (error, loss->pointer, "the plain mode cannot do"
                                                  " this: %s", loss->message), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_files (PlanContext *context, GError **error)
{
  g_autoptr (GPtrArray) points = plain_points_new ();
  g_autoptr (Plain) plain = NULL;
  Plan *plan = context->plan;
  PlainWork work = { .spec = context->spec, .facts = context->facts, .cgroup = plan->cgroup,
                     .gid_map = plan->gid_map, .points = points };
  const PlainPoint root = { .pointer = (char *) "/root/path", .target = (char *) "/",
                            .source = context->facts->bundle.root,
                            .read_only = context->spec->root->readonly.value };
  gboolean ok = plain_fill (&work, error);

  plain = work.plain;
  if (!ok)
    return FALSE;
  for (guint i = 0; i < plain->words->len; i++)
    plan_word (plan, g_ptr_array_index (plain->words, i));
  plan->targets = g_ptr_array_new_with_free_func (free_target);
  add_seen (plan, &root);
  for (guint i = 0; i < points->len; i++)
    {
      add_target (plan, g_ptr_array_index (points, i));
      if (!is_covered (points, i))
        add_seen (plan, g_ptr_array_index (points, i));
    }
  return refuse_losses (context, plain, error) && check_files (context, &work, error);
}

/* --- all ------------------------------------------------------------------------------------- */

static void
add_names (PlanContext *context)
{
  const OciProcess *process = context->process;
  Plan *plan = context->plan;

  if (context->spec->hostname != NULL)
    {
      plan_word (plan, "--hostname");
      plan_word (plan, context->spec->hostname);
    }
  /* the first terminal of a devpts */
  if (process != NULL && process->terminal.value)
    {
      plan_word (plan, "--symlink");
      plan_word (plan, "pts/0");
      plan_word (plan, "/dev/console");
      plan_note (plan, "/process/terminal", "/dev/console is a link to it");
    }
  if (context->spec->root->readonly.value)
    {
      plan_word (plan, "--remount-ro");
      plan_word (plan, "/");
    }
}

gboolean
plan_plain (PlanContext *context, GError **error)
{
  Plan *plan = context->plan;

  plan->hold = FALSE;
  plan->no_new_privs = TRUE;
  if (context->process != NULL && !context->process->no_new_privileges.set)
    plan_note (plan, "/process/noNewPrivileges", "no_new_privs is set: bwrap starts nothing"
               " without it");
  if (!check_namespaces (context, error) || !check_ids (context, error)
      || !check_wanted (context, error))
    return FALSE;
  plan_stage_namespaces (context, "--cap-drop");
  if (!add_files (context, error))
    return FALSE;
  add_names (context);
  if (plan->words->len + 8 > BWRAP_ARGUMENTS_MAX)
    return plan_refuse (error, "/mounts", "%u words are more than bwrap takes (%d)",
                        plan->words->len, BWRAP_ARGUMENTS_MAX);
  plan_oom_score (context, OP_FLAG_PLAIN);
  if (!plan_labels (context, OP_FLAG_PLAIN, error)
      || !plan_go_on (context, plan_net_devices (context, error), error)
      || !plan_go_on (context, plan_terminal (context, 0, error), error))
    return FALSE;
  plan_create_hooks (context);
  return TRUE;
}
