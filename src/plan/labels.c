/* What security modules are told of the container (runtime-spec config.md, "Linux Process";
 * config-linux.md, "Mount Label"): the AppArmor profile and the SELinux label of its program, and
 * the SELinux label of file systems that are made for it.
 *
 * A module that is not at work would take no notice, and the program would have less around it than
 * was asked for: that is refused. */
#include "config.h"

#include "plan/builder.h"

#include "init/ops.h"

#include <string.h>

#define NO_PROFILE "unconfined"

/* How a new file system is told the label of what is in it; others have labels of their own
 * (sysfs, procfs, cgroups), as with the peers. */
static const struct {
  const char *type;
  gboolean by_root;  /* as the label of its root, which the rest inherits */
} labelled_types[] = {
  { "devpts", FALSE },
  { "mqueue", TRUE },
  { "overlay", FALSE },
  { "ramfs", FALSE },
  { "tmpfs", FALSE },
};

gboolean
plan_needs_modules (const OciSpec *spec, const OciProcess *process)
{
  return spec->linux_->mount_label != NULL
         || (process != NULL
             && (process->apparmor_profile != NULL || process->selinux_label != NULL));
}

static void
label_op (Plan *plan, guint32 row, guint32 flags, const char *file, const char *text)
{
  PlanOp *op = plan_op (plan, OP_LABEL, row, flags);

  plan_op_string (op, file);
  plan_op_string (op, text);
}

static gboolean
plan_apparmor (PlanContext *context, guint32 flags, GError **error)
{
  const char *profile = context->process->apparmor_profile;
  Plan *plan = context->plan;
  g_autofree char *text = NULL;

  if (profile == NULL)
    return TRUE;
  if (!context->facts->machine.modules.apparmor && strcmp (profile, NO_PROFILE) == 0)
    {
      plan_ignore (plan, "/process/apparmorProfile", "AppArmor is not enabled: everything is "
                   NO_PROFILE);
      return TRUE;
    }
  if (!context->facts->machine.modules.apparmor)
    return plan_refuse (error, "/process/apparmorProfile", "apparmor profile %s is specified in"
                        " config, but apparmor is disabled or not supported", profile);
  text = g_strconcat ("exec ", profile, NULL);
  label_op (plan, plan_row (plan, "/process/apparmorProfile", "apply the AppArmor profile %s",
                            profile), flags, "attr/apparmor/exec", text);
  return TRUE;
}

static gboolean
plan_selinux (PlanContext *context, guint32 flags, GError **error)
{
  const char *label = context->process->selinux_label;
  guint32 row;

  if (label == NULL)
    return TRUE;
  if (!context->facts->machine.modules.selinux)
    return plan_refuse (error, "/process/selinuxLabel", "selinux label is specified in config, but"
                        " selinux is disabled or not supported");
  row = plan_row (context->plan, "/process/selinuxLabel", "apply the SELinux label %s", label);
  label_op (context->plan, row, flags, "attr/exec", label);
  /* the keyring is for the program, which could not use one with the caller's label; what this file
   * says holds until the execve as well */
  if (context->options->new_keyring)
    label_op (context->plan, row, flags, "attr/keycreate", label);
  return TRUE;
}

gboolean
plan_labels (PlanContext *context, guint32 flags, GError **error)
{
  return context->process == NULL
         || (plan_go_on (context, plan_apparmor (context, flags, error), error)
             && plan_go_on (context, plan_selinux (context, flags, error), error));
}

gboolean
plan_check_mount_label (PlanContext *context, GError **error)
{
  return context->spec->linux_->mount_label == NULL || context->facts->machine.modules.selinux
         || plan_refuse (error, "/linux/mountLabel", "selinux label is specified in config, but"
                         " selinux is disabled or not supported");
}

void
plan_label_filesystem (const PlanContext *context, PlanOp *op, const char *type)
{
  const char *label = context->spec->linux_->mount_label;
  g_autofree char *parameter = NULL;

  if (label == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (labelled_types); i++)
    if (strcmp (labelled_types[i].type, type) == 0)
      {
        parameter = g_strconcat ("context=", label, NULL);
        plan_op_string (op, labelled_types[i].by_root ? label : parameter);
        if (labelled_types[i].by_root)
          op->flags |= OP_FLAG_LABEL;
      }
}
