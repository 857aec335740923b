/* The Plan; see plan.h. This file is the order of the chapters. */
#include "config.h"

#include "plan/plan.h"

#include "plan/builder.h"

#include "init/ops.h"

#include <sched.h>
#include <string.h>

static void
free_row (gpointer data)
{
  PlanRow *row = data;

  g_free (row->pointer);
  g_free (row->what);
  g_free (row->hint);
  g_free (row);
}

static void
free_op (gpointer data)
{
  PlanOp *op = data;

  g_array_unref (op->numbers);
  g_ptr_array_unref (op->strings);
  g_free (op);
}

static void
free_word (gpointer data)
{
  PlanWord *word = data;

  g_free (word->text);
  g_free (word);
}

static void
free_handed (gpointer data)
{
  PlanHanded *handed = data;

  g_clear_pointer (&handed->uid_map, g_array_unref);
  g_clear_pointer (&handed->gid_map, g_array_unref);
  g_free (handed);
}

static void
free_fuse (gpointer data)
{
  PlanFuse *fuse = data;

  g_free (fuse->options);
  g_free (fuse);
}

void
plan_free (Plan *plan)
{
  if (plan == NULL)
    return;
  g_clear_pointer (&plan->uid_map, g_array_unref);
  g_clear_pointer (&plan->gid_map, g_array_unref);
  g_array_unref (plan->joined);
  g_ptr_array_unref (plan->handed);
  g_ptr_array_unref (plan->fuse);
  g_free (plan->time_offsets);
  cgroup_plan_free (plan->cgroup);
  g_ptr_array_unref (plan->words);
  g_ptr_array_unref (plan->ops);
  g_ptr_array_unref (plan->rows);
  g_ptr_array_unref (plan->notes);
  g_clear_pointer (&plan->targets, g_ptr_array_unref);
  g_free (plan);
}

gboolean
plan_privileged (const MachineFacts *machine)
{
  return machine->uid == 0 && (machine->capabilities & HOST_CAP_SYS_ADMIN) != 0;
}

/* What else is to be known of @note, as the end of its reason. */
static const char *
more_about (const PlanContext *context, const FieldNote *note)
{
  static const char *const resctrl[] = {
    [RESCTRL_NONE] = ", which this machine does not have",
    [RESCTRL_THERE] = ", which is not mounted",
    [RESCTRL_MOUNTED] = ", which is for the host's root",
  };
  const MachineFacts *machine = &context->facts->machine;
  ResctrlFacts state = context->facts->bundle.resctrl;

  if (strcmp (note->pointer, "/linux/intelRdt") != 0
      || (state == RESCTRL_MOUNTED && machine->uid == 0 && machine->initial_user_ns))
    return "";
  return resctrl[state];
}

/* Refuses what the rows say cannot be done; the rest of what they say is noted. */
static gboolean
take_notes (PlanContext *context, GError **error)
{
  for (guint i = 0; i < context->spec->notes->len; i++)
    {
      const FieldNote *note = g_ptr_array_index (context->spec->notes, i);

      if (note->support != FIELD_REFUSED)
        plan_ignore (context->plan, note->pointer, "%s", note->reason);
      else if (!plan_go_on (context, plan_refuse (error, note->pointer, "%s%s", note->reason,
                                                  more_about (context, note)), error))
        return FALSE;
    }
  return TRUE;
}

typedef enum {
  IN_NORMAL = 1 << 0,
  IN_PLAIN = 1 << 1,
  IN_BOTH = IN_NORMAL | IN_PLAIN,
} Modes;

/* With the modes that have it, and what a chapter needs of the one before. */
static const struct {
  gboolean (*plan) (PlanContext *context, GError **error);
  Modes modes;
  gboolean needs_last;
} chapters[] = {
  { take_notes, IN_BOTH, FALSE },
  { plan_namespaces, IN_BOTH, FALSE },
  { plan_idmap, IN_BOTH, FALSE },
  { plan_control_groups, IN_BOTH, FALSE },
  { plan_plain, IN_PLAIN, FALSE },
  { plan_staging, IN_NORMAL, FALSE },
  { plan_mounts, IN_NORMAL, TRUE },
  { plan_devices, IN_NORMAL, FALSE },
  { plan_paths, IN_NORMAL, FALSE },
  { plan_system, IN_NORMAL, FALSE },
  { plan_process, IN_BOTH, FALSE },
};

static Plan *
plan_empty (const OciSpec *spec)
{
  Plan *plan = g_new0 (Plan, 1);

  plan->spec = spec;
  plan->words = g_ptr_array_new_with_free_func (free_word);
  plan->ops = g_ptr_array_new_with_free_func (free_op);
  plan->rows = g_ptr_array_new_with_free_func (free_row);
  plan->notes = plan_notes_new ();
  plan->handed = g_ptr_array_new_with_free_func (free_handed);
  plan->fuse = g_ptr_array_new_with_free_func (free_fuse);
  plan->joined = g_array_new (FALSE, FALSE, sizeof (guint));
  return plan;
}

/* All chapters; with context->refusals it cannot fail. */
static gboolean
plan_chapters (PlanContext *context, GError **error)
{
  g_autoptr (GPtrArray) staged = g_ptr_array_new_with_free_func (g_free);
  Modes mode = context->options->plain ? IN_PLAIN : IN_NORMAL;
  gboolean ok = TRUE;

  context->staged = staged;
  context->plan->plain = context->options->plain;
  if (context->spec->hooks != NULL)
    context->start_hooks = context->spec->hooks->start_container;
  for (gsize i = 0; i < G_N_ELEMENTS (chapters); i++)
    {
      if ((chapters[i].modes & mode) == 0 || (!ok && chapters[i].needs_last))
        continue;
      ok = chapters[i].plan (context, error);
      if (!plan_go_on (context, ok, error))
        return FALSE;
    }
  return TRUE;
}

Plan *
plan_new (const OciSpec *spec, const HostFacts *facts, const PlanOptions *options, GError **error)
{
  g_autoptr (Plan) plan = plan_empty (spec);
  PlanContext context = { .spec = spec, .process = spec->process, .facts = facts,
                          .options = options, .plan = plan };

  return plan_chapters (&context, error) ? g_steal_pointer (&plan) : NULL;
}

Plan *
plan_check (const OciSpec *spec, const HostFacts *facts, const PlanOptions *options,
            GPtrArray *refusals)
{
  g_autoptr (GError) refused = NULL;
  Plan *plan = plan_empty (spec);
  PlanContext context = { .spec = spec, .process = spec->process, .facts = facts,
                          .options = options, .plan = plan, .refusals = refusals };

  (void) plan_chapters (&context, &refused);
  return plan;
}

Plan *
plan_trial_new (const OciSpec *spec, const HostFacts *facts, const PlanOptions *options,
                GError **error)
{
  g_autoptr (Plan) plan = plan_empty (spec);
  PlanContext context = { .spec = spec, .process = spec->process, .facts = facts,
                          .options = options, .plan = plan };

  if (!plan_namespaces (&context, error) || !plan_idmap (&context, error))
    return NULL;
  plan->hold = plan->hold && !options->plain;
  plan_trial_staging (&context);
  (void) plan_op (plan, OP_READY, plan_row (plan, "", "say that it works"), 0);
  return g_steal_pointer (&plan);
}

Plan *
plan_exec_new (const OciSpec *spec, const OciProcess *process, const ExecFacts *facts,
               const PlanOptions *options, GError **error)
{
  g_autoptr (Plan) plan = plan_empty (spec);
  HostFacts host = { .machine = { .last_capability = facts->last_capability,
                                  .modules = facts->modules } };
  PlanContext context = { .spec = spec, .process = process, .facts = &host, .options = options,
                          .plan = plan, .joins = TRUE };

  plan->uid_map = g_array_ref (facts->uid_map);
  plan->gid_map = g_array_ref (facts->gid_map);
  plan->setgroups_deny = facts->setgroups_deny;
  plan->plain = options->plain;
  plan->no_new_privs = process->no_new_privileges.value || plan->plain;
  (void) plan_op (plan, OP_UNDUMPABLE, plan_row (plan, "", "forbid to be traced"), 0);
  if (!plan_labels (&context, OP_FLAG_OUTSIDE, error))
    return NULL;
  if (facts->joins_pid_ns)
    (void) plan_op (plan, OP_INSIDE, plan_row (plan, "", "go on in the pid namespace"), 0);
  if (!plan_check_ids (&context, error) || !plan_affinity (&context, facts->cgroup_apart, error)
      || !plan_terminal (&context, 0, error)
      || !plan_process (&context, error))
    return NULL;
  return g_steal_pointer (&plan);
}

Plan *
plan_unshare_new (const MachineFacts *machine, int namespaces, GError **error)
{
  g_autoptr (Plan) plan = plan_empty (NULL);

  plan->userns = USERNS_ENTER;
  plan->new_namespaces = CLONE_NEWUSER | namespaces;
  return plan_all_ids (plan, machine, error) ? g_steal_pointer (&plan) : NULL;
}
