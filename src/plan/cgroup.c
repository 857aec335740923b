/* The container's cgroup; see cgroup.h.
 *
 * By the configuration's cgroupsPath, else, where a limit is asked for, a child of the caller's
 * own; else the container stays where the caller is, so that a unit keeps its processes. A limit
 * that cannot be kept is an error, a cgroup that nobody needs and that cannot be made is none. */
#include "config.h"

#include "plan/cgroup.h"

#include "plan/builder.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>

#define RESOURCES "/linux/resources"
#define CGROUPS_PATH "/linux/cgroupsPath"

/* How a child of the caller's cgroup is called. */
#define OWN_CHILD_PREFIX "bwrap-oci-"
#define DELEGATE_ANNOTATION "run.oci.delegate-cgroup"

static void
free_target (gpointer data)
{
  CgroupTarget *target = data;

  g_free (target->options);
  g_free (target->mount);
  g_free (target->path);
  g_free (target->own);
  g_strfreev (target->controllers);
  g_free (target);
}

void
cgroup_plan_free (CgroupPlan *plan)
{
  if (plan == NULL)
    return;
  scope_free (plan->scope);
  g_ptr_array_unref (plan->targets);
  g_ptr_array_unref (plan->settings);
  g_free (plan->delegated);
  g_free (plan);
}

gboolean
cgroup_is_slice_path (const char *path)
{
  const char *colon = path != NULL && *path != '/' ? strchr (path, ':') : NULL;

  colon = colon != NULL ? strchr (colon + 1, ':') : NULL;
  return colon != NULL && strchr (colon + 1, ':') == NULL;
}

char *
plan_cgroup_path (const char *own, const char *wanted, const char *id)
{
  const char *above = own == NULL || strcmp (own, "/") == 0 ? "" : own;
  g_autofree char *normal = NULL;

  if (wanted != NULL && *wanted == '/')
    return oci_path_normalize (wanted);
  if (own == NULL)
    return NULL;
  if (wanted == NULL)
    return g_strconcat (above, "/" OWN_CHILD_PREFIX, id, NULL);
  normal = oci_path_normalize (wanted);
  return strcmp (normal, "/") == 0 ? g_strdup (own) : g_strconcat (above, normal, NULL);
}

gboolean
cgroup_is_apart (const OciSpec *spec, gboolean scope)
{
  const char *path = spec->linux_->cgroups_path;

  return scope || (path != NULL && *path == '/');
}

/* Only who rules over the host's devices can restrict them. */
static gboolean
can_rule_devices (const MachineFacts *machine)
{
  return machine->initial_user_ns && (machine->capabilities & HOST_CAP_SYS_ADMIN) != 0;
}

/* Whether somebody asks for something that takes a cgroup. */
static gboolean
is_cgroup_asked (const OciSpec *spec, const MachineFacts *machine)
{
  const OciResources *resources = spec->linux_->resources;

  if (spec->linux_->cgroups_path != NULL || spec->systemd != SYSTEMD_NONE
      || oci_spec_annotation (spec, DELEGATE_ANNOTATION) != NULL)
    return TRUE;
  return resources != NULL
         && (resources->memory != NULL || resources->cpu != NULL || resources->pids != NULL
             || resources->block_io != NULL || resources->network != NULL
             || field_count (resources->hugepage_limits) > 0 || field_count (resources->rdma) > 0
             || field_count (resources->unified) > 0
             || (field_count (resources->devices) > 0 && can_rule_devices (machine)));
}

CgroupNeeds
plan_needs_cgroups (const OciSpec *spec, const MachineFacts *machine, CgroupManager manager)
{
  if (manager == CGROUP_MANAGER_SYSTEMD)
    return CGROUP_NEEDS_HIERARCHIES;
  return manager == CGROUP_MANAGER_CGROUPFS && is_cgroup_asked (spec, machine)
           ? CGROUP_NEEDS_PLACES : CGROUP_NEEDS_NOTHING;
}

/* --- limits --- */

/* Refuses the limit at @pointer for want of a cgroup in the hierarchy of @facts. */
static gboolean
refuse_limit (const CgroupFacts *facts, const char *pointer, GError **error)
{
  if (facts->path == NULL)
    return plan_refuse (error, pointer, "the caller's own cgroup is not to be seen in %s",
                        facts->mount);
  return plan_refuse (error, pointer, "cgroup %s%s: %s", facts->mount, facts->path,
                      g_strerror (facts->error));
}

/* Turns the limits into settings. */
static gboolean
plan_settings (PlanContext *context, GError **error)
{
  static const OciResources none = { 0 };
  const OciResources *resources = context->spec->linux_->resources;
  GPtrArray *settings = cgroup_settings_new (resources != NULL ? resources : &none, RESOURCES,
                                             context->facts->machine.cgroups, NULL, error);

  if (settings == NULL)
    {
      g_prefix_error (error, "config.json: ");
      return FALSE;
    }
  g_ptr_array_unref (context->plan->cgroup->settings);
  context->plan->cgroup->settings = settings;
  return TRUE;
}

/* Drops the settings that have no place; those that ask for something must have one. */
static gboolean
check_places (CgroupPlan *plan, const GPtrArray *hierarchies, GError **error)
{
  for (guint i = 0; i < plan->settings->len;)
    {
      const CgroupSetting *setting = g_ptr_array_index (plan->settings, i);
      const CgroupFacts *facts = g_ptr_array_index (hierarchies, setting->hierarchy);

      if (facts->path != NULL && facts->error == 0)
        i++;
      else if (setting->asked)
        return refuse_limit (facts, setting->pointer, error);
      else
        g_ptr_array_remove_index (plan->settings, i);
    }
  return TRUE;
}

static gboolean
is_asked (const CgroupPlan *plan)
{
  for (guint i = 0; i < plan->settings->len; i++)
    if (((const CgroupSetting *) g_ptr_array_index (plan->settings, i))->asked)
      return TRUE;
  return FALSE;
}

/* The hierarchy that knows of devices: cgroup v1's controller, or any cgroup of v2. */
static const CgroupFacts *
device_hierarchy (const GPtrArray *hierarchies)
{
  const CgroupFacts *found = NULL;

  for (guint i = 0; i < field_count (hierarchies); i++)
    {
      const CgroupFacts *facts = g_ptr_array_index (hierarchies, i);

      if (facts->options == NULL)
        found = found != NULL ? found : facts;
      else if (g_strv_contains ((const char *const *) facts->controllers, "devices"))
        found = facts;
    }
  return found;
}

/* In a user namespace of the container's own there is nothing to restrict: nobody there can make
 * a device node, and its /dev holds what was bound. In a scope the place is not known yet. */
static gboolean
plan_device_rules (PlanContext *context, GError **error)
{
  const OciResources *resources = context->spec->linux_->resources;
  const CgroupFacts *facts = device_hierarchy (context->facts->machine.cgroups);
  const GPtrArray *rules = resources != NULL ? resources->devices : NULL;
  Plan *plan = context->plan;

  if (field_count (rules) == 0)
    return TRUE;
  if (!can_rule_devices (&context->facts->machine))
    {
      plan_ignore (plan, RESOURCES "/devices", "without privilege these rules have no effect: /dev"
                   " holds what was bound there");
      return TRUE;
    }
  if (plan->cgroup->scope != NULL
      || (facts != NULL && facts->path != NULL && facts->error == 0))
    plan->cgroup->devices = rules;
  else if (plan->userns == USERNS_NONE)
    return facts != NULL ? refuse_limit (facts, RESOURCES "/devices", error)
                         : plan_refuse (error, RESOURCES "/devices", "there are no cgroups here");
  else
    plan_ignore (plan, RESOURCES "/devices", "not enforced: no cgroup can be made");
  return TRUE;
}

/* --- the cgroup --- */

/* The number that the target of @facts has in the plan; it is added if it is not there yet. */
static guint
add_target (CgroupPlan *plan, const CgroupFacts *facts)
{
  CgroupTarget *target = g_new0 (CgroupTarget, 1);

  target->options = g_strdup (facts->options);
  target->mount = g_strdup (facts->mount);
  target->path = g_strdup (facts->path);
  if (facts->options == NULL)
    {
      target->own = g_strdup (facts->own);
      target->controllers = g_strdupv (facts->controllers);
    }
  g_ptr_array_add (plan->targets, target);
  return plan->targets->len - 1;
}

static gboolean
has_v2_target (const CgroupPlan *plan)
{
  for (guint i = 0; i < plan->targets->len; i++)
    if (((const CgroupTarget *) g_ptr_array_index (plan->targets, i))->options == NULL)
      return TRUE;
  return FALSE;
}

/* All hierarchies, so that whoever asks for the container's cgroup finds it in each. */
gboolean
cgroup_plan_place (CgroupPlan *plan, const GPtrArray *hierarchies, GError **error)
{
  const CgroupFacts *devices = device_hierarchy (hierarchies);
  g_autofree guint *numbers = g_new0 (guint, field_count (hierarchies) + 1);

  if (!check_places (plan, hierarchies, error))
    return FALSE;
  for (guint i = 0; i < field_count (hierarchies); i++)
    {
      const CgroupFacts *facts = g_ptr_array_index (hierarchies, i);

      if (facts->path == NULL || facts->error != 0)
        continue;
      numbers[i] = add_target (plan, facts);
      if (facts == devices)
        plan->device_target = (int) numbers[i];
    }
  for (guint i = 0; i < plan->settings->len; i++)
    {
      CgroupSetting *setting = g_ptr_array_index (plan->settings, i);

      setting->hierarchy = numbers[setting->hierarchy];
    }
  if (plan->devices != NULL && plan->device_target < 0)
    return plan_refuse (error, RESOURCES "/devices", "there are no cgroups here");
  return plan->delegated == NULL || has_v2_target (plan)
         || plan_refuse (error, "/annotations/" DELEGATE_ANNOTATION, "the container has no cgroup"
                         " v2 of its own");
}

static gboolean
has_writable_cgroup_mount (const OciSpec *spec)
{
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);
      const char *const *options = (const char *const *) mount->options;

      if (g_strcmp0 (mount->type, "cgroup") == 0 || g_strcmp0 (mount->type, "cgroup2") == 0)
        return options == NULL || !g_strv_contains (options, "ro");
    }
  return FALSE;
}

/* A container that may write to its cgroup owns it (config-linux.md, "Cgroup ownership"). */
static void
choose_owner (PlanContext *context)
{
  const MachineFacts *machine = &context->facts->machine;
  const GArray *map = context->plan->uid_map;

  if (!(context->plan->new_namespaces & CLONE_NEWCGROUP)
      || !has_writable_cgroup_mount (context->spec))
    return;
  for (guint i = 0; map != NULL && i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      if (line->inside == 0 && line->outside != machine->uid && plan_privileged (machine))
        context->plan->cgroup->owner = line->outside;
    }
}

/* Whether @name is that of one directory. */
gboolean
cgroup_is_name (const char *name)
{
  return *name != '\0' && strpbrk (name, "/\n") == NULL && strcmp (name, ".") != 0
         && strcmp (name, "..") != 0;
}

static gboolean
plan_delegated (PlanContext *context, GError **error)
{
  const char *name = oci_spec_annotation (context->spec, DELEGATE_ANNOTATION);

  if (name == NULL || *name == '\0')
    return TRUE;
  if (!cgroup_is_name (name))
    return plan_refuse (error, "/annotations/" DELEGATE_ANNOTATION, "\"%s\" is not the name of a"
                        " cgroup", name);
  context->plan->cgroup->delegated = g_strdup (name);
  return TRUE;
}

/* The cgroup by path, or a child of the caller's. */
static gboolean
plan_directories (PlanContext *context, GError **error)
{
  const char *path = context->spec->linux_->cgroups_path;
  CgroupPlan *plan = context->plan->cgroup;

  if (cgroup_is_slice_path (path))
    return plan_refuse (error, CGROUPS_PATH, "%s: slice:prefix:name needs --systemd-cgroup", path);
  if (!plan_settings (context, error)
      || !check_places (plan, context->facts->machine.cgroups, error)
      || !plan_device_rules (context, error))
    return FALSE;
  if (plan->hands_down && !plan_systemd_cgroup (context, error))
    return FALSE;
  if (path == NULL && !is_asked (plan) && plan->devices == NULL && plan->delegated == NULL
      && !plan->hands_down)
    {
      g_ptr_array_set_size (plan->settings, 0);
      return TRUE;
    }
  if (!cgroup_plan_place (plan, context->facts->machine.cgroups, error))
    return FALSE;
  if (plan->targets->len == 0)
    plan_note (context->plan, CGROUPS_PATH, "no cgroup can be made: the container stays in that"
               " of its caller");
  return TRUE;
}

/* A cgroup in a scope that systemd makes. */
static gboolean
plan_in_scope (PlanContext *context, GError **error)
{
  const GPtrArray *hierarchies = context->facts->machine.cgroups;
  CgroupPlan *plan = context->plan->cgroup;
  g_autoptr (GPtrArray) limits = NULL;

  plan->scope = plan_scope (context, error);
  if (plan->scope == NULL || !plan_settings (context, error)
      || !plan_device_rules (context, error)
      || (plan->hands_down && !plan_systemd_cgroup (context, error)))
    return FALSE;
  limits = scope_properties_new (plan->settings, hierarchies, FALSE);
  g_ptr_array_extend_and_steal (plan->scope->properties, g_steal_pointer (&limits));
  g_ptr_array_unref (plan->scope->late);
  plan->scope->late = scope_properties_new (plan->settings, hierarchies, TRUE);
  return TRUE;
}

gboolean
plan_control_groups (PlanContext *context, GError **error)
{
  const char *path = context->spec->linux_->cgroups_path;
  CgroupManager manager = context->options->cgroup_manager;
  CgroupPlan *plan = g_new0 (CgroupPlan, 1);

  context->plan->cgroup = plan;
  plan->targets = g_ptr_array_new_with_free_func (free_target);
  plan->settings = g_ptr_array_new ();
  plan->device_target = -1;
  plan->owner = -1;
  plan->hands_down = context->spec->systemd != SYSTEMD_NONE;
  if (manager == CGROUP_MANAGER_DISABLED)
    {
      plan_ignore (context->plan, RESOURCES, "no cgroup, no limits: the manager is disabled");
      return TRUE;
    }
  if (path != NULL && strchr (path, '\n') != NULL)
    return plan_refuse (error, CGROUPS_PATH, "a newline cannot be in the name of a cgroup");
  if (!plan_delegated (context, error)
      || !(manager == CGROUP_MANAGER_SYSTEMD ? plan_in_scope (context, error)
                                             : plan_directories (context, error)))
    return FALSE;
  choose_owner (context);
  return TRUE;
}
