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

static gboolean
plan_namespace (PlanContext *context, guint index, GError **error)
{
  const OciNamespace *wanted = g_ptr_array_index (context->spec->linux_->namespaces, index);
  const GPtrArray *all = context->facts->bundle.namespaces;
  const NamespaceFacts *facts = all != NULL && index < all->len ? g_ptr_array_index (all, index)
                                                                : NULL;
  g_autofree char *at = g_strdup_printf ("/linux/namespaces/%u", index);

  if (wanted->path != NULL)
    {
      g_autofree char *pointer = g_strconcat (at, "/path", NULL);

      if (facts != NULL && facts->error != 0)
        return plan_refuse (error, pointer, "open %s: %s", wanted->path,
                            g_strerror (facts->error));
      if (facts != NULL && facts->type != wanted->type)
        return plan_refuse (error, pointer, "%s is not a %s namespace", wanted->path,
                            name_of (oci_namespace_names, wanted->type));
      return plan_refuse (error, pointer, "joining a namespace is not supported: %s",
                          wanted->path);
    }
  if (wanted->type == CLONE_NEWTIME)
    return plan_refuse (error, at, "a new time namespace is not supported");
  context->plan->new_namespaces |= wanted->type;
  return TRUE;
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
  if (!plan_privileged (&context->facts->machine) && !(plan->new_namespaces & CLONE_NEWUSER))
    {
      plan_note (plan, "/linux/namespaces", "a user namespace is added: the caller has no privilege");
      plan->new_namespaces |= CLONE_NEWUSER;
    }
  plan->own_pid_ns = plan_owns_namespace (context, CLONE_NEWPID);
  return TRUE;
}
