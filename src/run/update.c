/* Changing the limits of a container; see update.h. */
#include "config.h"

#include "run/update.h"

#include "base/error.h"
#include "base/fd.h"
#include "cgroup/devices.h"
#include "run/cgroup.h"
#include "spec/spec.h"

#include <string.h>

/* The container's cgroups, as the limits want to know them. */
typedef struct {
  CgroupSet set;
  GPtrArray *hierarchies;  /* of CgroupFacts */
  CgroupPresent present;
  int devices;             /* index of the one that rules on devices; -1: none does */
} Cgroups;

static void
cgroups_clear (Cgroups *cgroups)
{
  cgroup_set_clear (&cgroups->set);
  g_clear_pointer (&cgroups->hierarchies, g_ptr_array_unref);
  g_clear_pointer (&cgroups->present.cpu_quota, g_free);
  g_clear_pointer (&cgroups->present.cpu_period, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Cgroups, cgroups_clear)

static void
free_facts (gpointer data)
{
  cgroup_facts_free (data);
}

/* What is in force in @dir, where it is known there. */
static void
read_present (const CgroupDir *dir, CgroupPresent *present)
{
  g_autofree char *cpu_max = cgroup_dir_read (dir, "cpu.max", NULL);

  if (cgroup_dir_has (dir, "memory.max"))
    present->memory_limit = (gint64) cgroup_dir_number (dir, "memory.max", NULL, G_MAXUINT64);
  present->memory_usage = cgroup_dir_number (dir, "memory.current", NULL, present->memory_usage);
  present->memory_usage = cgroup_dir_number (dir, "memory.usage_in_bytes", NULL,
                                             present->memory_usage);
  if (cgroup_dir_number (dir, "cpu.idle", NULL, 0) != 0)
    present->cpu_idle = TRUE;
  if (cpu_max != NULL && strchr (cpu_max, ' ') != NULL)
    {
      present->cpu_period = g_strdup (strchr (cpu_max, ' ') + 1);
      present->cpu_quota = g_strndup (cpu_max, strcspn (cpu_max, " "));
    }
}

static void
add_cgroup (Cgroups *cgroups, const CgroupEntry *entry)
{
  g_auto (CgroupDir) dir = CGROUP_DIR_INIT;
  g_autofree char *controllers = NULL;
  CgroupFacts *facts;

  if (!cgroup_entry_open (entry, &dir))
    return;
  facts = g_new0 (CgroupFacts, 1);
  if (entry->options == NULL)
    controllers = cgroup_dir_read (&dir, "cgroup.controllers", NULL);
  facts->options = g_strdup (entry->options);
  facts->controllers = entry->options != NULL ? g_strsplit (entry->options, ",", -1)
                                              : g_strsplit (controllers != NULL ? controllers : "",
                                                            " ", -1);
  if (entry->options == NULL ? cgroups->devices < 0
                             : g_strv_contains ((const char *const *) facts->controllers,
                                                "devices"))
    cgroups->devices = (int) cgroups->hierarchies->len;
  read_present (&dir, &cgroups->present);
  g_ptr_array_add (cgroups->hierarchies, facts);
  *cgroup_set_add (&cgroups->set) = dir;
  dir = (CgroupDir) CGROUP_DIR_INIT;
}

/* Rules that are no others than those of the configuration. */
static gboolean
are_same_rules (const GPtrArray *old, const GPtrArray *new)
{
  g_autoptr (GArray) a = device_rules_new (old), b = device_rules_new (new);
  gboolean same = a->len == b->len;

  for (guint i = 0; same && i < a->len; i++)
    {
      const DeviceRule *x = &g_array_index (a, DeviceRule, i);
      const DeviceRule *y = &g_array_index (b, DeviceRule, i);

      same = x->allow == y->allow && x->type == y->type && x->major == y->major
             && x->minor == y->minor && x->access == y->access;
    }
  return same;
}

/* Callers repeat the rules with every update. */
static gboolean
have_rules_changed (const Container *container, const GPtrArray *rules)
{
  g_autofree char *text = NULL;
  g_autoptr (OciSpec) spec = NULL;
  gsize length;

  text = fd_read_file_at (container->fd, CONTAINER_CONFIG_FILE, JSON_TEXT_MAX_LENGTH, &length,
                          NULL);
  if (text != NULL)
    spec = oci_spec_parse (text, length, "config.json", NULL);
  return spec == NULL || spec->linux_->resources == NULL
         || !are_same_rules (spec->linux_->resources->devices, rules);
}

static gboolean
update_devices (const Container *container, const Cgroups *cgroups, const GPtrArray *rules,
                const char *document, GError **error)
{
  g_autofree char *where = g_strconcat (document, ": ", NULL);
  const CgroupFacts *facts;

  if (cgroups->devices < 0 || field_count (rules) == 0 || !have_rules_changed (container, rules))
    return TRUE;
  facts = g_ptr_array_index (cgroups->hierarchies, (guint) cgroups->devices);
  return cgroup_set_devices (cgroup_set_get (&cgroups->set, (guint) cgroups->devices),
                             facts->options == NULL, rules, where, error);
}

/* The same for systemd, which would take its own numbers back at the next reload. */
static gboolean
update_scope (const SystemdScope *scope, const GPtrArray *settings, const Cgroups *cgroups,
              const char *document, GError **error)
{
  for (int late = FALSE; late <= TRUE; late++)
    {
      g_autoptr (GPtrArray) properties = scope_properties_new (settings, cgroups->hierarchies,
                                                               late);

      if (systemd_scope_set (scope, properties, error))
        continue;
      g_prefix_error (error, "%s: ", document);
      return FALSE;
    }
  return TRUE;
}

gboolean
container_update (Container *container, const OciResources *resources,
                  const char *document, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;
  g_autoptr (GPtrArray) settings = NULL;
  g_auto (Cgroups) cgroups = { .set = CGROUP_SET_INIT, .present = { .memory_limit = -1 },
                               .devices = -1 };
  CgroupLimitsRequest request = { .document = document };
  ContainerStatus status = container_status (container);

  if (!container_check (container, error) || !container_cgroup_load (container, &record, error))
    return FALSE;
  if (!container_status_is_alive (status))
    return throw (error, "container not running");
  cgroups.hierarchies = g_ptr_array_new_with_free_func (free_facts);
  for (guint i = 0; record != NULL && i < record->entries->len; i++)
    add_cgroup (&cgroups, g_ptr_array_index (record->entries, i));
  settings = cgroup_settings_new (resources, "", cgroups.hierarchies, &cgroups.present, error);
  if (settings == NULL)
    {
      if (cgroups.hierarchies->len == 0 && error != NULL)
        g_prefix_error (error, "container %s has no cgroup of its own: ", container->id);
      g_prefix_error (error, "%s: ", document);
      return FALSE;
    }
  request.settings = settings;
  request.set = &cgroups.set;
  request.above = record != NULL && cgroup_record_is_below_scope (record);
  return cgroups_check_limits (&request, error)
         && (record == NULL || record->scope == NULL
             || update_scope (record->scope, settings, &cgroups, document, error))
         && cgroups_set_limits (&request, FALSE, error)
         && cgroups_set_limits (&request, TRUE, error)
         && (record == NULL || !record->devices.value
             || update_devices (container, &cgroups, resources->devices, document, error));
}
