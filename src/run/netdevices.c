/* Moving network devices; see netdevices.h.
 *
 * A device is shut down when it changes its namespace, and loses all addresses and routes; the rest
 * (MTU, hardware address, queues) stays with it. Everything that can be foreseen is looked at while
 * it is still up. A virtual device would end with its namespace: hence it goes back if the
 * container does not come about. */
#include "config.h"

#include "run/netdevices.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "run/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* as far as the kernel counts itself (dev_alloc_name (): a page of bits, here one of 4 KiB) */
#define TEMPLATE_MAX 32768

/* One side of the move. */
typedef struct {
  int ns;             /* the network namespace */
  int socket;         /* of netlink, in there */
  const char *whose;  /* "runtime", "container" */
} Side;

typedef struct {
  char name[IFNAMSIZ];
  int index;           /* 0: there is none of this name */
  unsigned int flags;  /* IFF_... */
} Link;

typedef struct {
  Link link;             /* as it was here */
  char name[IFNAMSIZ];   /* it has in there; "": it has not been moved */
  GPtrArray *addresses;  /* of NetlinkRequest: each adds one */
} Device;

struct NetDevices {
  Side here;
  Side there;
  GPtrArray *devices;  /* of Device */
};

static void
free_device (gpointer data)
{
  Device *device = data;

  g_ptr_array_unref (device->addresses);
  g_free (device);
}

void
net_devices_free (NetDevices *devices)
{
  if (devices == NULL)
    return;
  fd_clear (&devices->here.ns);
  fd_clear (&devices->here.socket);
  fd_clear (&devices->there.ns);
  fd_clear (&devices->there.socket);
  g_ptr_array_unref (devices->devices);
  g_free (devices);
}

/* --- devices and addresses --- */

static void
take_link (const struct nlmsghdr *message, gpointer data)
{
  Link *link = data;
  struct ifinfomsg info;

  if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH (sizeof info))
    return;
  memcpy (&info, NLMSG_DATA (message), sizeof info);
  link->index = info.ifi_index;
  link->flags = info.ifi_flags;
}

/* Looks for the device @name; where there is none the index is 0. */
static gboolean
find_link (const Side *side, const char *name, Link *ret_link, GError **error)
{
  const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
  const NetlinkCall call = { .socket = side->socket, .take = take_link, .data = ret_link,
                             .what = "RTM_GETLINK" };
  g_autoptr (GError) local = NULL;
  NetlinkRequest request;

  *ret_link = (Link) { .index = 0 };
  (void) g_strlcpy (ret_link->name, name, sizeof ret_link->name);
  netlink_begin (&request, RTM_GETLINK, &info, sizeof info);
  netlink_add (&request, IFLA_IFNAME, name, strlen (name) + 1);
  if (netlink_call (&call, &request, &local) || errno == ENODEV)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* The same for one that has to be there. */
static gboolean
need_link (const Side *side, const char *name, Link *ret_link, GError **error)
{
  return find_link (side, name, ret_link, error)
         && (ret_link->index != 0
             || throw (error, "link not found for interface %s on %s namespace", name,
                       side->whose));
}

/* The addresses of a device that are being read. */
typedef struct {
  int index;
  GPtrArray *found;  /* of NetlinkRequest */
  gboolean changed;  /* meanwhile: they have to be read again */
} Reading;

static void
take_address (const struct nlmsghdr *message, gpointer data)
{
  /* not its label, which has the device's name in it */
  static const guint16 kept[] = { IFA_ADDRESS,  IFA_LOCAL,       IFA_BROADCAST,
                                  IFA_FLAGS,    IFA_RT_PRIORITY, IFA_CACHEINFO };
  Reading *reading = data;
  NetlinkRequest *request;
  struct ifaddrmsg info;

  reading->changed = reading->changed || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
  if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_LENGTH (sizeof info))
    return;
  memcpy (&info, NLMSG_DATA (message), sizeof info);
  if (info.ifa_index != (guint32) reading->index)
    return;
  request = g_new (NetlinkRequest, 1);
  netlink_begin (request, RTM_NEWADDR, &info, sizeof info);
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      gsize size;
      const void *value = netlink_attribute (message, sizeof info, kept[i], &size);

      if (value != NULL)
        netlink_add (request, kept[i], value, size);
    }
  g_ptr_array_add (reading->found, request);
}

/* Reads the addresses of device @index into @addresses. */
static gboolean
read_addresses (const Side *side, int index, GPtrArray *addresses, GError **error)
{
  const struct ifaddrmsg info = { .ifa_family = AF_UNSPEC };
  Reading reading = { .index = index, .found = addresses };
  const NetlinkCall call = { .socket = side->socket, .flags = NLM_F_DUMP, .take = take_address,
                             .data = &reading, .what = "RTM_GETADDR" };
  NetlinkRequest request;

  do
    {
      g_ptr_array_set_size (addresses, 0);
      reading.changed = FALSE;
      netlink_begin (&request, RTM_GETADDR, &info, sizeof info);
      if (!netlink_call (&call, &request, error))
        return FALSE;
    }
  while (reading.changed);
  return TRUE;
}

/* Whether the address that @request adds is to be had in the container as well. */
static gboolean
goes_along (const NetlinkRequest *request)
{
  struct ifaddrmsg info;
  guint32 flags;
  const void *value;
  gsize size;

  memcpy (&info, NLMSG_DATA (&request->header), sizeof info);
  flags = info.ifa_flags;
  value = netlink_attribute (&request->header, sizeof info, IFA_FLAGS, &size);
  if (value != NULL && size == sizeof flags)
    memcpy (&flags, value, size);
  return (flags & IFA_F_PERMANENT) != 0 && info.ifa_scope == RT_SCOPE_UNIVERSE;
}

/* Adds @addresses, or with @along those that go along, to device @index; one that is there already,
 * as the kernel's own, is as good. */
static gboolean
add_addresses (const Side *side, int index, const GPtrArray *addresses, gboolean along,
               GError **error)
{
  const NetlinkCall call = { .socket = side->socket, .flags = NLM_F_CREATE | NLM_F_EXCL,
                             .what = "fail to set up an address" };

  for (guint i = 0; i < addresses->len; i++)
    {
      NetlinkRequest request = *(const NetlinkRequest *) g_ptr_array_index (addresses, i);
      g_autoptr (GError) local = NULL;
      struct ifaddrmsg info;

      if (along && !goes_along (&request))
        continue;
      memcpy (&info, NLMSG_DATA (&request.header), sizeof info);
      info.ifa_index = (guint32) index;
      memcpy (NLMSG_DATA (&request.header), &info, sizeof info);
      if (netlink_call (&call, &request, &local) || errno == EEXIST)
        continue;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return TRUE;
}

static gboolean
set_up (const Side *side, int index, GError **error)
{
  const struct ifinfomsg info = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
  const NetlinkCall call = { .socket = side->socket, .what = "fail to set up the interface" };
  NetlinkRequest request;

  netlink_begin (&request, RTM_SETLINK, &info, sizeof info);
  return netlink_call (&call, &request, error);
}

/* Moves device @index of @from to @to, where it is @name. */
static gboolean
move (const Side *from, int index, const Side *to, const char *name, GError **error)
{
  const struct ifinfomsg info = { .ifi_index = index };
  const guint32 ns = (guint32) to->ns;
  const NetlinkCall call = { .socket = from->socket, .what = "fail to move network device" };
  NetlinkRequest request;

  netlink_begin (&request, RTM_SETLINK, &info, sizeof info);
  netlink_add (&request, IFLA_NET_NS_FD, &ns, sizeof ns);
  netlink_add (&request, IFLA_IFNAME, name, strlen (name) + 1);
  return netlink_call (&call, &request, error);
}

/* --- into the container --- */

/* Finds the name that a device gets there: @wanted, or the first free one that it is the template
 * of, as the kernel would number it. */
static gboolean
choose_name (const Side *there, const char *wanted, char ret_name[IFNAMSIZ], GError **error)
{
  const char *number = strchr (wanted, '%');
  char name[IFNAMSIZ + 16];
  Link link = { .index = 1 };

  for (guint i = 0; link.index != 0; i++)
    {
      if (number == NULL)
        (void) snprintf (name, sizeof name, "%s", wanted);
      else
        (void) snprintf (name, sizeof name, "%.*s%u%s", (int) (number - wanted), wanted, i,
                         number + 2);
      if (strlen (name) >= IFNAMSIZ || i > TEMPLATE_MAX)
        return throw (error, "no name \"%s\" is free in the container", wanted);
      if (!find_link (there, name, &link, error))
        return FALSE;
      if (link.index != 0 && number == NULL)
        return throw (error, "fail to move network device: the container has a device \"%s\""
                             " already", wanted);
    }
  (void) g_strlcpy (ret_name, name, IFNAMSIZ);
  return TRUE;
}

static gboolean
move_device (NetDevices *devices, const OciNetDevice *wanted, GError **error)
{
  Device *device = g_new0 (Device, 1);
  char name[IFNAMSIZ];
  Link inside;

  device->addresses = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (devices->devices, device);
  if (!need_link (&devices->here, wanted->key, &device->link, error)
      || !choose_name (&devices->there, oci_net_device_name (wanted), name, error)
      || !read_addresses (&devices->here, device->link.index, device->addresses, error)
      || !move (&devices->here, device->link.index, &devices->there, name, error))
    return FALSE;
  memcpy (device->name, name, sizeof name);
  return need_link (&devices->there, name, &inside, error)
         && add_addresses (&devices->there, inside.index, device->addresses, TRUE, error)
         && set_up (&devices->there, inside.index, error);
}

/* Opens a netlink socket in the namespace of @there. The plan has seen to our rights over that and
 * over our own. */
static int
open_socket (const Side *there, const Side *here, GError **error)
{
  autofd socket = -1;

  if (setns (there->ns, CLONE_NEWNET) < 0)
    return throw_fd_errno (error, "enter the container's network namespace");
  socket = netlink_open (error);
  if (setns (here->ns, CLONE_NEWNET) < 0 && socket >= 0)
    return throw_fd_errno (error, "leave the container's network namespace");
  return fd_steal (&socket);
}

static gboolean
open_sides (NetDevices *devices, pid_t pid, GError **error)
{
  char path[64];

  (void) snprintf (path, sizeof path, "/proc/%d/ns/net", (int) pid);
  devices->here.ns = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  devices->there.ns = open (path, O_RDONLY | O_CLOEXEC);
  if (devices->here.ns < 0 || devices->there.ns < 0)
    return throw_errno (error, "open %s", path);
  devices->here.socket = netlink_open (error);
  if (devices->here.socket < 0)
    return FALSE;
  devices->there.socket = open_socket (&devices->there, &devices->here, error);
  return devices->there.socket >= 0;
}

gboolean
net_devices_move (const Plan *plan, pid_t pid, NetDevices **ret_devices, GError **error)
{
  const GPtrArray *wanted = plan->spec->linux_->net_devices;
  NetDevices *devices = g_new0 (NetDevices, 1);

  devices->here = (Side) { .ns = -1, .socket = -1, .whose = "runtime" };
  devices->there = (Side) { .ns = -1, .socket = -1, .whose = "container" };
  devices->devices = g_ptr_array_new_with_free_func (free_device);
  *ret_devices = devices;
  if (!open_sides (devices, pid, error))
    {
      g_prefix_error (error, "config.json: /linux/netDevices: ");
      return FALSE;
    }
  for (guint i = 0; i < wanted->len; i++)
    {
      const OciNetDevice *device = g_ptr_array_index (wanted, i);

      if (!move_device (devices, device, error))
        {
          g_prefix_error (error, "config.json: /linux/netDevices/%s: ", device->key);
          return FALSE;
        }
    }
  return TRUE;
}

/* --- and back --- */

static gboolean
return_device (const NetDevices *devices, const Device *device, GError **error)
{
  const Side *here = &devices->here;
  Link link;

  /* another of that name, in a network that is joined, is not ours */
  if (device->name[0] == '\0')
    return TRUE;
  if (!need_link (&devices->there, device->name, &link, error)
      || !move (&devices->there, link.index, here, device->link.name, error)
      || !need_link (here, device->link.name, &link, error)
      || !add_addresses (here, link.index, device->addresses, FALSE, error))
    return FALSE;
  return (device->link.flags & IFF_UP) == 0 || set_up (here, link.index, error);
}

void
net_devices_return (NetDevices *devices)
{
  for (guint i = devices != NULL ? devices->devices->len : 0; i > 0; i--)
    {
      const Device *device = g_ptr_array_index (devices->devices, i - 1);
      g_autoptr (GError) error = NULL;

      if (!return_device (devices, device, &error))
        log_warning ("network device %s: back from the container: %s", device->link.name,
                     error->message);
    }
  net_devices_free (devices);
}
