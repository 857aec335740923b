/* Mounts whose ids are mapped; see idmapped.h. */
#include "config.h"

#include "run/idmapped.h"

#include "base/error.h"
#include "base/fd.h"
#include "run/idmap.h"
#include "run/passfd.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* The mount, attached nowhere; -1 on error. */
static int
make_mount (const PlanIdMapped *mapped, const HostFacts *facts, GError **error)
{
  const SourceFacts *source = g_ptr_array_index (facts->bundle.mounts, mapped->index);
  const Plan maps = { .maps = MAPS_DIRECT, .uid_map = mapped->uid_map,
                      .gid_map = mapped->gid_map };
  const unsigned int tree = mapped->tree ? AT_RECURSIVE : 0;
  struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
  autofd opened = -1, mount = -1, namespace = -1;

  namespace = idmap_new_namespace (&maps, &facts->machine, NULL, error);
  if (namespace < 0)
    return -1;
  if (source->fd < 0)
    opened = open (source->real_path, O_PATH | O_CLOEXEC);
  mount = (int) syscall (SYS_open_tree, source->fd >= 0 ? source->fd : opened, "",
                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | tree);
  if (mount < 0)
    return throw_fd_errno (error, "open_tree %s", source->path);
  attr.userns_fd = (guint64) namespace;
  if (syscall (SYS_mount_setattr, mount, "",
               AT_EMPTY_PATH | (mapped->recursive ? AT_RECURSIVE : 0), &attr, sizeof attr) < 0)
    return throw_fd_errno (error, "map the ids of %s", source->path);
  return fd_steal (&mount);
}

gboolean
idmapped_send (const Plan *plan, const HostFacts *facts, int control, GError **error)
{
  for (guint i = 0; i < plan->id_mapped->len; i++)
    {
      const PlanIdMapped *mapped = g_ptr_array_index (plan->id_mapped, i);
      autofd mount = make_mount (mapped, facts, error);

      if (mount < 0)
        {
          g_prefix_error (error, "config.json: /mounts/%u: ", mapped->index);
          return FALSE;
        }
      /* an init that has ended will have said why */
      if (!pass_fd (control, "m", mount, NULL))
        return TRUE;
    }
  return TRUE;
}
