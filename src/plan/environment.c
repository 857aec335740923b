/* The program's environment: exactly the configuration's, and what a runtime has to say in it by
 * the protocols of sd_notify(3) and sd_listen_fds(3). */
#include "config.h"

#include "plan/builder.h"

#include "init/ops.h"

#include <linux/mount.h>
#include <string.h>

#define NOTIFY_DIRECTORY "/run/notify"
#define NOTIFY_NAME "notify.sock"

/* Of the name in a "NAME=value". */
static guint
variable_hash (gconstpointer variable)
{
  guint hash = 5381;

  for (const char *p = variable; *p != '\0' && *p != '='; p++)
    hash = hash * 33 + (guchar) *p;
  return hash;
}

static gboolean
variable_equal (gconstpointer a, gconstpointer b)
{
  gsize length = strcspn (a, "=");

  return length == strcspn (b, "=") && strncmp (a, b, length) == 0;
}

/* What the runtime itself has to say. Transfer: full. */
static GPtrArray *
own_variables (const PlanOptions *options)
{
  GPtrArray *own = g_ptr_array_new_with_free_func (g_free);

  if (options->notify)
    g_ptr_array_add (own, g_strdup ("NOTIFY_SOCKET=" NOTIFY_DIRECTORY "/" NOTIFY_NAME));
  if (options->listen_fds > 0)
    {
      g_ptr_array_add (own, g_strdup_printf ("LISTEN_FDS=%u", options->listen_fds));
      g_ptr_array_add (own, g_strdup ("LISTEN_PID=1"));
    }
  return own;
}

void
plan_environment (PlanContext *context, guint32 row)
{
  g_autoptr (GPtrArray) own = own_variables (context->options);
  g_autoptr (GHashTable) names = g_hash_table_new (variable_hash, variable_equal);
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();
  PlanOp *op = plan_op (context->plan, OP_ENVIRONMENT, row, 0);
  char **env = context->process->env;

  for (guint i = 0; i < own->len; i++)
    g_hash_table_add (names, g_ptr_array_index (own, i));
  /* the last of a name counts: getenv(3) would find the first, a shell the last */
  for (guint i = env != NULL ? g_strv_length (env) : 0; i-- > 0;)
    /* an empty HOME is an absent one */
    if (g_hash_table_add (names, env[i]) && strcmp (env[i], "HOME=") != 0)
      g_ptr_array_add (kept, env[i]);
  for (guint i = kept->len; i-- > 0;)
    plan_op_string (op, g_ptr_array_index (kept, i));
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
  plan_label_filesystem (context, op, "tmpfs");
  op = plan_op (plan, OP_NOTIFY, row, 0);
  plan_op_string (op, NOTIFY_DIRECTORY);
  plan_op_string (op, NOTIFY_NAME);
}
