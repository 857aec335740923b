/* Namespaces (runtime-spec config-linux.md, "Namespaces"): which bwrap makes. */
#include "config.h"

#include "plan/builder.h"

#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

gboolean
plan_owns_namespace (const PlanContext *context, int type)
{
  return (context->plan->new_namespaces & type) != 0
         || oci_linux_namespace (context->spec->linux_, type) != NULL;
}

/* All types; what is here without a refusal is done. */
static const struct {
  int type;
  const char *join_refusal;  /* why one that exists is not joined; NULL: it is */
  const char *new_refusal;   /* why none is made; NULL: one is */
} types[] = {
  { CLONE_NEWUSER, NULL, NULL },
  { CLONE_NEWNET, NULL, NULL },
  { CLONE_NEWIPC, NULL, NULL },
  { CLONE_NEWUTS, NULL, NULL },
  { CLONE_NEWPID, NULL, NULL },
  { CLONE_NEWCGROUP, NULL, NULL },
  { CLONE_NEWNS, "the mount namespace is always a new one, none can be joined", NULL },
  { CLONE_NEWTIME, "joining a time namespace is not supported",
    "a new time namespace is not supported" },
};

const char *
plan_namespace_refusal (int type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].type == type)
      return types[i].new_refusal;
  return NULL;
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
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].type == wanted->type && types[i].join_refusal != NULL)
      return plan_refuse (error, at, "%s: %s", wanted->path, types[i].join_refusal);
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
  if (plan_namespace_refusal (wanted->type) != NULL)
    {
      g_autofree char *at = g_strdup_printf ("/linux/namespaces/%u", index);

      return plan_refuse (error, at, "%s", plan_namespace_refusal (wanted->type));
    }
  context->plan->new_namespaces |= wanted->type;
  return TRUE;
}

/* A child of bwrap always has no_new_privs; who joins what bwrap has built does not. The
 * joining process also enters the namespaces that exist already, for which bwrap has no
 * options. */
static void
choose_hold (PlanContext *context)
{
  const OciProcess *process = context->process;
  Plan *plan = context->plan;

  plan->no_new_privs = process != NULL && process->no_new_privileges.value;
  plan->hold = !plan->no_new_privs || plan->joined->len > 0;
}

gboolean
plan_namespaces (PlanContext *context, GError **error)
{
  const GPtrArray *wanted = context->spec->linux_->namespaces;
  Plan *plan = context->plan;

  for (guint i = 0; i < field_count (wanted); i++)
    if (!plan_namespace (context, i, error))
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
  return TRUE;
}
