/* Mounts that the runtime makes, with the rights of its caller, and hands in.
 *
 * Id-mapped ones (runtime-spec config.md, "Mounts"; mount_setattr(2), MOUNT_ATTR_IDMAP), since the
 * source's file system belongs to somebody else than the container's user namespace. Those that are
 * shared with the host (mount_namespaces(7)): all that bwrap sees is a slave of what the host has,
 * and only a clone that is made on the host is a peer of it. And those below a directory that the
 * container's root may not search, as a user's home or XDG_RUNTIME_DIR with ids that are not hers:
 * these are slaves, as if bwrap had brought them in. */
#include "config.h"

#include "plan/mounts.h"

#include "plan/builder.h"

#include <sched.h>
#include <sys/mount.h>

/* The lines of @wanted, or else of the container's own map. */
static GArray *
lines_of (const GPtrArray *wanted, const GArray *own)
{
  GArray *map = g_array_new (FALSE, FALSE, sizeof (IdMapLine));

  for (guint i = 0; i < field_count (wanted); i++)
    {
      const OciIdMapping *line = g_ptr_array_index (wanted, i);
      IdMapLine entry = { line->container_id.value, line->host_id.value, line->size.value };

      g_array_append_val (map, entry);
    }
  if (map->len == 0 && own != NULL)
    g_array_append_vals (map, own->data, own->len);
  return map;
}

/* Which of linux.namespaces is a user namespace. */
static guint
index_of_user_namespace (const OciSpec *spec)
{
  guint index = 0;

  while (((const OciNamespace *) g_ptr_array_index (spec->linux_->namespaces, index))->type
         != CLONE_NEWUSER)
    index++;
  return index;
}

gboolean
plan_id_mapped (PlanContext *context, guint index, const MountOptions *options, GError **error)
{
  const OciMount *mount = g_ptr_array_index (context->spec->mounts, index);
  gboolean maps = field_count (mount->uid_mappings) > 0;
  g_autofree char *at = g_strdup_printf ("/mounts/%u%s", index,
                                         maps ? "/uidMappings" : "/options");
  Plan *plan = context->plan;
  PlanHanded *mapped;

  if (!options->bind)
    return plan_refuse (error, at, "only ids of bind mounts can be mapped");
  if (!maps && plan->uid_map == NULL && plan->userns != USERNS_JOIN)
    return plan_refuse (error, at, "idmap needs mappings: the mount has none, nor has the container"
                        " a user namespace");
  if (!plan_privileged (&context->facts->machine))
    return plan_refuse (error, at, "mapping the ids of a mount takes privilege over its file"
                        " system");
  mapped = g_new0 (PlanHanded, 1);
  mapped->index = index;
  mapped->recursive = options->recursive_idmap;
  mapped->tree = options->recursive;
  mapped->slave = !plan_is_peer (context, options);
  mapped->of_joined = !maps && plan->userns == USERNS_JOIN;
  if (mapped->of_joined)
    mapped->joined = index_of_user_namespace (context->spec);
  else
    {
      mapped->uid_map = lines_of (mount->uid_mappings, plan->uid_map);
      mapped->gid_map = lines_of (mount->gid_mappings, plan->gid_map);
    }
  g_ptr_array_add (plan->handed, mapped);
  return TRUE;
}

/* As the peers have it, the root's propagation says so too; without both it stays inside. What is
 * mounted below the bind is as the host has it, unless that was asked to be otherwise. A mount of
 * another user namespace is never a peer. */
gboolean
plan_is_peer (const PlanContext *context, const MountOptions *options)
{
  guint64 own = options->propagation, below = options->recursive_propagation;
  int root = context->spec->linux_->rootfs_propagation;

  return root >= 0 && (root & MS_SHARED) != 0
         && (own == MS_SHARED || own == 0) && (below == MS_SHARED || below == 0)
         && (own | below) != 0 && context->plan->userns == USERNS_NONE
         && plan_privileged (&context->facts->machine);
}

void
plan_hand_in (PlanContext *context, guint index, const MountOptions *options)
{
  PlanHanded *handed = g_new0 (PlanHanded, 1);

  handed->index = index;
  handed->tree = options->recursive;
  handed->slave = context->plan->userns != USERNS_NONE;
  g_ptr_array_add (context->plan->handed, handed);
}
