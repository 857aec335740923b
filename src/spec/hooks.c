/* Hooks; see hooks.h. */
#include "config.h"

#include "spec/hooks.h"

#include "base/error.h"
#include "spec/document.h"

static const Field hook_fields[] = {
  FIELD_STRING (OciHook, path, "path", "program", .flags = FIELD_REQUIRED | FIELD_ABSOLUTE),
  FIELD_STRINGS (OciHook, args, "args", "its arguments, its own name first"),
  FIELD_STRINGS (OciHook, env, "env", "its environment"),
  FIELD_INT64 (OciHook, timeout, "timeout", "seconds until it is killed", .min = 1),
  FIELD_END,
};

static const FieldType hook_type = { "hook", sizeof (OciHook), hook_fields };

static const Field hooks_fields[] = {
  FIELD_OBJECTS (OciHooks, prestart, hook_type, "prestart", "before start, on the host (old)"),
  FIELD_OBJECTS (OciHooks, create_runtime, hook_type, "createRuntime",
                 "while it is created, on the host"),
  FIELD_OBJECTS (OciHooks, create_container, hook_type, "createContainer",
                 "while it is created, in its namespaces"),
  FIELD_OBJECTS (OciHooks, start_container, hook_type, "startContainer",
                 "before the program, in the container"),
  FIELD_OBJECTS (OciHooks, poststart, hook_type, "poststart", "after start, on the host"),
  FIELD_OBJECTS (OciHooks, poststop, hook_type, "poststop", "after delete, on the host"),
  FIELD_END,
};

const FieldType oci_hooks_type = { "hooks", sizeof (OciHooks), hooks_fields };

static gboolean
check_array (const GPtrArray *hooks, const char *name, GError **error)
{
  for (guint i = 0; i < field_count (hooks); i++)
    {
      const OciHook *hook = g_ptr_array_index (hooks, i);
      g_autofree char *at = g_strdup_printf ("/hooks/%s/%u", name, i);

      if (!oci_env_check (hook->env, at, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
oci_hooks_check (const OciHooks *hooks, GError **error)
{
  return check_array (hooks->prestart, "prestart", error)
         && check_array (hooks->create_runtime, "createRuntime", error)
         && check_array (hooks->create_container, "createContainer", error)
         && check_array (hooks->start_container, "startContainer", error)
         && check_array (hooks->poststart, "poststart", error)
         && check_array (hooks->poststop, "poststop", error);
}
