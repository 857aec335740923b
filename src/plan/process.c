/* The program (runtime-spec config.md, "Process"): looked up before "ready", restricted
 * after the start. */
#include "config.h"

#include "plan/builder.h"

#include "base/names.h"
#include "init/ops.h"

#include <string.h>
#include <sys/mount.h>

#define DEFAULT_UMASK 0022

static guint64
capability_set (PlanContext *context, char **names, const char *set)
{
  guint64 bits = 0;

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      const Name *row = name_find (name_capabilities, names[i]);
      g_autofree char *at = g_strdup_printf ("/process/capabilities/%s/%u", set, i);

      /* a warning, not an error: callers send names of newer kernels */
      if (row == NULL || (guint) row->value > context->facts->machine.last_capability)
        plan_ignore (context->plan, at, "unknown capability %s", names[i]);
      else
        bits |= (guint64) 1 << row->value;
    }
  return bits;
}

/* An ambient capability must be permitted and inheritable (capabilities(7)). */
static void
plan_capabilities (PlanContext *context, guint64 sets[CAPABILITY_NUMBERS])
{
  const OciCapabilities *wanted = context->process->capabilities;
  guint64 possible;

  if (wanted == NULL)
    return;
  /* which of them could be used is the host's to say: "Runtimes SHOULD NOT fail if the container
   * configuration requests capabilities that cannot be granted" (config.md, "Linux Process") */
  if (context->plan->plain)
    {
      plan_ignore (context->plan, "/process/capabilities", "the plain mode gives none");
      return;
    }
  sets[CAPABILITY_BOUNDING] = capability_set (context, wanted->bounding, "bounding");
  sets[CAPABILITY_EFFECTIVE] = capability_set (context, wanted->effective, "effective");
  sets[CAPABILITY_PERMITTED] = capability_set (context, wanted->permitted, "permitted");
  sets[CAPABILITY_INHERITABLE] = capability_set (context, wanted->inheritable, "inheritable");
  sets[CAPABILITY_AMBIENT] = capability_set (context, wanted->ambient, "ambient");
  possible = sets[CAPABILITY_PERMITTED] & sets[CAPABILITY_INHERITABLE];
  if (sets[CAPABILITY_AMBIENT] & ~possible)
    plan_ignore (context->plan, "/process/capabilities/ambient", "a capability that is not"
                 " permitted and inheritable cannot be ambient");
  sets[CAPABILITY_AMBIENT] &= possible;
}

/* Only who rules the whole machine raises what bounds it (setrlimit(2)). */
static gboolean
check_hard_limit (const PlanContext *context, const OciRlimit *limit, const char *at,
                  GError **error)
{
  const MachineFacts *machine = &context->facts->machine;
  guint64 own;

  if (machine->hard_limits == NULL || (guint) limit->type >= machine->hard_limits->len
      || (machine->initial_user_ns && (machine->capabilities & HOST_CAP_SYS_RESOURCE) != 0))
    return TRUE;
  own = g_array_index (machine->hard_limits, guint64, limit->type);
  return limit->hard.value <= own
         || plan_refuse (error, at, "%s: the hard limit %" G_GUINT64_FORMAT " is above that of the"
                         " caller, %" G_GUINT64_FORMAT, name_of (name_rlimits, limit->type),
                         limit->hard.value, own);
}

static gboolean
plan_rlimits (PlanContext *context, GError **error)
{
  const GPtrArray *limits = context->process->rlimits;

  for (guint i = 0; i < field_count (limits); i++)
    {
      const OciRlimit *limit = g_ptr_array_index (limits, i);
      g_autofree char *at = g_strdup_printf ("/process/rlimits/%u", i);
      guint32 row = plan_row (context->plan, at, "set %s to %" G_GUINT64_FORMAT ":%"
                              G_GUINT64_FORMAT, name_of (name_rlimits, limit->type),
                              limit->soft.value, limit->hard.value);
      PlanOp *op = plan_op (context->plan, OP_RLIMIT, row, 0);

      plan_op_number (op, (guint64) limit->type);
      plan_op_number (op, limit->soft.value);
      plan_op_number (op, limit->hard.value);
      if (!plan_go_on (context, check_hard_limit (context, limit, at, error), error))
        return FALSE;
    }
  return TRUE;
}

static void
plan_groups (PlanContext *context)
{
  const GArray *groups = context->process->user->additional_gids;
  Plan *plan = context->plan;
  PlanOp *op;

  plan->keep_groups = g_strcmp0 (oci_spec_annotation (context->spec,
                                                      "run.oci.keep_original_groups"), "1") == 0;
  if (plan->keep_groups)
    {
      plan_ignore (plan, "/process/user/additionalGids", "the caller's groups stay: the annotation"
                   " run.oci.keep_original_groups says so");
      return;
    }
  if (plan->setgroups_deny)
    {
      plan_ignore (plan, "/process/user/additionalGids", "the caller's groups stay: setgroups is"
                   " denied in a user namespace of one id");
      return;
    }
  if (plan->plain && plan->cgroup != NULL)
    {
      plan_ignore (plan, "/process/user/additionalGids", "the caller's groups stay: the plain mode"
                   " may not change them");
      return;
    }
  op = plan_op (plan, OP_GROUPS, plan_row (plan, "/process/user/additionalGids",
                                           "set %u additional groups", groups ? groups->len : 0),
                0);
  for (guint i = 0; groups != NULL && i < groups->len; i++)
    plan_op_number (op, g_array_index (groups, guint32, i));
}

/* The last value of @name in the environment @env, which counts; NULL if it is not there. */
static const char *
environment_value (char **env, const char *name)
{
  gsize length = strlen (name);
  const char *value = NULL;

  for (; env != NULL && *env != NULL; env++)
    if (strncmp (*env, name, length) == 0 && (*env)[length] == '=')
      value = *env + length + 1;
  return value;
}

/* What is entered and looked up with the program's own ids. */
static PlanOp *
lookup_op (PlanContext *context, guint32 code, guint32 row, guint64 effective)
{
  const OciUser *user = context->process->user;
  PlanOp *op = plan_op (context->plan, code, row, 0);

  plan_op_number (op, user->uid.value);
  plan_op_number (op, user->gid.value);
  plan_op_number (op, effective);
  return op;
}

static void
plan_program (PlanContext *context, guint64 effective)
{
  const OciProcess *process = context->process;
  const char *path = environment_value (process->env, "PATH");
  const char *home = environment_value (process->env, "HOME");
  Plan *plan = context->plan;
  PlanOp *op;

  op = lookup_op (context, OP_CWD, plan_row (plan, "/process/cwd", "enter %s", process->cwd),
                  effective);
  op->flags |= context->joins ? OP_FLAG_THERE : 0;
  plan_op_string (op, process->cwd);
  op = lookup_op (context, OP_PROGRAM, plan_row (plan, "/process/args/0", "find %s",
                                                 process->args[0]), effective);
  plan_op_string (op, process->args[0]);
  plan_op_string (op, path != NULL ? path : "");

  if (home == NULL || *home == '\0')
    {
      op = plan_op (plan, OP_HOME, plan_row (plan, "/process/env", "take HOME from the image's"
                                             " /etc/passwd"), 0);
      plan_op_number (op, process->user->uid.value);
    }
}

static void
plan_ids (PlanContext *context)
{
  const OciUser *user = context->process->user;
  guint32 row = plan_row (context->plan, "/process/user", "become %u:%u", user->uid.value,
                          user->gid.value);
  PlanOp *op = plan_op (context->plan, OP_IDS, row, 0);

  plan_op_number (op, user->uid.value);
  plan_op_number (op, user->gid.value);
  plan_op_number (op, user->umask.set ? user->umask.value : DEFAULT_UMASK);
}

static void
plan_filter (PlanContext *context)
{
  const OciSeccomp *seccomp = context->spec->linux_->seccomp;
  PlanOp *op;

  if (seccomp == NULL || seccomp->default_action < 0)
    return;
  op = plan_op (context->plan, OP_SECCOMP, plan_row (context->plan, "/linux/seccomp",
                                                     "load the filter"), 0);
  op->seccomp = seccomp;
}

static void
plan_restrictions (PlanContext *context, const guint64 sets[CAPABILITY_NUMBERS])
{
  Plan *plan = context->plan;
  PlanOp *op;

  /* without no_new_privs a filter takes CAP_SYS_ADMIN, which the program may not have: then
   * it comes first, and has to allow what is still to be done (as with the peers) */
  if (!plan->no_new_privs)
    plan_filter (context);
  plan_ids (context);
  op = plan_op (plan, OP_CAPABILITIES, plan_row (plan, "/process/capabilities",
                                                 "reduce the capabilities"), 0);
  for (guint i = 0; i < CAPABILITY_NUMBERS; i++)
    plan_op_number (op, sets[i]);

  if (plan->no_new_privs)
    (void) plan_op (plan, OP_NO_NEW_PRIVS, plan_row (plan, "/process/noNewPrivileges",
                                                     "set no_new_privs"), 0);
}

/* Such a container can be created, and used by exec, but not started (runtime-spec runtime.md,
 * "Start"). */
static gboolean
wait_without_program (PlanContext *context, GError **error)
{
  Plan *plan = context->plan;

  if (!context->options->gate)
    return plan_refuse (error, "/process", "missing: there is nothing to run");
  (void) plan_op (plan, OP_READY, plan_row (plan, "/process", "say that everything is ready, and"
                                            " wait: there is nothing to run"), OP_FLAG_GATE);
  return TRUE;
}

gboolean
plan_process (PlanContext *context, GError **error)
{
  const OciProcess *process = context->process;
  guint64 sets[CAPABILITY_NUMBERS] = { 0 };
  Plan *plan = context->plan;
  guint32 row;
  PlanOp *op;

  if (process == NULL)
    return wait_without_program (context, error);
  if (context->options->new_keyring)
    {
      g_autofree char *name = g_strconcat ("_ses.", context->options->id, NULL);

      row = plan_row (plan, "", "join the new session keyring %s", name);
      plan_op_string (plan_op (plan, OP_KEYRING, row, 0), name);
    }
  plan_capabilities (context, sets);
  plan_groups (context);
  plan_program (context, sets[CAPABILITY_EFFECTIVE]);
  if (!plan_rlimits (context, error)
      || !plan_go_on (context, plan_attributes (context, error), error))
    return FALSE;
  row = plan_row (plan, "", "say that everything is ready, and wait for the start");
  (void) plan_op (plan, OP_READY, row, context->options->gate ? OP_FLAG_GATE : 0);
  /* not earlier: a session of its own is a scheduling group of its own (sched(7), autogroup),
   * which a busy machine would let wait while others wait for it */
  if (!plan->terminal)
    plan_session (plan);
  plan_restrictions (context, sets);
  if (plan->no_new_privs)
    plan_filter (context);
  row = plan_row (plan, "/process/args/0", "run %s", process->args[0]);
  op = plan_op (plan, OP_ARGUMENTS, row, 0);
  for (char **argument = process->args; *argument != NULL; argument++)
    plan_op_string (op, *argument);
  plan_environment (context, row);
  plan_start_hooks (context);
  (void) plan_op (plan, OP_EXEC, row, 0);
  return TRUE;
}
