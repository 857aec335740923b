/* /dev (runtime-spec config-linux.md, "Default Devices" and "Devices"). A node is the
 * host's, bound, where making one takes privilege that no user namespace has; the host's root has
 * them made, with their mode and owner: the root inside would be the owner of the host's. */
#include "config.h"

#include "plan/builder.h"
#include "plan/mounts.h"

#include "init/ops.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const struct {
  const char *name;
  guint major, minor;
} default_devices[] = {
  { "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 },
  { "tty", 5, 0 },
};

static const struct {
  const char *path, *content;
} default_links[] = {
  { "/dev/ptmx", "pts/ptmx" },
  { "/dev/fd", "/proc/self/fd" },
  { "/dev/stdin", "/proc/self/fd/0" },
  { "/dev/stdout", "/proc/self/fd/1" },
  { "/dev/stderr", "/proc/self/fd/2" },
};

/* A bind on /dev brings its own nodes. */
static gboolean
dev_is_bound (const OciSpec *spec)
{
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);
      g_autofree char *target = oci_path_normalize (mount->destination);

      if (strcmp (target, "/dev") == 0 && mount_is_bind (mount))
        return TRUE;
    }
  return FALSE;
}

static PlanOp *
add_device (Plan *plan, guint32 row, const char *target, const char *staged, dev_t number)
{
  PlanOp *op = plan_op (plan, OP_DEVICE, row, 0);

  plan_op_number (op, number);
  plan_op_string (op, target);
  plan_op_string (op, staged);
  return op;
}

/* Whether the kernel lets us make nodes. */
static gboolean
makes_nodes (const PlanContext *context)
{
  return context->plan->userns == USERNS_NONE && context->facts->machine.initial_user_ns;
}

/* Whether nodes on /dev work, and are gone with the container. */
static gboolean
dev_is_memory (const OciSpec *spec)
{
  gboolean memory = FALSE;

  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);
      g_autofree char *target = oci_path_normalize (mount->destination);

      if (strcmp (target, "/dev") == 0)
        memory = g_strcmp0 (mount->type, "tmpfs") == 0
                 && (mount->options == NULL
                     || !g_strv_contains ((const char *const *) mount->options, "nodev"));
    }
  return memory;
}

static void
default_device (Plan *plan, gsize i, gboolean make)
{
  g_autofree char *target = g_strconcat ("/dev/", default_devices[i].name, NULL);
  g_autofree char *staged = g_strconcat ("/s", target, NULL);
  guint32 row = plan_row (plan, "", make ? "make the device %s" : "bind the host's %s", target);
  PlanOp *op = add_device (plan, row, target, staged,
                           makedev (default_devices[i].major, default_devices[i].minor));

  if (!make)
    return;
  plan_op_number (op, S_IFCHR | 0666);
  plan_op_number (op, 0);
  plan_op_number (op, 0);
}

static void
default_link (Plan *plan, gsize i)
{
  guint32 row = plan_row (plan, "", "link %s to %s", default_links[i].path,
                          default_links[i].content);
  PlanOp *op = plan_op (plan, OP_SYMLINK, row, 0);

  plan_op_string (op, default_links[i].path);
  plan_op_string (op, default_links[i].content);
}

/* st_mode without the bits of the type, which some clients write too. */
static mode_t
device_mode (const OciDevice *device)
{
  return device->file_mode.set ? device->file_mode.value & 0777 : 0666;
}

static void
add_fifo (Plan *plan, const OciDevice *device, const char *at)
{
  guint32 row = plan_row (plan, at, "make the FIFO %s", device->path);
  PlanOp *op = plan_op (plan, OP_FIFO, row, 0);

  plan_op_number (op, device_mode (device));
  plan_op_number (op, device->uid.value);
  plan_op_number (op, device->gid.value);
  plan_op_string (op, device->path);
}

/* Where the host has its node, as bwrap brings it in. NULL, and an error: it cannot be bound.
 * Transfer: full. */
static char *
staged_node (const OciDevice *device, const SourceFacts *facts, const char *at, GError **error)
{
  g_autofree char *path = NULL;

  if (facts == NULL || facts->error != 0)
    {
      plan_refuse (error, at, "%s: the host has no node of device %c %" G_GINT64_FORMAT ":%"
                   G_GINT64_FORMAT " to bind", device->path, device->type, device->major.value,
                   device->minor.value);
      return NULL;
    }
  path = oci_path_normalize (facts->path);
  if (g_str_has_prefix (path, "/dev/"))
    return g_strconcat ("/s", path, NULL);
  plan_refuse (error, at, "%s: only nodes below the host's /dev can be bound", facts->path);
  return NULL;
}

/* A node that the host's root has made: with its mode and owner, whether the host has one or not;
 * a cgroup may forbid that and leave the host's to be used. */
static void
make_device (PlanContext *context, const OciDevice *device, const char *staged, const char *at)
{
  guint32 row = plan_row (context->plan, at, "make the device %s", device->path);
  PlanOp *op = add_device (context->plan, row, device->path, staged != NULL ? staged : "",
                           makedev ((guint) device->major.value, (guint) device->minor.value));

  plan_op_number (op, (device->type == 'b' ? S_IFBLK : S_IFCHR) | device_mode (device));
  plan_op_number (op, device->uid.value);
  plan_op_number (op, device->gid.value);
}

/* /dev/ptmx is the container's own devpts': the host's node belongs to nobody there. */
static gboolean
is_own_ptmx (const PlanContext *context, const OciDevice *device)
{
  g_autofree char *path = oci_path_normalize (device->path);

  return device->type == 'c' && device->major.value == 5 && device->minor.value == 2
         && strcmp (path, default_links[0].path) == 0 && !dev_is_bound (context->spec);
}

static gboolean
plan_device (PlanContext *context, guint index, GError **error)
{
  const OciDevice *device = g_ptr_array_index (context->spec->linux_->devices, index);
  const GPtrArray *all = context->facts->bundle.devices;
  const SourceFacts *facts = all != NULL && index < all->len ? g_ptr_array_index (all, index)
                                                             : NULL;
  g_autofree char *at = g_strdup_printf ("/linux/devices/%u", index);
  g_autofree char *staged = NULL;

  if (device->type == 'p')
    {
      add_fifo (context->plan, device, at);
      return TRUE;
    }
  if (is_own_ptmx (context, device))
    {
      plan_note (context->plan, at, "%s is that of the container's own devpts", device->path);
      return TRUE;
    }
  if (makes_nodes (context))
    {
      staged = staged_node (device, facts, at, NULL);
      make_device (context, device, staged, at);
      return TRUE;
    }
  staged = staged_node (device, facts, at, error);
  if (staged == NULL)
    return FALSE;
  (void) add_device (context->plan, plan_row (context->plan, at, "bind the host's %s on %s",
                                              staged + strlen ("/s"), device->path),
                     device->path, staged,
                     makedev ((guint) device->major.value, (guint) device->minor.value));
  if (device->file_mode.set || device->uid.set || device->gid.set)
    plan_note (context->plan, at, "%s keeps the mode and owner of the host's node", device->path);
  return TRUE;
}

gboolean
plan_devices (PlanContext *context, GError **error)
{
  Plan *plan = context->plan;
  gboolean make;

  for (guint i = 0; i < field_count (context->spec->linux_->devices); i++)
    if (!plan_go_on (context, plan_device (context, i, error), error))
      return FALSE;
  if (dev_is_bound (context->spec))
    return TRUE;
  make = makes_nodes (context) && dev_is_memory (context->spec);
  for (gsize i = 0; i < G_N_ELEMENTS (default_devices); i++)
    default_device (plan, i, make);
  for (gsize i = 0; i < G_N_ELEMENTS (default_links); i++)
    default_link (plan, i);
  return TRUE;
}
