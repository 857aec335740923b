/* Mounts (runtime-spec config.md, "Mounts"): one instruction each, in the order of the
 * configuration. */
#include "config.h"

#include "plan/mounts.h"

#include "plan/builder.h"
#include "plan/overlay.h"

#include "init/ops.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* One mount under way. */
typedef struct {
  PlanContext *context;
  const OciMount *mount;
  guint index;
  const char *at;  /* its JSON pointer */
  MountOptions *options;
  char *target;    /* normalised destination */
} Work;

/* What a user namespace may mount, and which namespace must be the container's own. A
 * type without one of these needs the privilege of the host's root. */
static const struct {
  const char *type;
  int needs;             /* CLONE_NEW..., 0: nothing */
  const char *fallback;  /* staged tree of the host that stands in where it is not */
} filesystem_types[] = {
  { "binfmt_misc", 0, NULL },
  { "cgroup", 0, NULL },
  { "cgroup2", CLONE_NEWCGROUP, NULL },
  { "devpts", 0, NULL },
  { "fuse", 0, NULL },
  { "mqueue", CLONE_NEWIPC, "/s/dev/mqueue" },
  { "overlay", 0, NULL },
  { "proc", CLONE_NEWPID, "/s/proc" },
  { "ramfs", 0, NULL },
  { "sysfs", CLONE_NEWNET, "/s/sys" },
  { "tmpfs", 0, NULL },
};

static guint64
bind_propagation (const MountOptions *options)
{
  /* private unless asked otherwise: nothing that the host mounts later appears inside */
  if (options->recursive_propagation != 0)
    return options->recursive_propagation;
  return options->propagation != 0 ? 0 : MS_PRIVATE;
}

/* A procfs or sysfs that a link of the image put elsewhere would make masks miss. */
static guint32
target_flags (const char *target)
{
  return strcmp (target, "/proc") == 0 || strcmp (target, "/sys") == 0 ? OP_FLAG_NO_SYMLINKS : 0;
}

void
plan_keep_flags (const Plan *plan, PlanOp *op, const SourceFacts *facts)
{
  guint64 own = facts->flags & MOUNT_ADDED_FLAGS;

  /* in a user namespace the host's are locked, so that there they tell themselves from bwrap's */
  if (plan->userns != USERNS_NONE)
    return;
  if (own != 0)
    {
      plan_op_number (op, own);
      plan_op_string (op, "");
    }
  for (guint i = 0; facts->below != NULL && i < facts->below->len; i++)
    {
      const MountBelow *mount = g_ptr_array_index (facts->below, i);

      plan_op_number (op, mount->flags);
      plan_op_string (op, mount->path);
    }
}

/* What bwrap has set on a bound tree and is to be taken back, as far as it was bwrap. */
static guint64
added_flags (const MountOptions *options, const SourceFacts *facts)
{
  if (facts == NULL)
    return 0;
  return options->recursive && S_ISDIR (facts->mode) ? MOUNT_ADDED_FLAGS
                                                     : MOUNT_ADDED_FLAGS & ~facts->flags;
}

/* What the host has on the mount and bwrap does not know of, so that it was lost when bwrap set its
 * own. */
static guint64
forgotten_flags (const MountOptions *options, const SourceFacts *facts)
{
  if (facts == NULL)
    return 0;
  return facts->flags & MOUNT_ATTR_NOSYMFOLLOW & ~(options->clear | options->recursive_clear);
}

/* The numbers of OP_BIND; @facts NULL: a staged tree of the host, not a source. */
static void
add_bind (const Work *work, const char *staged, const SourceFacts *facts, guint32 flags)
{
  const MountOptions *options = work->options;
  guint32 row = plan_row (work->context->plan, work->at, "bind %s on %s",
                          facts != NULL ? facts->path : staged, work->target);
  PlanOp *op = plan_op (work->context->plan, OP_BIND, row, flags | target_flags (work->target));
  guint64 numbers[BIND_NUMBERS] = {
    [BIND_SET] = options->set | forgotten_flags (options, facts),
    [BIND_CLEAR] = options->clear,
    [BIND_PROPAGATION] = options->propagation,
    [BIND_RECURSIVE_SET] = options->recursive_set,
    [BIND_RECURSIVE_CLEAR] = options->recursive_clear,
    [BIND_RECURSIVE_PROPAGATION] = bind_propagation (options),
    /* bwrap has not touched a mount of ours */
    [BIND_SOFT_CLEAR] = flags & OP_FLAG_RECEIVED ? 0 : added_flags (options, facts),
    [BIND_SOFT_ATIME] = options->has_atime ? options->atime : BIND_NO_ATIME,
    [BIND_DEVICE] = facts != NULL ? facts->device : 0,
    [BIND_INODE] = facts != NULL ? facts->inode : 0,
  };

  for (guint i = 0; i < BIND_NUMBERS; i++)
    plan_op_number (op, numbers[i]);
  plan_op_string (op, work->target);
  plan_op_string (op, staged != NULL ? staged : "");
  if (facts != NULL && options->recursive && S_ISDIR (facts->mode) && !(flags & OP_FLAG_RECEIVED))
    plan_keep_flags (work->context->plan, op, facts);
}

/* What the host has on a mount is locked in a user namespace (mount_namespaces(7)). Less than was
 * asked for is refused by name; that it can be written to is a default of many callers. */
static gboolean
check_locked (const Work *work, const SourceFacts *facts, MountOptions *options, GError **error)
{
  static const struct {
    guint64 flag;
    const char *option;
  } locked[] = {
    { MOUNT_ATTR_NOSUID, "suid" }, { MOUNT_ATTR_NODEV, "dev" }, { MOUNT_ATTR_NOEXEC, "exec" },
  };
  g_autofree char *at = g_strconcat (work->at, "/options", NULL);
  Plan *plan = work->context->plan;

  if (plan->userns == USERNS_NONE)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (locked); i++)
    if ((options->clear | options->recursive_clear) & facts->flags & locked[i].flag)
      return plan_refuse (error, at, "%s: the host's mount of %s is no%s", locked[i].option,
                          facts->path, locked[i].option);
  if (options->recursive_clear & facts->flags & MOUNT_ATTR_RDONLY)
    return plan_refuse (error, at, "rrw: the host's mount of %s is read-only", facts->path);
  if (options->clear & facts->flags & MOUNT_ATTR_RDONLY)
    plan_note (plan, at, "rw: the host's mount of %s is read-only and stays so", facts->path);
  options->clear &= ~(facts->flags & MOUNT_ATTR_RDONLY);
  if (options->has_atime && options->atime != (facts->flags & MOUNT_ATTR__ATIME))
    plan_note (plan, at, "the access times of the host's mount of %s stay", facts->path);
  return TRUE;
}

static gboolean
is_id_mapped (const Work *work)
{
  return work->options->idmap || field_count (work->mount->uid_mappings) > 0;
}

/* What is there already must be the same link: it may be of an earlier container. */
static void
copy_link (const Work *work, const char *content)
{
  guint32 row = plan_row (work->context->plan, work->at, "link %s to %s", work->target, content);
  PlanOp *op = plan_op (work->context->plan, OP_SYMLINK, row, OP_FLAG_SAME);

  plan_op_string (op, work->target);
  plan_op_string (op, content);
}

static gboolean
plan_bind (const Work *work, GError **error)
{
  const SourceFacts *facts = g_ptr_array_index (work->context->facts->bundle.mounts, work->index);
  guint32 flags = OP_FLAG_CHECK_SOURCE;

  /* plan_sources() has refused it; this is a plan that goes on all the same */
  if (facts == NULL || facts->error != 0)
    return TRUE;
  if (facts->link != NULL)
    {
      copy_link (work, facts->link);
      return TRUE;
    }
  if (work->options->recursive)
    flags |= OP_FLAG_RECURSIVE;
  if (S_ISDIR (facts->mode))
    flags |= OP_FLAG_DIRECTORY;
  if (work->options->copy_up)
    return plan_refuse (error, work->at, "tmpcopyup is for tmpfs only");
  if (is_id_mapped (work))
    {
      if (!plan_id_mapped (work->context, work->index, work->options, error))
        return FALSE;
      flags |= OP_FLAG_RECEIVED;
    }
  else if (!check_locked (work, facts, work->options, error))
    return FALSE;
  else if (plan_is_peer (work->context, work->options)
           || plan_is_out_of_reach (work->context, facts))
    {
      plan_hand_in (work->context, work->index, work->options);
      flags |= OP_FLAG_RECEIVED;
    }
  for (guint i = 0; i < work->options->superblock->len; i++)
    plan_ignore (work->context->plan, work->at, "option %s has no effect on a bind mount",
                 (const char *) g_ptr_array_index (work->options->superblock, i));
  add_bind (work, g_ptr_array_index (work->context->staged, work->index), facts, flags);
  return TRUE;
}

/* The parameters of a new file system: superblock flags and data. */
static void
add_parameters (const Work *work, PlanOp *op)
{
  const GArray *gids = work->context->plan->gid_map;

  if (mount_is_overlay (work->mount))
    {
      GPtrArray *staged = overlay_stage (work->options->data,
                                         plan_first_folder (work->context, work->index));

      g_ptr_array_unref (work->options->data);
      work->options->data = staged;
    }
  for (guint i = 0; i < work->options->superblock->len; i++)
    plan_op_string (op, g_ptr_array_index (work->options->superblock, i));
  for (guint i = 0; i < work->options->data->len; i++)
    {
      const char *option = g_ptr_array_index (work->options->data, i);
      guint64 gid;

      /* with few ids mapped the usual gid=5 of a devpts does not exist inside */
      if (g_strcmp0 (work->mount->type, "devpts") == 0 && g_str_has_prefix (option, "gid=")
          && g_ascii_string_to_unsigned (option + 4, 10, 0, G_MAXUINT32, &gid, NULL)
          && !plan_id_is_mapped (gids, (guint32) gid))
        plan_ignore (work->context->plan, work->at, "option %s is left out: not mapped", option);
      else
        plan_op_string (op, option);
    }
}

static gboolean
has_parameter (const MountOptions *options, const char *prefix)
{
  for (guint i = 0; i < options->data->len; i++)
    if (g_str_has_prefix (g_ptr_array_index (options->data, i), prefix))
      return TRUE;
  return FALSE;
}

static guint64
mount_attributes (const MountOptions *options)
{
  guint64 attributes = (options->recursive_set & ~options->clear) | options->set;

  if (options->has_atime)
    attributes = (attributes & ~(guint64) MOUNT_ATTR__ATIME) | options->atime;
  return attributes;
}

static PlanOp *
add_mount (const Work *work, const char *type, const char *target, guint32 flags)
{
  const MountOptions *options = work->options;
  guint32 row = plan_row (work->context->plan, work->at, "mount %s on %s", type, target);
  PlanOp *op = plan_op (work->context->plan, OP_MOUNT, row, flags | OP_FLAG_DIRECTORY);

  plan_op_number (op, mount_attributes (options));
  plan_op_number (op, 0);
  plan_op_number (op, options->propagation != 0 ? options->propagation
                                                : options->recursive_propagation);
  plan_op_string (op, target);
  plan_op_string (op, type);
  if (work->mount->source != NULL)
    {
      /* what /proc/mounts shows as the device */
      g_autofree char *source = g_strconcat ("source=", work->mount->source, NULL);

      plan_op_string (op, source);
    }
  return op;
}

/* How many mounts become read-only only at the end, as with the peers: mount points and devices
 * are still made in them. */
static guint
count_late (const Plan *plan)
{
  guint count = 0;

  for (guint i = 0; i < plan->ops->len; i++)
    {
      const PlanOp *op = g_ptr_array_index (plan->ops, i);

      if (op->code == OP_MOUNT && (op->flags & OP_FLAG_LATE_READONLY))
        count++;
    }
  return count;
}

/* Hierarchies of cgroup v1 are mounted below a tmpfs. */
static void
add_tmpfs_of_hierarchies (const Work *work)
{
  guint32 late = work->options->set & MOUNT_ATTR_RDONLY ? OP_FLAG_LATE_READONLY : 0;
  PlanOp *op = add_mount (work, "tmpfs", work->target, late);

  plan_op_string (op, "mode=755");
  plan_label_filesystem (work->context, op, "tmpfs");
}

/* Controllers that share a hierarchy are found by each of their names. */
static void
add_links (const Work *work, char **controllers, const char *options)
{
  for (guint i = 0; controllers[0] != NULL && controllers[1] != NULL && controllers[i] != NULL; i++)
    {
      g_autofree char *link = g_strconcat (work->target, "/", controllers[i], NULL);
      guint32 row = plan_row (work->context->plan, work->at, "link %s to %s", link, options);
      PlanOp *symlink = plan_op (work->context->plan, OP_SYMLINK, row, 0);

      plan_op_string (symlink, link);
      plan_op_string (symlink, options);
    }
}

/* One hierarchy of cgroup v1 below @work's target. */
static void
add_hierarchy (const Work *work, const char *options)
{
  const char *name = g_str_has_prefix (options, "name=") ? options + 5 : options;
  g_autofree char *target = g_strconcat (work->target, "/", name, NULL);
  g_auto (GStrv) controllers = g_strsplit (options, ",", -1);
  PlanOp *op = add_mount (work, "cgroup", target, 0);

  if (g_str_has_prefix (options, "name="))
    plan_op_string (op, "none");
  for (guint i = 0; controllers[i] != NULL; i++)
    plan_op_string (op, controllers[i]);
  add_links (work, controllers, options);
}

/* Whether each hierarchy that the container has a cgroup in is staged. */
static gboolean
are_staged (const GPtrArray *targets)
{
  for (guint i = 0; i < targets->len; i++)
    if (!g_str_has_prefix (((const CgroupTarget *) g_ptr_array_index (targets, i))->mount,
                           CGROUP_ROOT "/"))
      return FALSE;
  return targets->len > 0;
}

/* Without a cgroup namespace: of each hierarchy what a namespace would show. */
static void
add_own_cgroups (const Work *work, const GPtrArray *targets)
{
  add_tmpfs_of_hierarchies (work);
  for (guint i = 0; i < targets->len; i++)
    {
      const CgroupTarget *target = g_ptr_array_index (targets, i);
      const char *name = target->mount + strlen (CGROUP_ROOT);
      g_autofree char *staged = g_strconcat ("/s/cgroup", name, target->path, NULL);
      g_auto (GStrv) controllers = g_strsplit (target->options != NULL ? target->options : "",
                                               ",", -1);
      MountOptions writable = *work->options;
      Work bound = *work;

      /* bwrap has bound all of them read-only */
      writable.clear |= MOUNT_ATTR_RDONLY & ~writable.set;
      bound.options = &writable;
      bound.target = g_strconcat (work->target, name, NULL);
      add_bind (&bound, staged, NULL, OP_FLAG_RECURSIVE | OP_FLAG_DIRECTORY);
      add_links (work, controllers, name + 1);
      g_free (bound.target);
    }
}

/* What there is of cgroups without a namespace of them. */
static void
add_shown_cgroups (const Work *work)
{
  const GPtrArray *targets = work->context->plan->cgroup->targets;
  MountOptions all = *work->options;
  Work bound = *work;

  if (work->context->facts->machine.cgroup_mode != CGROUP_V2 && are_staged (targets))
    {
      add_own_cgroups (work, targets);
      return;
    }
  all.recursive_set |= work->options->set;
  bound.options = &all;
  add_bind (&bound, "/s/cgroup", NULL, OP_FLAG_RECURSIVE | OP_FLAG_DIRECTORY);
}

/* "cgroup" means whatever the host has. With a cgroup namespace of its own the container
 * gets fresh mounts, else what the host shows. */
static gboolean
plan_cgroup (const Work *work, GError **error)
{
  const MachineFacts *machine = &work->context->facts->machine;

  if (machine->cgroup_mode == CGROUP_NONE)
    return plan_refuse (error, work->at, "the host has no cgroups mounted");
  if ((work->options->set & MOUNT_ATTR_RDONLY) && count_late (work->context->plan) >= LATE_MAX)
    return plan_refuse (error, work->at, "too many read-only file systems before it");
  if (!plan_owns_namespace (work->context, CLONE_NEWCGROUP))
    {
      add_shown_cgroups (work);
      return TRUE;
    }
  if (machine->cgroup_mode == CGROUP_V2)
    {
      (void) add_mount (work, "cgroup2", work->target, 0);
      return TRUE;
    }

  add_tmpfs_of_hierarchies (work);
  for (char **options = machine->cgroup_v1; options != NULL && *options != NULL; options++)
    add_hierarchy (work, *options);
  if (machine->cgroup_mode == CGROUP_HYBRID)
    {
      g_autofree char *unified = g_strconcat (work->target, "/unified", NULL);

      (void) add_mount (work, "cgroup2", unified, 0);
    }
  return TRUE;
}

static gboolean
check_type (const Work *work, int *ret_needs, const char **ret_fallback, GError **error)
{
  g_autofree char *at = g_strconcat (work->at, "/type", NULL);

  if (work->mount->type == NULL)
    return plan_refuse (error, at, "missing, and no bind option either");
  for (gsize i = 0; i < G_N_ELEMENTS (filesystem_types); i++)
    if (strcmp (filesystem_types[i].type, work->mount->type) == 0)
      {
        *ret_needs = filesystem_types[i].needs;
        *ret_fallback = filesystem_types[i].fallback;
        return TRUE;
      }
  if (work->context->plan->userns != USERNS_NONE
      || !work->context->facts->machine.initial_user_ns)
    return plan_refuse (error, at, "file system type %s cannot be mounted in a user namespace",
                        work->mount->type);
  *ret_needs = 0;
  *ret_fallback = NULL;
  return TRUE;
}

static gboolean
plan_filesystem (const Work *work, GError **error)
{
  const char *type = work->mount->type, *fallback = NULL;
  guint32 flags = target_flags (work->target);
  int needs = 0;
  PlanOp *op;

  if (!check_type (work, &needs, &fallback, error))
    return FALSE;
  if (strcmp (type, "cgroup") == 0)
    return plan_cgroup (work, error);
  /* only who owns the namespace may mount its file system: else the host's is shown */
  if (needs != 0 && !plan_owns_namespace (work->context, needs)
      && work->context->plan->userns != USERNS_NONE)
    {
      if (fallback == NULL)
        return plan_refuse (error, work->at, "a %s mount needs a %s namespace", type,
                            name_of (oci_namespace_names, needs));
      plan_note (work->context->plan, work->at, "the host's %s is bound: a new one needs a %s"
                 " namespace", type, name_of (oci_namespace_names, needs));
      add_bind (work, fallback, NULL, OP_FLAG_RECURSIVE | OP_FLAG_DIRECTORY);
      return TRUE;
    }
  if (work->options->copy_up && strcmp (type, "tmpfs") != 0)
    return plan_refuse (error, work->at, "tmpcopyup is for tmpfs only");
  if (work->options->copy_symlink)
    return plan_refuse (error, work->at, "copy-symlink is for binds only");

  if (work->options->copy_up)
    flags |= OP_FLAG_COPY_UP;
  if (strcmp (type, "tmpfs") == 0 && (mount_attributes (work->options) & MOUNT_ATTR_RDONLY)
      && count_late (work->context->plan) < LATE_MAX)
    flags |= OP_FLAG_LATE_READONLY;
  if (strcmp (type, "tmpfs") == 0 && !has_parameter (work->options, "mode="))
    flags |= OP_FLAG_INHERIT_MODE;
  op = add_mount (work, type, work->target, flags);
  add_parameters (work, op);
  /* the mount's own option wins */
  if (!has_parameter (work->options, "context="))
    plan_label_filesystem (work->context, op, type);
  return !mount_is_overlay (work->mount) || plan_overlay (work->context, work->at, op, 2, error);
}

static gboolean
plan_mount (PlanContext *context, guint index, GError **error)
{
  const OciMount *mount = g_ptr_array_index (context->spec->mounts, index);
  g_autofree char *at = oci_mount_pointer (context->spec->mounts, index);
  g_autofree char *target = oci_path_normalize (mount->destination);
  g_auto (MountOptions) options = { 0 };
  Work work = { .context = context, .mount = mount, .index = index, .at = at,
                .options = &options, .target = target };

  if (!mount_options_read (mount, at, &options, error))
    {
      g_prefix_error (error, "config.json: ");
      return FALSE;
    }
  if (strlen (target) >= 4096)
    return plan_refuse (error, at, "destination: %s", g_strerror (ENAMETOOLONG));
  if ((options.propagation == MS_SHARED || options.recursive_propagation == MS_SHARED)
      && !(options.bind && plan_is_peer (context, &options)))
    plan_note (context->plan, at, "shared with what the container mounts, not with the host");
  if (!options.bind && is_id_mapped (&work))
    return plan_id_mapped (context, index, &options, error);
  return options.bind ? plan_bind (&work, error) : plan_filesystem (&work, error);
}

gboolean
plan_mounts (PlanContext *context, GError **error)
{
  if (!plan_go_on (context, plan_check_mount_label (context, error), error))
    return FALSE;
  for (guint i = 0; i < field_count (context->spec->mounts); i++)
    if (!plan_go_on (context, plan_mount (context, i, error), error))
      return FALSE;
  return TRUE;
}
