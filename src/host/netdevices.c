/* Network devices on this host; see netdevices.h. */
#include "config.h"

#include "host/netdevices.h"

#include "base/fd.h"
#include "base/proc.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define OWN_NETWORK "/proc/self/ns/net"

gboolean
host_rules_network (void)
{
  autofd network = -1, owner = -1;

  if (!proc_has_capability (CAP_NET_ADMIN) || !proc_has_capability (CAP_SYS_ADMIN))
    return FALSE;
  network = open (OWN_NETWORK, O_RDONLY | O_CLOEXEC);
  /* EPERM where the owner is above us (ioctl_nsfs(2)) */
  owner = network >= 0 ? ioctl (network, NS_GET_USERNS) : -1;
  return owner >= 0;
}

/* Whether @fd is the network namespace that we are in. */
static gboolean
is_own_network (int fd)
{
  struct stat own, other;

  return stat (OWN_NETWORK, &own) == 0 && fstat (fd, &other) == 0 && own.st_dev == other.st_dev
         && own.st_ino == other.st_ino;
}

void
host_net_devices_probe (const OciSpec *spec, BundleFacts *facts)
{
  const GPtrArray *devices = spec->linux_->net_devices;

  if (field_count (devices) == 0)
    return;
  facts->net_admin = host_rules_network ();
  facts->net_devices = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < devices->len; i++)
    {
      const OciNetDevice *device = g_ptr_array_index (devices, i);
      guint number = if_nametoindex (device->key);

      g_array_append_val (facts->net_devices, number);
    }
  for (guint i = 0; i < facts->namespaces->len; i++)
    {
      NamespaceFacts *ns = g_ptr_array_index (facts->namespaces, i);

      if (ns != NULL && ns->type == CLONE_NEWNET)
        ns->own = is_own_network (ns->fd);
    }
}
