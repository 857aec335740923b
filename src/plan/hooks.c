/* Hooks (runtime-spec config.md, "POSIX-platform Hooks"). Those of create are run by the runtime,
 * for which the init stops when everything but the root is in place; those of startContainer by the
 * init; the others concern no plan. */
#include "config.h"

#include "plan/builder.h"

#include "init/ops.h"
#include "spec/state.h"

/* Adds the paths of @hooks to @words, each with the @kind in front. */
static void
name_hooks (GString *words, const GPtrArray *hooks, const char *kind)
{
  for (guint i = 0; i < field_count (hooks); i++)
    {
      const OciHook *hook = g_ptr_array_index (hooks, i);

      g_string_append_printf (words, "%s%s %s", words->len > 0 ? ", " : "", kind, hook->path);
    }
}

void
plan_create_hooks (PlanContext *context)
{
  const OciHooks *hooks = context->spec->hooks;
  g_autoptr (GString) words = g_string_new (NULL);
  guint32 row;

  if (hooks == NULL)
    return;
  name_hooks (words, hooks->prestart, "prestart");
  name_hooks (words, hooks->create_runtime, "createRuntime");
  name_hooks (words, hooks->create_container, "createContainer");
  if (words->len == 0)
    return;
  row = plan_row (context->plan, "/hooks", "wait for hooks: %s", words->str);
  (void) plan_op (context->plan, OP_HOOKS, row, 0);
}

static void
start_hook (PlanContext *context, const OciHook *hook, guint index, const char *state)
{
  g_autofree char *at = g_strdup_printf ("/hooks/startContainer/%u", index);
  char *own_name[] = { hook->path, NULL };
  gboolean named = hook->args != NULL && hook->args[0] != NULL;
  char **args = named ? hook->args : own_name;
  PlanOp *op = plan_op (context->plan, OP_HOOK,
                        plan_row (context->plan, at, "run the hook %s", hook->path), 0);

  plan_op_number (op, index);
  plan_op_number (op, hook->timeout.set ? (guint64) hook->timeout.value : 0);
  plan_op_number (op, g_strv_length (args));
  plan_op_number (op, hook->env == NULL);
  plan_op_string (op, hook->path);
  plan_op_string (op, state);
  for (; *args != NULL; args++)
    plan_op_string (op, *args);
  for (char **env = hook->env; env != NULL && *env != NULL; env++)
    plan_op_string (op, *env);
}

void
plan_start_hooks (PlanContext *context)
{
  const OciState state = { .oci_version = context->spec->oci_version, .id = context->options->id,
                           .status = "created", .bundle = context->options->bundle,
                           .annotations = context->spec->annotations };
  g_autoptr (GString) head = NULL;

  if (field_count (context->start_hooks) > 0)
    head = oci_state_format_head (&state);
  for (guint i = 0; i < field_count (context->start_hooks); i++)
    start_hook (context, g_ptr_array_index (context->start_hooks, i), i, head->str);
}
