/* What a plan must know of the world; see facts.h. */
#include "config.h"

#include "plan/facts.h"

#include "base/fd.h"

void
cgroup_facts_free (CgroupFacts *facts)
{
  g_free (facts->options);
  g_strfreev (facts->controllers);
  g_free (facts->mount);
  g_free (facts->own);
  g_free (facts->path);
  g_free (facts);
}

void
closed_directory_free (ClosedDirectory *directory)
{
  g_free (directory->path);
  g_free (directory);
}

void
mount_below_free (MountBelow *mount)
{
  g_free (mount->path);
  g_free (mount);
}

void
source_facts_free (SourceFacts *facts)
{
  if (facts == NULL)
    return;
  fd_clear (&facts->fd);
  g_free (facts->path);
  g_free (facts->link);
  g_free (facts->real_path);
  g_clear_pointer (&facts->closed, g_ptr_array_unref);
  g_clear_pointer (&facts->below, g_ptr_array_unref);
  g_free (facts);
}

void
namespace_facts_free (NamespaceFacts *facts)
{
  if (facts == NULL)
    return;
  fd_clear (&facts->fd);
  g_free (facts);
}

void
bwrap_facts_clear (BwrapFacts *facts)
{
  g_free (facts->path);
  g_free (facts->version);
  g_free (facts->problem);
  *facts = (BwrapFacts) { 0 };
}

void
host_facts_free (HostFacts *facts)
{
  if (facts == NULL)
    return;
  g_free (facts->machine.user);
  g_clear_pointer (&facts->machine.uid_map, g_array_unref);
  g_clear_pointer (&facts->machine.gid_map, g_array_unref);
  g_clear_pointer (&facts->machine.sub_uids, g_array_unref);
  g_clear_pointer (&facts->machine.sub_gids, g_array_unref);
  g_clear_pointer (&facts->machine.hard_limits, g_array_unref);
  g_free (facts->machine.newuidmap.path);
  g_free (facts->machine.newgidmap.path);
  g_free (facts->machine.fuse.program);
  bwrap_facts_clear (&facts->machine.bwrap);
  g_strfreev (facts->machine.cgroup_v1);
  g_clear_pointer (&facts->machine.cgroups, g_ptr_array_unref);
  source_facts_free (facts->bundle.root);
  g_clear_pointer (&facts->bundle.mounts, g_ptr_array_unref);
  g_clear_pointer (&facts->bundle.layers, g_ptr_array_unref);
  g_clear_pointer (&facts->bundle.devices, g_ptr_array_unref);
  g_clear_pointer (&facts->bundle.namespaces, g_ptr_array_unref);
  g_clear_pointer (&facts->bundle.net_devices, g_array_unref);
  g_clear_pointer (&facts->bundle.paths, g_hash_table_unref);
  g_clear_pointer (&facts->bundle.refused_overlays, g_hash_table_unref);
  g_free (facts);
}
