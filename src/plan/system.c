/* What is set around the root file system: protected paths, names, kernel parameters,
 * the terminal, and then the pivot. */
#include "config.h"

#include "plan/builder.h"

#include "init/ops.h"
#include "spec/sysctl.h"

#include <sched.h>
#include <sys/mount.h>

static void
protect (PlanContext *context, guint32 code, char **paths, const char *chapter)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      g_autofree char *at = g_strdup_printf ("/linux/%s/%u", chapter, i);
      guint32 row = plan_row (context->plan, at, "%s %s",
                              code == OP_MASK ? "hide" : "make read-only", paths[i]);
      PlanOp *op = plan_op (context->plan, code, row, 0);

      plan_op_string (op, paths[i]);
      if (code == OP_MASK)
        plan_label_filesystem (context, op, "tmpfs");
    }
}

gboolean
plan_paths (PlanContext *context, GError **error)
{
  const OciLinux *linux_ = context->spec->linux_;

  (void) error;
  protect (context, OP_READONLY, linux_->readonly_paths, "readonlyPaths");
  protect (context, OP_MASK, linux_->masked_paths, "maskedPaths");
  return TRUE;
}

static void
set_name (Plan *plan, guint32 code, const char *name, const char *pointer)
{
  guint32 row;

  if (name == NULL)
    return;
  row = plan_row (plan, pointer, "set the %s %s", code == OP_HOSTNAME ? "host name" : "domain name",
                  name);
  plan_op_string (plan_op (plan, code, row, 0), name);
}

static gboolean
set_sysctls (PlanContext *context, GError **error)
{
  const GPtrArray *sysctls = context->spec->linux_->sysctl;

  for (guint i = 0; i < field_count (sysctls); i++)
    {
      const OciPair *pair = g_ptr_array_index (sysctls, i);
      g_autofree char *at = g_strconcat ("/linux/sysctl/", pair->key, NULL);
      g_autofree char *path = oci_sysctl_path (pair->key);
      PlanOp *op;

      if (path == NULL)
        return plan_refuse (error, at, "not the name of a kernel parameter");
      op = plan_op (context->plan, OP_SYSCTL,
                    plan_row (context->plan, at, "set %s to %s", pair->key, pair->value), 0);
      plan_op_string (op, path);
      plan_op_string (op, pair->value);
    }
  return TRUE;
}

void
plan_session (Plan *plan)
{
  (void) plan_op (plan, OP_NEW_SESSION, plan_row (plan, "", "start a new session"), 0);
}

gboolean
plan_terminal (PlanContext *context, guint32 flags, GError **error)
{
  const OciProcess *process = context->process;
  const OciConsoleSize *size;
  PlanOp *op;

  gboolean wanted = process != NULL && process->terminal.value;
  gboolean alone = !context->options->detach && !context->options->gate;

  if (context->options->console_socket && (!wanted || alone))
    return plan_refuse (error, "/process/terminal", "cannot use console socket if bwrap-oci"
                        " will not detach or allocate tty");
  if (!wanted)
    return TRUE;
  if (!context->options->console_socket && !alone)
    return plan_refuse (error, "/process/terminal", "cannot allocate tty if bwrap-oci will detach"
                        " without setting console socket");
  size = process->console_size;
  /* only who leads a session can have a terminal */
  plan_session (context->plan);
  op = plan_op (context->plan, OP_CONSOLE,
                plan_row (context->plan, "/process/terminal", "make a terminal"), flags);
  plan_op_number (op, size != NULL ? size->height.value : 0);
  plan_op_number (op, size != NULL ? size->width.value : 0);
  plan_op_number (op, process->user->uid.value);
  context->plan->terminal = TRUE;
  return TRUE;
}

void
plan_oom_score (PlanContext *context, guint32 flags)
{
  const OciProcess *process = context->process;
  g_autofree char *value = NULL;
  guint32 row;

  if (process == NULL || !process->oom_score_adj.set)
    return;
  value = g_strdup_printf ("%d", process->oom_score_adj.value);
  row = plan_row (context->plan, "/process/oomScoreAdj", "set oom_score_adj to %s", value);
  plan_op_string (plan_op (context->plan, OP_OOM_SCORE_ADJ, row, flags), value);
}

static void
pivot (PlanContext *context)
{
  int wanted = context->spec->linux_->rootfs_propagation;
  const char *cwd = context->process != NULL ? context->process->cwd : NULL;
  guint64 late = wanted >= 0 ? (guint64) (wanted & (MS_SHARED | MS_UNBINDABLE)) : 0;
  Plan *plan = context->plan;
  guint32 row = plan_row (plan, late != 0 ? "/linux/rootfsPropagation" : "/root",
                          "make it the root");

  plan_op_number (plan_op (plan, OP_PIVOT, row, wanted >= 0 && (wanted & MS_REC)
                                                  ? OP_FLAG_RECURSIVE : 0), late);
  if (!context->spec->root->readonly.value)
    return;
  if (cwd != NULL && strcmp (cwd, "/") != 0)
    {
      row = plan_row (plan, "/process/cwd", "make %s if missing", cwd);
      plan_op_string (plan_op (plan, OP_DIRECTORY, row, 0), cwd);
    }
  (void) plan_op (plan, OP_ROOT_READONLY, plan_row (plan, "/root/readonly", "make it read-only"),
                  0);
}

gboolean
plan_system (PlanContext *context, GError **error)
{
  Plan *plan = context->plan;

  if (!plan_go_on (context, plan_net_devices (context, error), error)
      || !plan_go_on (context, set_sysctls (context, error), error))
    return FALSE;
  set_name (plan, OP_HOSTNAME, context->spec->hostname, "/hostname");
  set_name (plan, OP_DOMAINNAME, context->spec->domainname, "/domainname");
  plan_oom_score (context, 0);
  if (!plan_labels (context, 0, error)
      || !plan_go_on (context, plan_terminal (context, OP_FLAG_BIND_CONSOLE, error), error))
    return FALSE;
  plan_notify (context);
  plan_create_hooks (context);
  pivot (context);
  return TRUE;
}
