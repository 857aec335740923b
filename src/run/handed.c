/* Mounts that the runtime hands in; see handed.h. */
#include "config.h"

#include "run/handed.h"

#include "base/error.h"
#include "base/fd.h"
#include "run/idmap.h"
#include "run/passfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* Maps the ids of @mount, which is of @source. */
static gboolean
map_ids (const PlanHanded *mapped, int mount, const SourceFacts *source, const HostFacts *facts,
         GError **error)
{
  const Plan maps = { .maps = MAPS_DIRECT, .uid_map = mapped->uid_map,
                      .gid_map = mapped->gid_map };
  struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
  autofd made = -1;

  if (mapped->of_joined)
    attr.userns_fd = (guint64) ((const NamespaceFacts *)
                                g_ptr_array_index (facts->bundle.namespaces, mapped->joined))->fd;
  else
    {
      made = idmap_new_namespace (&maps, &facts->machine, NULL, error);
      if (made < 0)
        return FALSE;
      attr.userns_fd = (guint64) made;
    }
  return syscall (SYS_mount_setattr, mount, "",
                  AT_EMPTY_PATH | (mapped->recursive ? AT_RECURSIVE : 0), &attr, sizeof attr) == 0
         || throw_errno (error, "map the ids of %s", source->path);
}

/* The mount, attached nowhere; -1 on error. */
static int
make_mount (const PlanHanded *handed, const HostFacts *facts, GError **error)
{
  const SourceFacts *source = g_ptr_array_index (facts->bundle.mounts, handed->index);
  const unsigned int tree = handed->tree ? AT_RECURSIVE : 0;
  struct mount_attr slave = { .propagation = MS_SLAVE };
  autofd opened = -1, mount = -1;

  if (source->fd < 0)
    opened = open (source->real_path, O_PATH | O_CLOEXEC);
  mount = (int) syscall (SYS_open_tree, source->fd >= 0 ? source->fd : opened, "",
                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | tree);
  if (mount < 0 && errno == EPERM)
    return throw_fd (error, "open_tree %s: %s (the caller's mount namespace is not its own: unshare"
                     " -m)", source->path, g_strerror (EPERM));
  if (mount < 0)
    return throw_fd_errno (error, "open_tree %s", source->path);
  if (handed->slave
      && syscall (SYS_mount_setattr, mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &slave,
                  sizeof slave) < 0)
    return throw_fd_errno (error, "mount_setattr %s", source->path);
  if ((handed->uid_map != NULL || handed->of_joined)
      && !map_ids (handed, mount, source, facts, error))
    return -1;
  return fd_steal (&mount);
}

gboolean
handed_send (const Plan *plan, const HostFacts *facts, int control, GError **error)
{
  for (guint i = 0; i < plan->handed->len; i++)
    {
      const PlanHanded *handed = g_ptr_array_index (plan->handed, i);
      autofd mount = make_mount (handed, facts, error);

      if (mount < 0)
        {
          g_prefix_error (error, "config.json: /mounts/%u: ", handed->index);
          return FALSE;
        }
      /* an init that has ended will have said why */
      if (!pass_fd (control, "m", mount, NULL))
        return TRUE;
    }
  return TRUE;
}
