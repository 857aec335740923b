/* The Plan; see plan.h. This file is the order of the chapters. */
#include "config.h"

#include "plan/plan.h"

#include "plan/builder.h"

#include "init/ops.h"

static void
free_row (gpointer data)
{
  PlanRow *row = data;

  g_free (row->pointer);
  g_free (row->what);
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
free_note (gpointer data)
{
  PlanNote *note = data;

  g_free (note->pointer);
  g_free (note->message);
  g_free (note);
}

void
plan_free (Plan *plan)
{
  if (plan == NULL)
    return;
  g_clear_pointer (&plan->uid_map, g_array_unref);
  g_clear_pointer (&plan->gid_map, g_array_unref);
  g_array_unref (plan->joined);
  g_free (plan->time_offsets);
  cgroup_plan_free (plan->cgroup);
  g_ptr_array_unref (plan->words);
  g_ptr_array_unref (plan->ops);
  g_ptr_array_unref (plan->rows);
  g_ptr_array_unref (plan->notes);
  g_free (plan);
}

gboolean
plan_privileged (const MachineFacts *machine)
{
  return machine->uid == 0 && (machine->capabilities & HOST_CAP_SYS_ADMIN) != 0;
}

/* Refuses what the rows say cannot be done; the rest of what they say is noted. */
static gboolean
take_notes (PlanContext *context, GError **error)
{
  const FieldNote *refused = oci_notes_refused (context->spec->notes);

  if (refused != NULL)
    return plan_refuse (error, refused->pointer, "%s", refused->reason);
  for (guint i = 0; i < context->spec->notes->len; i++)
    {
      const FieldNote *note = g_ptr_array_index (context->spec->notes, i);

      plan_note (context->plan, note->pointer, "%s", note->reason);
    }
  return TRUE;
}

static const struct {
  gboolean (*plan) (PlanContext *context, GError **error);
} chapters[] = {
  { take_notes },
  { plan_namespaces },
  { plan_idmap },
  { plan_control_groups },
  { plan_staging },
  { plan_mounts },
  { plan_devices },
  { plan_paths },
  { plan_system },
  { plan_process },
};

static Plan *
plan_empty (const OciSpec *spec)
{
  Plan *plan = g_new0 (Plan, 1);

  plan->spec = spec;
  plan->words = g_ptr_array_new_with_free_func (free_word);
  plan->ops = g_ptr_array_new_with_free_func (free_op);
  plan->rows = g_ptr_array_new_with_free_func (free_row);
  plan->notes = g_ptr_array_new_with_free_func (free_note);
  plan->joined = g_array_new (FALSE, FALSE, sizeof (guint));
  return plan;
}

Plan *
plan_new (const OciSpec *spec, const HostFacts *facts, const PlanOptions *options, GError **error)
{
  g_autoptr (Plan) plan = plan_empty (spec);
  g_autoptr (GPtrArray) staged = g_ptr_array_new_with_free_func (g_free);
  PlanContext context = { .spec = spec, .process = spec->process, .facts = facts,
                          .options = options, .plan = plan, .staged = staged };

  if (spec->hooks != NULL)
    context.start_hooks = spec->hooks->start_container;
  for (gsize i = 0; i < G_N_ELEMENTS (chapters); i++)
    if (!chapters[i].plan (&context, error))
      return NULL;
  return g_steal_pointer (&plan);
}

Plan *
plan_exec_new (const OciSpec *spec, const OciProcess *process, const ExecFacts *facts,
               const PlanOptions *options, GError **error)
{
  g_autoptr (Plan) plan = plan_empty (spec);
  HostFacts host = { .machine = { .last_capability = facts->last_capability } };
  PlanContext context = { .spec = spec, .process = process, .facts = &host, .options = options,
                          .plan = plan };

  plan->uid_map = g_array_ref (facts->uid_map);
  plan->gid_map = g_array_ref (facts->gid_map);
  plan->setgroups_deny = facts->setgroups_deny;
  plan->no_new_privs = process->no_new_privileges.value;
  (void) plan_op (plan, OP_UNDUMPABLE, plan_row (plan, "", "forbid to be traced"), 0);
  if (!plan_check_ids (&context, error) || !plan_affinity (&context, error)
      || !plan_terminal (&context, 0, error)
      || !plan_process (&context, error))
    return NULL;
  return g_steal_pointer (&plan);
}
