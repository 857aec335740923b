/* The program's environment: exactly the configuration's, and what a runtime has to say in it by
 * the protocols of sd_notify(3) and sd_listen_fds(3). */
#include "config.h"

#include "plan/builder.h"

#include "init/ops.h"

#include <linux/mount.h>
#include <string.h>

#define NOTIFY_DIRECTORY "/run/notify"
#define NOTIFY_NAME "notify.sock"

/* Whether @variable, a "NAME=value", stands again in @replacements. */
static gboolean
is_replaced (const char *variable, const GPtrArray *replacements)
{
  gsize length = strcspn (variable, "=") + 1;

  for (guint i = 0; i < replacements->len; i++)
    if (strncmp (variable, g_ptr_array_index (replacements, i), length) == 0)
      return TRUE;
  return FALSE;
}

void
plan_environment (PlanContext *context, guint32 row)
{
  g_autoptr (GPtrArray) own = g_ptr_array_new_with_free_func (g_free);
  PlanOp *op = plan_op (context->plan, OP_ENVIRONMENT, row, 0);

  if (context->options->notify)
    g_ptr_array_add (own, g_strdup ("NOTIFY_SOCKET=" NOTIFY_DIRECTORY "/" NOTIFY_NAME));
  if (context->options->listen_fds > 0)
    {
      g_ptr_array_add (own, g_strdup_printf ("LISTEN_FDS=%u", context->options->listen_fds));
      g_ptr_array_add (own, g_strdup ("LISTEN_PID=1"));
    }
  for (char **env = context->process->env; env != NULL && *env != NULL; env++)
    /* an empty HOME is an absent one */
    if (strcmp (*env, "HOME=") != 0 && !is_replaced (*env, own))
      plan_op_string (op, *env);
  for (guint i = 0; i < own->len; i++)
    plan_op_string (op, g_ptr_array_index (own, i));
}

void
plan_notify (PlanContext *context)
{
  Plan *plan = context->plan;
  guint32 row;
  PlanOp *op;

  if (!context->options->notify)
    return;
  row = plan_row (plan, "", "make the socket %s/%s", NOTIFY_DIRECTORY, NOTIFY_NAME);
  op = plan_op (plan, OP_MOUNT, row, OP_FLAG_DIRECTORY);
  plan_op_number (op, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  plan_op_number (op, 0);
  plan_op_number (op, 0);
  plan_op_string (op, NOTIFY_DIRECTORY);
  plan_op_string (op, "tmpfs");
  plan_op_string (op, "source=notify");
  plan_op_string (op, "mode=755");
  plan_op_string (op, "size=4k");
  plan_op_string (op, "nr_inodes=4");
  op = plan_op (plan, OP_NOTIFY, row, 0);
  plan_op_string (op, NOTIFY_DIRECTORY);
  plan_op_string (op, NOTIFY_NAME);
}
