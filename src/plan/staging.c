/* bwrap's part: namespaces, and what it carries into its own empty root.
 *
 * bwrap walks no path of the image. It binds the root file system to /r and the bind
 * sources below /s (sources.c); the init places them from there. A
 * procfs and the host's /dev are staged for the init's own use; sysfs too where a fresh
 * one is wanted, since the kernel gives one only to who can see one already. */
#include "config.h"

#include "plan/builder.h"
#include "plan/mounts.h"

#include "init/ops.h"

#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* --unshare-X by namespace; the mount namespace is always new */
static const struct {
  int type;
  const char *option;
} unshare_options[] = {
  { CLONE_NEWPID, "--unshare-pid" },
  { CLONE_NEWIPC, "--unshare-ipc" },
  { CLONE_NEWUTS, "--unshare-uts" },
  { CLONE_NEWNET, "--unshare-net" },
  { CLONE_NEWCGROUP, "--unshare-cgroup" },
};

void
plan_stage_namespaces (PlanContext *context, const char *capabilities_option)
{
  Plan *plan = context->plan;

  if (plan->userns == USERNS_BWRAP)
    {
      plan_word (plan, "--unshare-user");
      plan_word (plan, "--userns-block-fd");
      plan_word_slot (plan, SLOT_USERNS_BLOCK, 0);
    }
  plan_word (plan, "--info-fd");
  plan_word_slot (plan, SLOT_INFO, 0);
  /* who joins makes the pid namespace itself */
  for (gsize i = 0; i < G_N_ELEMENTS (unshare_options); i++)
    if ((plan->new_namespaces & unshare_options[i].type)
        && (unshare_options[i].type != CLONE_NEWPID || !plan->hold))
      plan_word (plan, unshare_options[i].option);
  if (plan->own_pid_ns && !plan->hold)
    plan_word (plan, context->facts->machine.bwrap.options & BWRAP_AS_PID_1 ? "--as-pid-1"
                                                                             : "--no-reaper");
  plan_word (plan, capabilities_option);
  plan_word (plan, "ALL");
  plan_word (plan, "--chdir");
  plan_word (plan, "/");
}

/* By descriptor where bwrap takes one: then it is the very thing that was looked at. */
static void
stage_bind (PlanContext *context, PlanSlotKind slot, const char *path)
{
  Plan *plan = context->plan;
  gboolean by_fd = (context->facts->machine.bwrap.options & BWRAP_BIND_FD) != 0;
  gboolean read_only = slot == SLOT_INIT;

  if (by_fd)
    {
      plan_word (plan, read_only ? "--ro-bind-fd" : "--bind-fd");
      plan_word_slot (plan, slot, 0);
    }
  else
    {
      plan_word (plan, read_only ? "--ro-bind" : "--bind");
      plan_word (plan, path);
    }
}

static gboolean
stage_root (PlanContext *context, GError **error)
{
  const SourceFacts *root = context->facts->bundle.root;

  if (root->error != 0)
    return plan_refuse (error, "/root/path", "open %s: %s", root->path, g_strerror (root->error));
  if (!S_ISDIR (root->mode))
    return plan_refuse (error, "/root/path", "%s: not a directory", root->path);
  stage_bind (context, SLOT_ROOT, root->path);
  plan_word (context->plan, "/r");
  return TRUE;
}

/* Whether one of the mounts is a new file system of @type. */
static gboolean
wants_filesystem (const OciSpec *spec, const char *type)
{
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);

      if (g_strcmp0 (mount->type, type) == 0 && !mount_is_bind (mount))
        return TRUE;
    }
  return FALSE;
}

static void
stage_host (PlanContext *context)
{
  Plan *plan = context->plan;

  plan_word (plan, "--proc");
  plan_word (plan, "/s/proc");
  plan_word (plan, "--dev-bind");
  plan_word (plan, "/dev");
  plan_word (plan, "/s/dev");
  if (wants_filesystem (context->spec, "sysfs"))
    {
      plan_word (plan, "--ro-bind");
      plan_word (plan, "/sys");
      plan_word (plan, "/s/sys");
    }
  if (wants_filesystem (context->spec, "cgroup")
      && !plan_owns_namespace (context, CLONE_NEWCGROUP))
    {
      plan_word (plan, "--ro-bind");
      plan_word (plan, "/sys/fs/cgroup");
      plan_word (plan, "/s/cgroup");
    }
}

/* The root file system first: everything else is placed in it. */
static void
root_op (PlanContext *context, gboolean layered)
{
  const SourceFacts *facts = context->facts->bundle.root;
  const guint64 restrictions = MOUNT_ADDED_FLAGS | MOUNT_ATTR_NOEXEC;
  Plan *plan = context->plan;
  guint32 row = plan_row (plan, "/root/path", "take %s as the root file system",
                          layered ? "that" : facts->path);
  PlanOp *op = plan_op (plan, OP_ROOT, row,
                        OP_FLAG_RECURSIVE | (layered ? 0 : OP_FLAG_CHECK_SOURCE));
  int wanted = context->spec->linux_->rootfs_propagation;
  guint64 numbers[BIND_NUMBERS] = {
    /* bwrap has set nothing on an overlay, and the host's mount is not asked any more; else the one
     * that bwrap does not know of was lost when it set its own */
    [BIND_SET] = facts->flags & (layered ? restrictions : (guint64) MOUNT_ATTR_NOSYMFOLLOW),
    /* a slave still hears of the host's mounts; shared and unbindable come at the end */
    [BIND_RECURSIVE_PROPAGATION] = wanted >= 0 && (wanted & MS_SLAVE) ? MS_SLAVE : MS_PRIVATE,
    [BIND_SOFT_CLEAR] = layered ? 0 : MOUNT_ADDED_FLAGS,
    [BIND_SOFT_ATIME] = BIND_NO_ATIME,
    [BIND_DEVICE] = facts->device,
    [BIND_INODE] = facts->inode,
  };

  for (guint i = 0; i < BIND_NUMBERS; i++)
    plan_op_number (op, numbers[i]);
  if (!layered)
    plan_keep_flags (plan, op, facts);
}

static void
become_root_op (Plan *plan)
{
  if (plan->userns == USERNS_NONE || plan->hold || !plan_id_is_mapped (plan->uid_map, 0)
      || !plan_id_is_mapped (plan->gid_map, 0))
    return;
  (void) plan_op (plan, OP_BECOME_ROOT, plan_row (plan, "/linux/uidMappings",
                                                  "become ids 0 of the user namespace"), 0);
}

void
plan_trial_staging (PlanContext *context)
{
  Plan *plan = context->plan;
  guint32 row;
  PlanOp *op;

  plan_stage_namespaces (context, context->options->plain ? "--cap-drop" : "--cap-add");
  plan_word (plan, "--tmpfs");
  plan_word (plan, "/r");
  plan_word (plan, "--proc");
  plan_word (plan, "/s/proc");
  stage_bind (context, SLOT_INIT, context->options->init_path);
  plan_word (plan, "/init");
  if (context->options->plain)
    return;
  become_root_op (plan);
  row = plan_row (plan, "/root/path", "take an empty root file system");
  op = plan_op (plan, OP_ROOT, row, 0);
  for (guint i = 0; i < BIND_NUMBERS; i++)
    plan_op_number (op, i == BIND_SOFT_ATIME ? BIND_NO_ATIME : 0);
}

gboolean
plan_staging (PlanContext *context, GError **error)
{
  Plan *plan = context->plan;
  gboolean layered;

  plan_stage_namespaces (context, "--cap-add");
  if (!plan_go_on (context, stage_root (context, error), error))
    return FALSE;
  stage_host (context);
  if (!plan_stage_layers (context, error) || !plan_sources (context, error))
    return FALSE;
  stage_bind (context, SLOT_INIT, context->options->init_path);
  plan_word (plan, "/init");

  become_root_op (plan);
  if (!plan_go_on (context, plan_layers (context, &layered, error), error))
    return FALSE;
  root_op (context, layered);
  return TRUE;
}
