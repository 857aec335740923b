/* --dry-run: the container's cgroup; see print.h. */
#include "config.h"

#include "plan/print.h"

#include "base/error.h"
#include "plan/print_cgroup.h"

#include <string.h>

/* The directory of the target with this index. */
static char *
target_path (const CgroupPlan *plan, guint index)
{
  const CgroupTarget *target = g_ptr_array_index (plan->targets, index);

  return g_strconcat (target->mount, target->path, NULL);
}

void
plan_format_cgroup (GString *out, const Plan *plan)
{
  const CgroupPlan *cgroup = plan->cgroup;

  if (cgroup != NULL && cgroup->scope != NULL)
    {
      g_autofree char *unit = error_escape (cgroup->scope->unit);
      g_autofree char *slice = error_escape (cgroup->scope->slice);

      g_string_append_printf (out, "scope: %s in %s\n", unit, slice);
    }
  for (guint i = 0; cgroup != NULL && i < cgroup->targets->len; i++)
    {
      g_autofree char *path = target_path (cgroup, i);
      g_autofree char *safe = error_escape (path);

      g_string_append_printf (out, "cgroup: %s%s\n", safe,
                              cgroup->devices != NULL && (int) i == cgroup->device_target
                                ? "  (with /linux/resources/devices)" : "");
    }
  for (guint i = 0; cgroup != NULL && i < cgroup->settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (cgroup->settings, i);
      g_autofree char *value = error_escape (setting->value);
      g_autofree char *pointer = error_escape (setting->pointer);

      g_string_append_printf (out, "limit: %s = %s  (%s)\n", setting->file, value, pointer);
    }
}

static void
emit_scope (JsonEmit *emit, const CgroupScope *scope)
{
  json_emit_object (emit, "scope");
  json_emit_string (emit, "unit", scope->unit);
  json_emit_string (emit, "slice", scope->slice);
  json_emit_string (emit, "subgroup", scope->subgroup);
  json_emit_object_end (emit);
}

void
plan_emit_cgroup (JsonEmit *emit, const Plan *plan)
{
  const CgroupPlan *cgroup = plan->cgroup;

  if (cgroup != NULL && cgroup->scope != NULL)
    emit_scope (emit, cgroup->scope);
  if (cgroup == NULL || cgroup->targets->len == 0)
    return;
  json_emit_object (emit, "cgroup");
  json_emit_array (emit, "paths");
  for (guint i = 0; i < cgroup->targets->len; i++)
    {
      g_autofree char *path = target_path (cgroup, i);

      json_emit_string (emit, NULL, path);
    }
  json_emit_array_end (emit);
  json_emit_array (emit, "settings");
  for (guint i = 0; i < cgroup->settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (cgroup->settings, i);

      json_emit_object (emit, NULL);
      json_emit_uint (emit, "path", setting->hierarchy);
      json_emit_string (emit, "file", setting->file);
      json_emit_string (emit, "value", setting->value);
      json_emit_string (emit, "pointer", setting->pointer);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
  json_emit_uint (emit, "deviceRules", field_count (cgroup->devices));
  json_emit_object_end (emit);
}
