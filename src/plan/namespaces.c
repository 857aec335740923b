/* Namespaces (runtime-spec config-linux.md, "Namespaces"): which bwrap makes. */
#include "config.h"

#include "plan/builder.h"

#include <linux/sched.h>

gboolean
plan_owns_namespace (const PlanContext *context, int type)
{
  return (context->plan->new_namespaces & type) != 0
         || oci_linux_namespace (context->spec->linux_, type) != NULL;
}

static gboolean
join_namespace (PlanContext *context, guint index, GError **error)
{
  const OciNamespace *wanted = g_ptr_array_index (context->spec->linux_->namespaces, index);
  const NamespaceFacts *facts = g_ptr_array_index (context->facts->bundle.namespaces, index);
  g_autofree char *at = g_strdup_printf ("/linux/namespaces/%u/path", index);

  if (facts->error != 0)
    return plan_refuse (error, at, "open %s: %s", wanted->path, g_strerror (facts->error));
  if (facts->type != wanted->type)
    return plan_refuse (error, at, "%s is not a %s namespace", wanted->path,
                        name_of (oci_namespace_names, wanted->type));
  if (wanted->type == CLONE_NEWNS)
    return plan_refuse (error, at, "%s: the mount namespace is always a new one, none can be"
                        " joined", wanted->path);
  if (wanted->type == CLONE_NEWUSER)
    context->plan->userns = USERNS_JOIN;
  else
    g_array_append_val (context->plan->joined, index);
  return TRUE;
}

static gboolean
plan_namespace (PlanContext *context, guint index, GError **error)
{
  const OciNamespace *wanted = g_ptr_array_index (context->spec->linux_->namespaces, index);

  if (wanted->path != NULL)
    return join_namespace (context, index, error);
  context->plan->new_namespaces |= wanted->type;
  return TRUE;
}

/* One line a clock (time_namespaces(7)). */
static void
add_offset (GString *text, const char *clock, const OciTimeOffset *offset)
{
  if (offset != NULL)
    g_string_append_printf (text, "%s %" G_GINT64_FORMAT " %u\n", clock, offset->secs.value,
                            offset->nanosecs.value);
}

static gboolean
plan_time (PlanContext *context, GError **error)
{
  const OciTimeOffsets *offsets = context->spec->linux_->time_offsets;
  GString *text;

  if (offsets == NULL || (offsets->boottime == NULL && offsets->monotonic == NULL))
    return TRUE;
  if (!(context->plan->new_namespaces & CLONE_NEWTIME))
    return plan_refuse (error, "/linux/timeOffsets", "the clocks of a time namespace that exists"
                        " cannot be set");
  text = g_string_new (NULL);
  add_offset (text, "monotonic", offsets->monotonic);
  add_offset (text, "boottime", offsets->boottime);
  context->plan->time_offsets = g_string_free (text, FALSE);
  return TRUE;
}

/* A child of bwrap always has no_new_privs; who joins what bwrap has built does not. The
 * joining process also enters the namespaces that exist already, and makes the one of time: for
 * neither has bwrap options. */
static void
choose_hold (PlanContext *context)
{
  const OciProcess *process = context->process;
  Plan *plan = context->plan;

  plan->no_new_privs = process != NULL && process->no_new_privileges.value;
  plan->hold = !plan->no_new_privs || plan->joined->len > 0
               || (plan->new_namespaces & CLONE_NEWTIME) != 0;
}

gboolean
plan_namespaces (PlanContext *context, GError **error)
{
  const GPtrArray *wanted = context->spec->linux_->namespaces;
  Plan *plan = context->plan;

  for (guint i = 0; i < field_count (wanted); i++)
    if (!plan_go_on (context, plan_namespace (context, i, error), error))
      return FALSE;

  if (oci_linux_namespace (context->spec->linux_, CLONE_NEWNS) == NULL)
    plan_note (plan, "/linux/namespaces", "the mount namespace is a new one in any case");
  plan->new_namespaces |= CLONE_NEWNS;
  if (!plan_privileged (&context->facts->machine) && plan->userns != USERNS_JOIN
      && !(plan->new_namespaces & CLONE_NEWUSER))
    {
      plan_note (plan, "/linux/namespaces",
                 "a user namespace is added: the caller has no privilege");
      plan->new_namespaces |= CLONE_NEWUSER;
    }
  plan->own_pid_ns = plan_owns_namespace (context, CLONE_NEWPID);
  choose_hold (context);
  return plan_time (context, error);
}
