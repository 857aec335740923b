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

static void
format_properties (GString *out, const char *title, const GPtrArray *properties)
{
  for (guint i = 0; i < properties->len; i++)
    {
      const ScopeProperty *property = g_ptr_array_index (properties, i);
      g_autofree char *value = error_escape (property->value);

      g_string_append_printf (out, "%s: %s = %s\n", title, property->name, value);
    }
}

static void
format_scope (GString *out, const CgroupScope *scope)
{
  g_autofree char *unit = error_escape (scope->unit);
  g_autofree char *slice = error_escape (scope->slice);

  g_string_append_printf (out, "scope: %s in %s%s%s\n", unit, slice,
                          *scope->subgroup != '\0' ? ", the container in its cgroup " : "",
                          scope->subgroup);
  format_properties (out, "property", scope->properties);
  format_properties (out, "late property", scope->late);
}

void
plan_format_cgroup (GString *out, const Plan *plan)
{
  const CgroupPlan *cgroup = plan->cgroup;

  if (cgroup != NULL && cgroup->scope != NULL)
    format_scope (out, cgroup->scope);
  if (cgroup != NULL && cgroup->scope != NULL && cgroup->devices != NULL)
    g_string_append (out, "rules: /linux/resources/devices\n");
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
  if (cgroup != NULL && cgroup->delegated != NULL)
    {
      g_autofree char *delegated = error_escape (cgroup->delegated);

      g_string_append_printf (out, "delegated: %s\n", delegated);
    }
}

static void
emit_properties (JsonEmit *emit, const char *key, const GPtrArray *properties)
{
  json_emit_array (emit, key);
  for (guint i = 0; i < properties->len; i++)
    {
      const ScopeProperty *property = g_ptr_array_index (properties, i);

      json_emit_object (emit, NULL);
      json_emit_string (emit, "name", property->name);
      json_emit_string (emit, "value", property->value);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
}

static void
emit_scope (JsonEmit *emit, const CgroupScope *scope)
{
  json_emit_object (emit, "scope");
  json_emit_string (emit, "unit", scope->unit);
  json_emit_string (emit, "slice", scope->slice);
  json_emit_string (emit, "subgroup", scope->subgroup);
  emit_properties (emit, "properties", scope->properties);
  emit_properties (emit, "lateProperties", scope->late);
  json_emit_object_end (emit);
}

void
plan_emit_cgroup (JsonEmit *emit, const Plan *plan)
{
  const CgroupPlan *cgroup = plan->cgroup;

  if (cgroup != NULL && cgroup->scope != NULL)
    emit_scope (emit, cgroup->scope);
  if (cgroup == NULL || (cgroup->targets->len == 0 && cgroup->scope == NULL))
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
      /* those of a scope are known when it is there */
      if (cgroup->targets->len > 0)
        json_emit_uint (emit, "path", setting->hierarchy);
      json_emit_string (emit, "file", setting->file);
      json_emit_string (emit, "value", setting->value);
      json_emit_string (emit, "pointer", setting->pointer);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
  if (cgroup->delegated != NULL)
    json_emit_string (emit, "delegated", cgroup->delegated);
  json_emit_uint (emit, "deviceRules", field_count (cgroup->devices));
  json_emit_object_end (emit);
}
